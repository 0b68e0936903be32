"""Drawing -> GIF: the sequence diagram as it comes about, painted frame by frame as a PNG would be."""

from __future__ import annotations

from collections.abc import Iterator

from tcpviz.draw import pixels
from tcpviz.draw.drawing import Drawing
from tcpviz.draw.page import Page
from tcpviz.draw.pixels import Pixels
from tcpviz.draw.theme import Theme, dress
from tcpviz.draw.to_png import painted
from tcpviz.draw.travelling import frames
from tcpviz.value import replace


def render(drawing: Drawing, theme: Theme, page: Page) -> bytes:
    """The drawing as it comes about, over and over. Always on its background, as GIF knows no half opaque edges."""
    page = replace(page, transparent=False)

    def moving() -> Iterator[tuple[Pixels, int]]:
        for frame in frames(drawing):
            yield painted(dress(frame.drawing, theme), theme, page), frame.milliseconds

    return pixels.gif(moving(), painted(dress(drawing, theme), theme, page))
