"""A connection and its slides -> the script of the page: its steps in words, and which part of a picture comes when.

Steps count from 1 over all slides of a connection; 0 is before anything has happened. Knows no HTML.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tcpviz.draw.drawing import Drawing
from tcpviz.draw.metrics import printable
from tcpviz.draw.placed import Placed
from tcpviz.draw.story import Arrow, Gap, node
from tcpviz.draw.view import View
from tcpviz.draw.web import details
from tcpviz.draw.web.moments import Moment, appearing, arrives, begun, frontiers, lived, moments
from tcpviz.draw.web.phrases import Phrases, ends_in
from tcpviz.draw.words import Words
from tcpviz.exchange.exchange import Connection, Flow, Side
from tcpviz.exchange.numbers import Numbers, time_text
from tcpviz.graph import Edge
from tcpviz.model.transitions import Row
from tcpviz.value import Value


class Slide(Value):
    """`since` and `until` are steps, by part; `labels` are what a screen reader calls the parts that can be chosen."""

    drawing: Drawing
    since: Mapping[str, int]
    until: Mapping[str, int]
    labels: Mapping[str, str]


class Script(Value):
    name: str
    slides: tuple[Slide, ...]
    data: dict[str, Any]
    """What the page's own script reads."""
    description: str


def script_of(
    connection: Connection,
    name: str,
    told: Sequence[tuple[Drawing, Placed]],
    view: View,
    edges: Sequence[Edge],
    words: Words,
    phrases: Phrases,
    description: str,
) -> Script:
    """The script of one connection, told on one slide or several."""
    scenes = lived(connection, [(placed, moments(connection, placed)) for _, placed in told])
    speaker = _Speaker(connection, view.numbers, edges, words, phrases)
    slides: list[Slide] = []
    steps: list[dict[str, Any]] = []
    for page, ((drawing, placed), scene) in enumerate(zip(told, scenes, strict=True)):
        first = len(steps) + 1
        arrows = [(row, shown) for row, shown in enumerate(placed.story.rows) if isinstance(shown, Arrow)]
        since = {part: first + at for part, at in appearing(placed, scene).items()}
        until = {f"segment-{shown.index}": first + arrives(placed, scene, row) for row, shown in arrows}
        labels = {f"segment-{shown.index}": speaker.label(shown.index) for _, shown in arrows}
        slides.append(Slide(drawing, since, until, labels))
        for moment, reached in zip(scene, frontiers(placed, scene), strict=True):
            steps.append({**speaker.step(moment, placed), "slide": page, "reached": round(reached, 1)})
    shown = sorted(int(part.partition("-")[2]) for slide in slides for part in slide.labels)
    states = {side: str(state) for side, state in begun(connection).items()}
    data = {
        "name": name,
        "begin": {"states": states, "reached": round(told[0][1].top, 1)},
        "room": round(told[0][1].place.size + 8, 1),
        "steps": steps,
        "segments": {i: details.segment(connection, i, view, words, phrases) for i in shown},
    }
    return Script(name, tuple(slides), data, description)


class _Speaker:
    """Says what happens, and where the state machine shows it."""

    def __init__(
        self, connection: Connection, numbers: Numbers, edges: Sequence[Edge], words: Words, phrases: Phrases
    ) -> None:
        self.connection, self.numbers, self.words, self.phrases = connection, numbers, words, phrases
        self.ends = ends_in(words.language)
        self.places = {
            row: f"reset-{edge.source}" if edge.reset else f"edge-{edge.source}-{edge.target}"
            for edge in edges
            for row in edge.rows
        }

    def label(self, index: int) -> str:
        sent = self.connection.segments[index]
        said = self.phrases.sends.format(end=self.ends[sent.origin], segment=self._segment(index))
        return f"{self.phrases.numbered.format(number=index + 1)}{self.phrases.colon}{said}"

    def step(self, moment: Moment, placed: Placed) -> dict[str, Any]:
        chosen = [
            shown.index
            for which in moment.nodes
            if which // 2 < len(placed.story.rows) and isinstance(shown := placed.story.rows[which // 2], Arrow)
        ]
        lit = [(side, self.places[row]) for side, row in moment.rows if row in self.places]
        return {
            "time": time_text(moment.time),
            "told": list(self._told(moment, placed)),
            "states": {side: str(state) for side, state in moment.states.items()},
            "lit": lit,
            "segment": chosen[0] if chosen else None,
        }

    def _told(self, moment: Moment, placed: Placed) -> Iterator[str]:
        story = placed.story
        calls = [self.phrases.asks.format(end=self.ends[s], call=printable(shout.text)) for s, _, shout in moment.calls]
        # a call makes a segment leave; what arrives lets one return
        arrived = bool(moment.nodes) and all(self._is_arrival(placed, which) for which in moment.nodes)
        yield from () if arrived else calls
        for which in moment.nodes:
            if which // 2 >= len(story.rows):
                yield from self._timed_out(moment)
                continue
            shown = story.rows[which // 2]
            if isinstance(shown, Gap):
                if which == moment.nodes[0]:
                    yield shown.texts[0].strip("… ")
                continue
            if arrived or not self._is_arrival(placed, which):
                yield self._crossing(shown, which)
        yield from calls if arrived else ()
        for side, before, after in moment.changes:
            yield self.phrases.goes.format(end=self.ends[side], before=before, after=after)

    def _is_arrival(self, placed: Placed, which: int) -> bool:
        shown = placed.story.rows[which // 2] if which // 2 < len(placed.story.rows) else None
        return isinstance(shown, Arrow) and which != node(which // 2, shown.origin)

    def _crossing(self, shown: Arrow, which: int) -> str:
        sent, segment = self.connection.segments[shown.index], self._segment(shown.index)
        if which == node(which // 2, shown.origin):
            said = self.phrases.sends.format(end=self.ends[shown.origin], segment=segment)
            return said if sent.verdict == "ok" else f"{said}, {details.verdict(sent, self.words, self.phrases)}"
        if sent.arrived is None:
            return self.phrases.is_lost.format(segment=segment)
        end: Side = "server" if shown.origin == "client" else "client"
        return self.phrases.receives.format(end=self.ends[end], segment=segment)

    def _timed_out(self, moment: Moment) -> Iterator[str]:
        """What made an end change its state when no segment did."""
        rows: tuple[tuple[Side, Row], ...] = moment.rows
        for side, row in rows:
            what = self.words.notation(str(row.stimulus))
            yield self.phrases.asks.format(end=self.ends[side], call=what)

    def _segment(self, index: int) -> str:
        return details.named(self.connection, self.connection.segments[index], self.numbers, self.words)


class _Event(Value):
    """Something that happens to a flow, and which parts of the picture show it."""

    time: int
    told: list[str]
    parts: tuple[str, ...]
    datagram: int | None = None


def script_of_flow(flow: Flow, name: str, drawing: Drawing, words: Words, phrases: Phrases) -> Script:
    """UDP: a step for each call, and for each datagram that is shown one when it leaves and one when it arrives."""
    steps: list[dict[str, Any]] = []
    since: dict[str, int] = {}
    until: dict[str, int] = {}
    for step, event in enumerate(sorted(_events(flow, drawing, phrases), key=lambda event: event.time), 1):
        since |= dict.fromkeys(event.parts, step)
        if event.datagram is not None:
            until[f"datagram-{event.datagram}"] = step
        where = {"slide": 0, "reached": 0, "time": time_text(event.time)}
        steps.append({**where, "told": event.told, "states": {}, "lit": [], "segment": event.datagram})
    shown = sorted(int(part.partition("-")[2]) for part in until)
    labels = {f"datagram-{number}": _datagram_label(flow, number, phrases) for number in shown}
    data = {
        "name": name,
        "begin": {"states": {}, "reached": 0},
        "room": 0,
        "steps": steps,
        "segments": {number: details.datagram(flow, number - 1, words, phrases) for number in shown},
    }
    description = "\n".join(f"{step['time']}: {phrases.stop.join(step['told'])}" for step in steps)
    return Script(name, (Slide(drawing, since, until, labels),), data, description)


def _datagram_label(flow: Flow, number: int, phrases: Phrases) -> str:
    sent = flow.datagrams[number - 1]
    end = printable(str(flow.endpoints[sent.origin]))
    said = phrases.sends_octets.format(end=end, count=sent.length)
    return f"{phrases.datagram.format(number=number)}{phrases.colon}{said}"


def _events(flow: Flow, drawing: Drawing, phrases: Phrases) -> Iterator[_Event]:
    """In the order in which the picture has them, where times are the same."""
    ends = [printable(str(end)) for end in flow.endpoints]
    texts = {shape.part: shape.text for shape in drawing.texts()}
    shown = {part.partition("/")[0] for part in texts}
    last = [0, 0]

    def called(side: int, part: str) -> list[str]:
        return [phrases.asks.format(end=ends[side], call=texts[part])] if part in texts else []

    own = [(side, n, call) for side, calls in enumerate(flow.calls) for n, call in enumerate(calls)]
    made = [(call.name, side, call.time, part) for side, n, call in own if (part := f"call-{side}-{n}") in texts]
    for _, side, time, part in (one for one in made if one[0] != "close"):
        yield _Event(time, called(side, part), (part,))
    for number, sent in enumerate(flow.datagrams, 1):
        part, to = f"datagram-{number}", 1 - sent.origin
        if part not in shown:
            continue
        sends = phrases.sends_octets.format(end=ends[sent.origin], count=sent.length)
        leaves = [*called(sent.origin, f"{part}/call"), sends]
        returned, back = called(to, f"{part}/returned"), (f"{part}/returned", f"{part}/arrived")
        last[sent.origin] = max(last[sent.origin], sent.time)
        if sent.arrived is None or sent.arrived == sent.time:
            # one clock saw it once
            last[to] = max(last[to], sent.time)
            yield _Event(sent.time, [*leaves, *returned], (part, *back), number)
            continue
        last[to] = max(last[to], sent.arrived)
        arrives = phrases.receives_octets.format(end=ends[to], count=sent.length)
        yield _Event(sent.time, leaves, (part,), number)
        yield _Event(sent.arrived, [arrives, *returned], back, number)
    for _, side, time, part in (one for one in made if one[0] == "close"):
        # of several threads the last one's is the socket's: nothing comes or goes after it
        yield _Event(max(time, last[side]), called(side, part), (part,))
