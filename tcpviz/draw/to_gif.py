"""Drawing -> GIF: the sequence diagram as it comes about. What changes from one frame to the next is painted, as a PNG
would be, and nothing else.
"""

from __future__ import annotations

from tcpviz.draw import pixels
from tcpviz.draw.drawing import Drawing
from tcpviz.draw.page import Page
from tcpviz.draw.theme import Theme, dress
from tcpviz.draw.to_png import painted, repainted
from tcpviz.draw.travelling import frames
from tcpviz.value import replace


def render(drawing: Drawing, theme: Theme, page: Page) -> bytes:
    """The drawing as it comes about, over and over. Always on its background, as GIF knows no half opaque edges."""
    page = replace(page, transparent=False)
    moving = tuple(frames(drawing))
    changes = repainted([dress(frame.drawing, theme) for frame in moving], theme, page)
    times = [frame.milliseconds for frame in moving]
    return pixels.gif(changes, times, painted(dress(drawing, theme), theme, page))
