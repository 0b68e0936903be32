"""One wrong field at a time in the segments of a handshake and close, and where its fault must show.

`mutants` makes them; `numbers`, `octets` and `flags` reason from RFC 9293 and the wire. None of them knows the matcher.
"""

from __future__ import annotations

from mutation.flags import FLAGS
from mutation.mutants import Mutant
from mutation.numbers import acknowledgement, number
from mutation.octets import length
from mutation.ruling import Ruling
from tcpviz.value import replace

_NUMBERS = {"ack": acknowledgement, "seq": number, "length": length}


def ruling(mutant: Mutant) -> Ruling:
    """Where the fault shows, and which run of TCP may explain it."""
    rule = _NUMBERS[mutant.field] if mutant.field in _NUMBERS else FLAGS[mutant.kind]
    found = rule(mutant, mutant.moment)
    if not (found.explained and mutant.moment.reopened):
        return found
    # what explains this connection may keep it from ending, and then it cannot be opened again
    again = mutant.moment.reopened[0]
    return replace(found, places=found.places | {again.number: frozenset({"flags", "seq"})})
