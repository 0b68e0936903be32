"""What surrounds a diagram: the title, the names of the ends, the footer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tcpviz.draw.columns import MARGIN, Columns
from tcpviz.draw.drawing import LEAST_SIZE, Role, Shape, Slide, Text
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.view import View
from tcpviz.draw.words import Words
from tcpviz.draw.wrapping import wrap
from tcpviz.exchange.exchange import SIDES

_TITLES = (24.0, 22.0, 20.0, 18.0, 16.0)
"""A long title is set smaller before it loses words."""


def title_line(text: str, slide: Slide, metrics: Metrics) -> Text:
    room = slide.width - 2 * MARGIN
    size = next((size for size in _TITLES if metrics.width(text, size, True) <= room), _TITLES[-1])
    (line,) = wrap(text, room, size, metrics, bold=True)
    return Text(
        slide.width / 2, 30, line, size, metrics.width(line, size, True), bold=True, anchor="middle", part="title"
    )


def names(texts: Sequence[str], place: Columns, y: float, metrics: Metrics, prefix: str = "") -> Iterator[Shape]:
    """Above the states of each end, or its lifeline. Of addresses too long for both the middle goes."""
    low, high = place.frame[0] + MARGIN, place.frame[1] - MARGIN
    size = min(max(place.size, 15.0), 20.0)
    room = high - low - 12
    wanted = [metrics.width(text, size, True) for text in texts]
    # a short name leaves its room to the other
    rooms = [max(room / 2, room - other) for other in reversed(wanted)]
    fitted = [metrics.fit(text, most, size, True) for text, most in zip(texts, rooms, strict=True)]
    widths = [metrics.width(text, size, True) for text in fitted]
    middles = [(edge + line) / 2 for edge, line in zip(place.edges, place.lifelines, strict=True)]
    left = min(max(middles[0], low + widths[0] / 2), high - widths[1] - 12 - widths[0] / 2)
    right = max(min(middles[1], high - widths[1] / 2), left + widths[0] / 2 + 12 + widths[1] / 2)
    for side, text, width, x in zip(SIDES, fitted, widths, (left, right), strict=True):
        yield Text(x, y, text, size, width, bold=True, anchor="middle", part=f"{prefix}name-{side}")


def footer(texts: Sequence[str], slide: Slide, metrics: Metrics) -> Text:
    """Beside each other as many as there is room for, the first ones first."""
    size, line = LEAST_SIZE, texts[0]
    for text in texts[1:]:
        longer = f"{line}  {text}"
        line = longer if metrics.width(longer, size) <= slide.width - 2 * MARGIN else line
    width = metrics.width(line, size)
    return Text(slide.width / 2, slide.height - 8, line, size, width, Role.MUTED, anchor="middle", part="footer")


def explained(view: View, words: Words) -> tuple[str, ...]:
    """What the numbers count, what a slant means, and how time runs."""
    counted = {"relative": words.relative, "symbolic": words.symbolic, "absolute": words.absolute}[view.numbers]
    scale = {"even": words.not_to_scale, "log": words.log_scale, "linear": words.linear_scale}[view.scale]
    return counted, *((words.one_clock,) if view.clocks == 1 else ()), scale
