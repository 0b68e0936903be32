"""A ruling: where a mutant's fault shows, by reason and not by the matcher. No rules here.

At the wrong segment itself, when no TCP could have sent it there; at a later one, when a TCP may have sent it but
not what follows; nowhere, when a run of TCP explains it all.
"""

from __future__ import annotations

from collections.abc import Iterable

from mutation.mutants import Moment, Mutant
from tcpviz.exchange.capture import Frame
from tcpviz.value import Value

Places = dict[int, frozenset[str]]
"""Frame -> the fields that may be named there."""


class Ruling(Value):
    """`places` empty: nobody is to be blamed. `explained`: the run that may explain it all, if there is one."""

    why: str
    places: Places
    explained: str = ""

    def __post_init__(self) -> None:
        if not self.places and not self.explained:
            raise ValueError(f"nobody is to be blamed, and no run explains it: {self.why}")


def here(mutant: Mutant, why: str, *also: str) -> Ruling:
    """No TCP could have sent it. `also`: another field whose correction is as small."""
    return Ruling(why, {mutant.frame.number: frozenset({mutant.field, *also})})


def either(mutant: Mutant, why: str, explained: str, *places: Places, fields: Iterable[str] = ()) -> Ruling:
    """Blamed here, or at one of the other places, or explained."""
    found: Places = {mutant.frame.number: frozenset({mutant.field, *fields})}
    for place in places:
        found |= place
    return Ruling(why, found, explained)


def following(moment: Moment, *fields: str, own: bool) -> Places:
    """The next segment of the same end, or of the other."""
    frame = next((frame for frame, ours in moment.later if ours is own), None)
    return {frame.number: frozenset(fields)} if frame else {}


def anywhere(moment: Moment, *fields: str) -> Places:
    return {frame.number: frozenset(fields) for frame, _ in moment.later}


def first(*places: Places) -> Places:
    """Whichever comes first."""
    together = {number: fields for place in places for number, fields in place.items()}
    return {min(together): together[min(together)]} if together else {}


def at(frame: Frame | None, *fields: str) -> Places:
    return {frame.number: frozenset(fields)} if frame else {}
