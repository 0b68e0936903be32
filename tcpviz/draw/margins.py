"""What stands beside the arrows -> shapes: states, calls, timers, brackets. Decides no position in time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tcpviz.draw.columns import BAND_GAP, LANE, LEADING, note_text, outside, shout_lines, timer_lines
from tcpviz.draw.drawing import Anchor, Line, Polygon, Rect, Role, Shape, arrowhead
from tcpviz.draw.labels import GAP_HALF, TIMER_AT
from tcpviz.draw.placed import Placed
from tcpviz.draw.spacing import bracket_length, phase_rows
from tcpviz.draw.story import Gap, Lifeline, Timer, broken, node
from tcpviz.exchange.exchange import SIDES, Side
from tcpviz.model.transitions import State

_BANDS = {
    State.CLOSED: Role.BAND_CLOSED,
    State.LISTEN: Role.BAND_LISTEN,
    State.SYN_SENT: Role.BAND_OPENING,
    State.SYN_RECEIVED: Role.BAND_OPENING,
    State.ESTABLISHED: Role.BAND_ESTABLISHED,
    State.TIME_WAIT: Role.BAND_TIME_WAIT,
}


def band_role(state: State) -> Role:
    return _BANDS.get(state, Role.BAND_CLOSING)


def bands(slide: Placed) -> Iterator[Shape]:
    """The states of both ends, each for as long as it lasts."""
    for side, line in zip(SIDES, slide.story.lifelines, strict=True):
        inner = slide.place.lifeline(side) + (-BAND_GAP if side == "client" else BAND_GAP)
        x, x1 = sorted((slide.place.edges[side == "server"], inner))
        seen = [band for band in line.bands if slide.happened(band.node)]
        starts = [slide.top if band.node is None else slide.y[band.node] for band in seen]
        for number, (band, start, end) in enumerate(zip(seen, starts, [*starts[1:], slide.frontier], strict=False)):
            part, size = f"{slide.prefix}band-{side}-{number}", slide.place.size
            role, outline = (Role.HALO, Role.FRAME) if band.blank else (band_role(band.state), None)
            yield Rect(x, start + 0.5, x1 - x, max(end - start - 1, 1), role, outline=outline, part=part)
            if band.blank:
                continue
            low, high = _widest_piece(slide, start, end)
            for line_number, name in enumerate(band.lines):
                more = len(band.lines) - 1
                off = 0.36 - 0.05 * more + LEADING * (line_number - more / 2)
                at = (x + x1) / 2, (low + high) / 2 + off * size
                yield slide.text(at, name, size, bold=True, anchor="middle", part=f"{part}/name")


def _half(slide: Placed, which: int) -> float:
    """How far a torn strip reaches below its node; an arrow does not."""
    torn = which < 2 * len(slide.story.rows) and isinstance(slide.story.rows[which // 2], Gap)
    return GAP_HALF * slide.place.size + 3 if torn else 0.0


def _widest_piece(slide: Placed, start: float, end: float) -> tuple[float, float]:
    """The tallest part of a band that no torn strip covers."""
    half = GAP_HALF * slide.place.size + 3
    cuts = [slide.y[node(r, "client")] for r, shown in enumerate(slide.story.rows) if isinstance(shown, Gap)]
    inside = [y for y in cuts if start - half < y < end + half]
    lows = [start, *(y + half for y in inside)]
    highs = [*(y - half for y in inside), end]
    return max(zip(lows, highs, strict=True), key=lambda piece: piece[1] - piece[0])


def margins(slide: Placed) -> Iterator[Shape]:
    """Calls, timers, marks and brackets."""
    for side, line in zip(SIDES, slide.story.lifelines, strict=True):
        yield from _timers(slide, side, line)
        yield from _calls(slide, side, line)
        yield from _marks(slide, side, line)
    yield from _breaks(slide)
    yield from _brackets(slide)


# Calls, and timers outside the bands


def _calls(slide: Placed, side: Side, line: Lifeline) -> Iterator[Shape]:
    """Each beside its moment, or as near to it as those above and below let it be."""
    size, edge = slide.place.size, slide.place.edges[side == "server"]
    out, gutter = (-1 if side == "client" else 1), slide.place.gutters[side == "server"]
    anchor: Anchor = "end" if side == "client" else "start"
    wanted: list[tuple[float, float, float, tuple[str, ...], str]] = []
    for timer, lane in outside(line):
        if slide.happened(timer.end) and timer.text:
            y = (slide.y[timer.start] + slide.y[timer.end]) / 2
            lines = timer_lines(timer, size, slide.metrics)
            wanted.append(
                (y, len(lines) * 1.15 * size, edge + out * (3 + LANE * lane), lines, f"timer-{side}-{timer.start}")
            )
    for number, shout in enumerate(line.shouts):
        if not all(map(slide.happened, shout.nodes)) or (shout.nodes[1] is None and slide.until is not None):
            continue
        lines = shout_lines(shout, size, slide.metrics)
        ends = zip(shout.nodes, (slide.top, slide.bottom), strict=True)
        y = sum(end if which is None else slide.y[which] for which, end in ends) / 2
        wanted.append((y, len(lines) * 1.15 * size, edge + out, lines, f"call-{side}-{number}"))
    wanted.sort(key=lambda item: item[0])
    spots = spread([(y, height) for y, height, *_ in wanted], slide.top - 4, slide.bottom)
    for (y, height, x, lines, name), spot in zip(wanted, spots, strict=True):
        part = f"{slide.prefix}{name}"
        yield Line(((edge + out * (gutter - 2), spot), (x, y)), Role.MUTED, 1.0, part=part)
        for line_number, text in enumerate(lines):
            at = edge + out * gutter, spot - height / 2 + (line_number + 0.5) * 1.15 * size + 0.3 * size
            yield slide.text(at, text, size, anchor=anchor, part=f"{part}/label")


def spread(wanted: Sequence[tuple[float, float]], top: float, bottom: float) -> list[float]:
    """Middles as near as can be to the wanted ones, in order, none overlapping, all between top and bottom."""
    spots: list[float] = []
    low = top
    for y, height in wanted:
        spots.append(max(y, low + height / 2))
        low = spots[-1] + height / 2
    high = bottom
    for i in range(len(spots) - 1, -1, -1):
        spots[i] = min(spots[i], high - wanted[i][1] / 2)
        high = spots[i] - wanted[i][1] / 2
    return spots


def _timers(slide: Placed, side: Side, line: Lifeline) -> Iterator[Shape]:
    edge, out = slide.place.edges[side == "server"], -1 if side == "client" else 1
    for timer in line.timers:
        if timer.beside and slide.happened(timer.end):
            yield from _timer(slide, side, timer)
    for timer, lane in outside(line):
        if slide.happened(timer.end):
            start, end, x = slide.y[timer.start], slide.y[timer.end], edge + out * (3 + LANE * lane)
            corners = (edge, start + 1), (x, start + 1), (x, end - 1), (edge, end - 1)
            part = f"{slide.prefix}timer-{side}-{timer.start}"
            yield Line(corners, Role.MUTED, 1.2, part=part)


def _timer(slide: Placed, side: Side, timer: Timer) -> Iterator[Shape]:
    """Among the arrows, from the tail that set it to what it made happen."""
    out = 1 if side == "client" else -1
    x = slide.place.lifeline(side) + out * TIMER_AT
    # below the arrow that set it, which falls
    (_, line), _ = slide.on(timer.start // 2, x - slide.place.lifelines[0], 0)
    start, end = line + 3, slide.y[timer.end] - 3
    part = f"{slide.prefix}timer-{side}-{timer.start}"
    yield Line(((x, start + 5), (x, end - 5)), Role.MUTED, 1.2, part=part)
    yield arrowhead((x, start), (x, end), 7, Role.MUTED, part)
    yield arrowhead((x, end), (x, start), 7, Role.MUTED, part)
    # below the time of the segment that set the timer, and parallel to it
    row, label = timer.start // 2, slide.spacing.labels[timer.start // 2].timer
    if label:
        at, angle = slide.on(row, label.left, 0.24 * slide.place.size - label.reach + 2)
        yield slide.text(at, timer.text, slide.place.size, role=Role.MUTED, angle=angle, part=f"{part}/label")


def _axis_break(x: float, y: float, part: str) -> Iterator[Shape]:
    yield Polygon(((x - 5, y - 0.5), (x + 5, y - 6), (x + 5, y + 0.5), (x - 5, y + 6)), Role.HALO, part)
    for shift in (-3.25, 3.25):
        yield Line(((x - 5, y + 2.75 + shift), (x + 5, y - 2.75 + shift)), Role.FRAME, 1.5, part=part)


def _breaks(slide: Placed) -> Iterator[Shape]:
    """Where a wait is left out: both axes are broken, and a timer that runs among the arrows, after all that came
    before."""
    for at in sorted(slide.pace.broken | broken(slide.story)):
        _, after = slide.story.instants[at]
        if not all(map(slide.happened, after)):
            continue
        low = min(slide.y[n] for n in after)
        nodes = (n for line in slide.story.lifelines for n in line.nodes)
        above = (slide.y[n] + _half(slide, n) for n in nodes if n not in after)
        high = max((y for y in above if y < low), default=slide.top)
        timers = [
            slide.place.lifeline(side) + (TIMER_AT if side == "client" else -TIMER_AT)
            for side, line in zip(SIDES, slide.story.lifelines, strict=True)
            if any(timer.beside and timer.broken and timer.end in after for timer in line.timers)
        ]
        for x in (*slide.place.lifelines, *timers):
            yield from _axis_break(x, high + 0.36 * (low - high), f"{slide.prefix}break-{at}")


def _marks(slide: Placed, side: Side, line: Lifeline) -> Iterator[Shape]:
    """What happened without a segment, below its moment."""
    anchor: Anchor = "start" if side == "client" else "end"
    x = slide.place.lifeline(side) + (6 if side == "client" else -6)
    for mark in line.marks:
        if slide.happened(mark.node):
            small, part = slide.place.small, f"{slide.prefix}mark-{side}-{mark.node}"
            at = x, slide.y[mark.node] + 3 + 0.76 * small
            text = note_text(mark, slide.place.span - 20, small, slide.metrics)
            yield slide.text(at, text, small, role=Role.MUTED, anchor=anchor, part=f"{part}/time")


def _brackets(slide: Placed) -> Iterator[Shape]:
    """One for each phase, once all of it that is shown has happened."""
    size, spans = slide.place.bracketed, phase_rows(slide.story)
    tops = [min(slide.y[node(rows[0], side)] for side in SIDES) - 2 for _, rows in spans]
    limits = [*(top - 5 for top in tops[1:]), slide.bottom]
    for (phase, rows), top, limit in zip(spans, tops, limits, strict=False):
        if not slide.happened(2 * rows[-1]):
            return
        low, length = max(slide.y[node(rows[-1], side)] for side in SIDES), bracket_length(phase, size, slide.metrics)
        low = min(limit, max(low, top + length))
        if rows[-1] == len(slide.story.rows) - 1:
            low = limit
        part, x = f"{slide.prefix}phase-{phase.first}", slide.place.bracket
        yield Line(((x, top), (x - 7, top), (x - 7, low), (x, low)), Role.FRAME, 1.4, part=part)
        for number, text in enumerate(reversed(phase.lines)):
            at = x - 12 - 0.24 * size - 1.1 * size * number, min((top + low) / 2, low + 2 - length / 2)
            yield slide.text(at, text, size, bold=True, anchor="middle", angle=-90, part=f"{part}/name")
