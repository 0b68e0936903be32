"""An exchange told as one thing after another: for the formats whose own programs decide where things are.

Made of the same story as the sequence diagram, so that it says the same words; has no coordinates and no syntax.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Literal

from tcpviz.draw import elide
from tcpviz.draw.drawing import Role
from tcpviz.draw.framing import explained
from tcpviz.draw.margins import band_role
from tcpviz.draw.metrics import printable
from tcpviz.draw.story import Arrow, Gap, Lifeline, Story, node
from tcpviz.draw.telling import Facts, tell
from tcpviz.draw.udp_flow import labelled, received
from tcpviz.draw.view import View
from tcpviz.draw.words import Words
from tcpviz.exchange.exchange import SIDES, Connection, Flow
from tcpviz.exchange.numbers import time_text
from tcpviz.value import Value

MOST = 100
"""Segments; of more the most important are told, and the others summed up."""
_LONGEST = 120
"""Characters of a name that anybody reads."""
_LINE = 48
"""Characters between two ends."""
Place = Literal[0, 1]
_PLACES: tuple[Place, Place] = (0, 1)


class Sent(Value):
    """A segment or datagram leaves `origin` for the other end."""

    origin: Place
    text: str
    role: Role
    dashed: bool = False
    lost: bool = False


class Entered(Value):
    """An end is in a state from here on."""

    place: Place
    names: tuple[str, ...]
    role: Role


class Said(Value):
    """A call, what it returned, or a timer, beside an end."""

    place: Place
    text: str


class Told(Value):
    """What concerns both ends: why a segment was sent, what is wrong with it, what is left out."""

    text: str


class Phase(Value):
    """What comes next is called so."""

    text: str


Event = Sent | Entered | Said | Told | Phase


class Recital(Value):
    """`ends` are each a name and an address; `footer` says how to read it."""

    title: str
    ends: tuple[tuple[str, ...], tuple[str, ...]]
    events: tuple[Event, ...]
    footer: str


def recital(connection: Connection, *, title: str, view: View, words: Words) -> Recital:
    """One connection, as far as `MOST` segments tell it."""
    segments = connection.segments
    kept = elide.by_importance(segments, MOST)
    story = tell(Facts(connection, view, words), elide.runs(kept, len(segments)))
    ends = (words.client, _name(str(connection.client.address))), (words.server, _name(str(connection.server.address)))
    events = tuple(_Teller(story, words).events()) or (Told(words.nothing),)
    return Recital(_name(title), ends, events, explained(view, words)[0])


class _Teller:
    def __init__(self, story: Story, words: Words) -> None:
        self.story, self.words = story, words
        self.sides = {which: place for place, line in enumerate(story.lifelines) for which in line.nodes}
        self.phases = sorted(story.phases, key=lambda phase: phase.first)

    def events(self) -> Iterator[Event]:
        lines = list(zip(_PLACES, self.story.lifelines, strict=True))
        for place, line in lines:
            yield from (Entered(place, band.lines, band_role(band.state)) for band in line.bands if band.node is None)
        for place, line in lines:
            yield from (Said(place, shout.text) for shout in line.shouts if shout.nodes[0] is None)
        for which in self.story.order:
            row = which // 2
            shown = self.story.rows[row] if row < len(self.story.rows) else None
            if isinstance(shown, Gap):
                yield from self._gap(row, which, shown)
            elif shown is not None and which == node(row, shown.origin):
                yield from self._leaves(which, shown)
            else:
                yield from self._after(which)

    def _leaves(self, which: int, shown: Arrow) -> Iterator[Event]:
        """Calls and timers come before what they make an end send, its states after it."""
        while self.phases and self.phases[0].first <= shown.index:
            yield Phase(" ".join(self.phases.pop(0).lines))
        place, line = self._at(which)
        yield from self._timers(which, place, line)
        yield from (Said(place, shout.text) for shout in line.shouts if shout.nodes == (which, which))
        said = " ".join(part for part in (shown.mark, shown.flags, shown.numbers) if part)
        text = " · ".join(part for part in (said, shown.time, self.words.lost if shown.lost else "") if part)
        yield Sent(place, text, shown.role, shown.dashed, shown.lost)
        yield from (Told(note.text) for note in shown.notes)
        yield from self._states(which, place, line)
        yield from self._between(which, place, line)

    def _after(self, which: int) -> Iterator[Event]:
        """An arrival, or what only a timer did."""
        if which not in self.sides:
            return
        place, line = self._at(which)
        yield from self._timers(which, place, line)
        yield from (Said(place, mark.text) for mark in line.marks if mark.node == which)
        yield from self._states(which, place, line)
        yield from (Said(place, shout.text) for shout in line.shouts if shout.nodes == (which, which))
        yield from self._between(which, place, line)

    def _gap(self, row: int, which: int, shown: Gap) -> Iterator[Event]:
        if which == node(row, SIDES[0]):
            yield Told(shown.texts[0])
        place, line = self._at(which)
        yield from self._states(which, place, line)
        yield from self._between(which, place, line)

    def _at(self, which: int) -> tuple[Place, Lifeline]:
        place = _PLACES[self.sides[which]]
        return place, self.story.lifelines[place]

    def _timers(self, which: int, place: Place, line: Lifeline) -> Iterator[Event]:
        yield from (Said(place, timer.text) for timer in line.timers if timer.end == which and timer.text)

    def _states(self, which: int, place: Place, line: Lifeline) -> Iterator[Event]:
        yield from (Entered(place, band.lines, band_role(band.state)) for band in line.bands if band.node == which)

    def _between(self, which: int, place: Place, line: Lifeline) -> Iterator[Event]:
        """What was called after this and before the next thing happened here."""
        for shout in line.shouts:
            if shout.nodes[0] == which != shout.nodes[1]:
                yield Said(place, shout.text)


def recital_of_flow(told: Flow, *, title: str, view: View, words: Words) -> Recital:
    """One UDP flow: datagrams and calls, as far as `MOST` datagrams tell it."""
    ends = (_name(str(told.endpoints[0])),), (_name(str(told.endpoints[1])),)
    return Recital(_name(title), ends, tuple(_flowing(told, view, words)), words.udp)


def _flowing(told: Flow, view: View, words: Words) -> Iterator[Event]:
    def called(name: str) -> Iterator[Event]:
        for place in _PLACES if "calls" in view.show else ():
            yield from (Said(place, f"{name}()") for call in told.calls[place] if call.name == name)

    yield from called("bind")
    left = len(told.datagrams) - MOST
    for index, datagram in enumerate(told.datagrams):
        if left > 0 and MOST // 2 <= index < MOST // 2 + left:
            if index == MOST // 2:
                yield Told(f"… {words.datagrams.format(left)} …")
            continue
        if "calls" in view.show:
            yield Said(datagram.origin, f"sendto({datagram.length})")
        time = f" · {time_text(datagram.time)}" if "times" in view.show else ""
        said = labelled(datagram, words.octets.format(datagram.length) + time)
        yield Sent(datagram.origin, said, Role.DATA)
        if "calls" in view.show and received(told, index):
            yield Said(_PLACES[1 - datagram.origin], f"recvfrom() → {datagram.length}")
    yield from called("close")


def folded(text: str) -> list[str]:
    """A long text line by line, as it fits between two ends."""
    return wrap(text, _LINE, break_on_hyphens=False) or [""]


def _name(text: str) -> str:
    text = printable(text[: 10 * _LONGEST])
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
