"""Rows of a story that has its positions -> shapes: arrows, their texts, torn strips. Decides no position."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tcpviz.draw.columns import gap_text, mark_width
from tcpviz.draw.drawing import Anchor, Circle, Line, Point, Polygon, Role, Shape, Text, arrowhead, cross
from tcpviz.draw.labels import DOT, ELSEWHERE, GAP_HALF, LOST_GAP
from tcpviz.draw.margins import bands, margins
from tcpviz.draw.placed import Placed
from tcpviz.draw.story import Arrow, Gap, node
from tcpviz.exchange.exchange import SIDES

_LEADING = 1.15
"""From one line of a label to the next, in em."""
_TEETH, _TOOTH = 7.0, 2.0
"""Half the period of a torn edge, and half its height."""


def inked(slide: Placed) -> Iterator[Shape]:
    """The whole diagram, in painting order."""
    rows = list(enumerate(slide.story.rows))[: slide.until]
    arrows = [(row, shown) for row, shown in rows if isinstance(shown, Arrow)]
    yield from bands(slide)
    for x, side in zip(slide.place.lifelines, SIDES, strict=True):
        yield Line(((x, slide.top - 4), (x, slide.bottom)), Role.FRAME, 2.0, part=f"{slide.prefix}lifeline-{side}")
    for row, gap in rows:
        if isinstance(gap, Gap):
            yield from _gap(slide, row, gap)
    for row, shown in arrows:
        yield from _arrow(slide, row, shown)
    for row, shown in arrows:
        yield from _masks(slide, row, shown)
    for row, shown in arrows:
        yield from _texts(slide, row, shown)
    yield from margins(slide)


def _arrow(slide: Placed, row: int, shown: Arrow) -> Iterator[Shape]:
    part, label = slide.part(shown), slide.spacing.labels[row]
    start, end = slide.line(row)
    if shown.origin == "server":
        start, end = end, start
    if label.stop is not None:
        end, _ = slide.on(row, label.stop, 0)
    if shown.foreign:
        start, _ = slide.on(row, ELSEWHERE if shown.origin == "client" else slide.place.span - ELSEWHERE, 0)
        yield Circle(*start, DOT, shown.role, part)
    width = 2.4 if shown.strong else 2.0
    if shown.dashed:
        yield Line((start, _short(start, end, 8)), shown.role, 1.6, (6, 4), part=part)
    else:
        yield Line((start, _short(start, end, 0 if shown.lost else 8)), shown.role, width, part=part)
    if label.stop is None:
        yield arrowhead(_short(start, end, 1), start, 11 if shown.strong else 10, shown.role, part)
    else:
        yield from cross(end, 6, Role.LOST, part)


def _masks(slide: Placed, row: int, shown: Arrow) -> Iterator[Polygon]:
    """What interrupts the lines that cross behind a label, or behind what stands below an arrow."""
    label, part = slide.spacing.labels[row], slide.part(shown)
    if label.trouble:
        yield _behind_label(slide, row, f"{part}/mask")
    if slide.spacing.crossed[row]:
        for note in _notes(slide, row, part):
            corners = note.corners()
            middle = sum(x for x, _ in corners) / 4, sum(y for _, y in corners) / 4
            yield Polygon(tuple(_short(middle, corner, -3) for corner in corners), Role.HALO, f"{part}/mask")


def _behind_label(slide: Placed, row: int, part: str) -> Polygon:
    """One box around all its lines."""
    label, size = slide.spacing.labels[row], slide.place.size
    more = _LEADING * (len(label.lines) - 1)
    _, angle = slide.on(row, label.text.left, 0)
    # its lines begin above each other, however steep they are
    pad = 3 + more * size * abs(math.sin(math.radians(angle)))
    at, _ = slide.on(row, label.text.left, 3 + 0.24 * size, -pad)
    width = label.text.right - label.text.left + 2 * pad
    whole = Text(*at, "", size, width, angle=angle)
    return Polygon(whole.box(more + 0.88 + 2 / size, 0.24 + 1 / size), Role.HALO, part)


def _texts(slide: Placed, row: int, shown: Arrow) -> Iterator[Shape]:
    part, label, small = slide.part(shown), slide.spacing.labels[row], slide.place.small
    for line in _label(slide, row, shown, part):
        yield from line
    if label.stop is not None:
        yield _lost(slide, row, shown, label.stop, part)
    if label.time:
        at, angle = slide.on(row, label.time.left, -3 - 0.76 * small)
        yield slide.text(at, shown.time, small, role=Role.MUTED, angle=angle, part=f"{part}/time")
    yield from _notes(slide, row, part)


def _notes(slide: Placed, row: int, part: str) -> Iterator[Text]:
    size = slide.place.size
    for line in slide.spacing.labels[row].notes:
        (at, angle), note = slide.on(row, line.part.left, 0.24 * size - line.part.reach), line.note
        yield slide.text(at, line.text, size, role=note.role, bold=note.bold, angle=angle, part=f"{part}/note")


def _label(slide: Placed, row: int, shown: Arrow, part: str) -> Iterator[list[Text]]:
    """Line by line, each of one verdict, flags and numbers or some of them."""
    label, size = slide.spacing.labels[row], slide.place.size
    for number, (flags, numbers) in enumerate(label.lines):
        off = 3 + size * (0.24 + _LEADING * (len(label.lines) - 1 - number))
        bold_width = slide.metrics.width(flags, size, True)
        width = bold_width + (slide.metrics.width("  ", size) if flags and numbers else 0)
        mark = 0.0 if number else mark_width(shown, size, slide.metrics)
        whole = mark + width + slide.metrics.width(numbers, size)
        # the shorter of two lines is centred above the longer
        start = (label.text.right - label.text.left - whole) / 2
        at, angle = slide.on(row, label.text.left, off, start)
        line = []
        if mark:
            role = shown.mark_role
            line.append(slide.text(at, shown.mark, size, role=role, bold=True, angle=angle, part=f"{part}/verdict"))
            start += mark
            at, angle = slide.on(row, label.text.left, off, start)
        if flags:
            line.append(slide.text(at, flags, size, role=shown.role, bold=True, angle=angle, part=f"{part}/label"))
        if numbers:
            at, angle = slide.on(row, label.text.left, off, start + width)
            line.append(slide.text(at, numbers, size, role=shown.role, angle=angle, part=f"{part}/label"))
        yield line


def _lost(slide: Placed, row: int, shown: Arrow, stop: float, part: str) -> Text:
    size = slide.place.size
    beyond = LOST_GAP if shown.origin == "client" else -LOST_GAP
    at, angle = slide.on(row, stop + beyond, -0.27 * size)
    anchor: Anchor = "start" if shown.origin == "client" else "end"
    return slide.text(
        at, slide.words.lost, size, role=Role.LOST, bold=True, anchor=anchor, angle=angle, part=f"{part}/lost"
    )


def _gap(slide: Placed, row: int, gap: Gap) -> Iterator[Shape]:
    """A strip torn out of the slide, from band to band."""
    part, y, size = f"{slide.prefix}gap-{gap.first}", slide.y[node(row, "client")], slide.place.size
    half = GAP_HALF * size
    left, right = slide.place.edges[0] - 3, slide.place.edges[1] + 3
    upper, lower = _torn(left, right, y - half), _torn(left, right, y + half)
    yield Polygon((*upper, *reversed(lower)), Role.HALO, part=part)
    yield Line(tuple(upper), Role.MUTED, 1.0, part=part)
    yield Line(tuple(lower), Role.MUTED, 1.0, part=part)
    text = gap_text(gap, slide.place.span - 16, size, slide.metrics)
    at = sum(slide.place.lifelines) / 2, y + 0.32 * size
    yield slide.text(at, text, size, role=Role.MUTED, anchor="middle", part=f"{part}/label")


def _short(start: Point, end: Point, by: float) -> Point:
    """`end`, moved back towards `start`."""
    length = math.dist(start, end) or 1.0
    return end[0] - (end[0] - start[0]) * by / length, end[1] - (end[1] - start[1]) * by / length


def _torn(left: float, right: float, y: float) -> list[Point]:
    count = max(2, round((right - left) / _TEETH))
    return [(left + (right - left) * i / count, y + (_TOOTH if i % 2 else -_TOOTH)) for i in range(count + 1)]
