"""One wrong field at a time: the matcher blames the segment that no TCP could have sent, its field, and nobody else.

Over every exported scenario that conforms and every shipped capture. Where a fault must show is reasoned in
`mutation`, which does not know the matcher; the kill rate stands at the end of the test run.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import pytest
from mutation import ruling
from mutation.mutants import Mutant, falsifications, mutants, on_the_wire, roles, shipped, simulated
from mutation.ruling import Ruling
from wire import normal, tapped

from tcpviz.exchange.capture import Capture
from tcpviz.exchange.exchange import Exchange
from tcpviz.exchange.match import match
from tcpviz.model.segment import words
from tcpviz.value import Value

KILLED, EXACTLY, RIGHTLY, OTHERS = 0.98, 0.98, 0.94, 0.005
"""The least share of impossible mutants that are killed, and that are blamed exactly; of possible ones that are judged
rightly; the greatest share of all where a neighbour is blamed as well. What falls short is listed by name at the end
of the run: two readings of such a capture leave equally little to assume."""

SILENT = {
    ("FIN", "ack+1"): "the peer's FIN had come already: they did not cross",
    ("reset", "seq+1"): "a listener's, whose application aborted before its SYN,ACK was sent",
}
"""What is explained by a run that leaves no trace of what it assumes, by the role and the kind of the fault."""

Blame = tuple[int, str]
"""A frame and the field named there."""


class Verdict(Value):
    """A mutant, where its fault must show, and who was blamed, in the order of the frames."""

    mutant: Mutant
    ruling: Ruling
    blamed: tuple[Blame, ...]
    assumed: tuple[str, ...] = ()
    """What the capture lacks, where that explains it."""

    @property
    def possible(self) -> bool:
        """Some TCP could have sent the wrong segment."""
        return set(self.ruling.places) != {self.mutant.frame.number} or bool(self.ruling.explained)

    @property
    def fault(self) -> str:
        """What is wrong with the first blame; empty when nothing is."""
        if not self.blamed:
            return "" if self.ruling.explained else "survived"
        frame, field = self.blamed[0]
        if (frame, field) == (self.mutant.frame.number, self.mutant.field):
            return ""  # in hindsight, though some run may have explained it when it came
        if not self.ruling.places:
            return "blamed, though TCP does that"
        if frame not in self.ruling.places:
            return "another frame"
        return "" if field in self.ruling.places[frame] else "another field"

    @property
    def defect(self) -> str:
        """The fault, or that others are blamed as well, and of what kind of mutant; empty when all is right."""
        found = self.fault or ("others as well" if len(self.blamed) > 1 else "")
        return found and f"{found}: {self.mutant.role}, {self.mutant.kind}"

    @property
    def run(self) -> str:
        """What explains a mutant that survives."""
        return ", ".join(self.assumed) or SILENT.get((self.mutant.role, self.mutant.kind), "no run that is known")

    def __str__(self) -> str:
        blamed = ", ".join(f"{field} of frame {frame}" for frame, field in self.blamed) or "nobody"
        return f"{self.mutant}: blamed {blamed}; {self.ruling.why}"


class Run(Value):
    verdicts: tuple[Verdict, ...]
    seconds: float
    """Of processor time."""
    violating: tuple[str, ...]
    """What is not mutated, for it violates as it is: somebody injected something."""


@pytest.fixture(scope="module")
def run() -> Run:
    began = time.process_time()
    verdicts: list[Verdict] = []
    violating: list[str] = []
    for capture in captures():
        if not match(capture).conforms:
            violating.append(capture.file)
            continue
        for mutant in mutants(capture):
            exchange = match(mutant.captured())
            verdicts.append(
                Verdict(mutant, ruling(mutant), blamed(exchange), tuple(assumed(exchange, mutant.frame.number)))
            )
    return Run(tuple(verdicts), time.process_time() - began, tuple(violating))


def captures() -> Iterator[Capture]:
    """Each once: what a dialect does not change is the same capture."""
    seen: set[object] = set()
    for capture in (*simulated("linux"), *shipped()):
        if on_the_wire(capture) not in seen:
            seen.add(on_the_wire(capture))
            yield capture


def blamed(exchange: Exchange) -> tuple[Blame, ...]:
    violations = [sent for connection in exchange.connections for sent in connection.violations]
    return tuple(sorted((sent.frame or 0, sent.expected.field if sent.expected else "") for sent in violations))


def assumed(exchange: Exchange, frame: int) -> Iterator[str]:
    for connection in exchange.connections:
        for sent in connection.segments:
            if sent.kind in ("inferred", "duplicate", "out-of-order"):
                yield f"{words(sent.segment.flags)} of the {sent.origin} {sent.why.partition(':')[0]}"
            if sent.kind == "keep-alive" and sent.frame == frame:
                yield "it is a keep-alive, and the timer as short as that"
        for side in ("client", "server"):
            if any(change.row is None for change in connection.party(side).states[1:]):
                yield f"the {side} crashed"


pytestmark = pytest.mark.xdist_group("mutations")


def test_every_fault_is_blamed_where_it_shows(run: Run, record_property: Callable[[str, object], None]) -> None:
    record_property("mutants", told(run))
    impossible = [v for v in run.verdicts if not v.possible]
    possible = [v for v in run.verdicts if v.possible]
    assert share(bool(v.blamed) for v in impossible) >= KILLED, report([v for v in impossible if not v.blamed])
    unexplained = [v for v in impossible if not (v.blamed or v.assumed or (v.mutant.role, v.mutant.kind) in SILENT)]
    assert [str(verdict) for verdict in unexplained] == []
    assert share(not v.fault for v in impossible) >= EXACTLY, report([v for v in impossible if v.fault])
    assert share(not v.fault for v in possible) >= RIGHTLY, report([v for v in possible if v.fault])


def test_nobody_is_blamed_for_the_fault_of_another(run: Run) -> None:
    others = [verdict for verdict in run.verdicts if len(verdict.blamed) > 1]
    assert len(others) <= OTHERS * len(run.verdicts), report(others)


def share(of: Iterable[bool]) -> float:
    answers = list(of)
    return sum(answers) / len(answers)


def test_every_kind_of_fault_and_every_role_is_tried(run: Run) -> None:
    tried = {(verdict.mutant.role, verdict.mutant.kind) for verdict in run.verdicts}
    for role in ("SYN", "SYN-ACK", "third ACK", "first data", "FIN", "FIN, ACK of FIN", "ACK of FIN", "reset"):
        kinds = {kind for of, kind in tried if of == role}
        flags = {flag for flag in ("SYN", "ACK", "FIN", "RST") if {f"+{flag}", f"-{flag}"} & kinds}
        assert flags == {"SYN", "ACK", "FIN", "RST"}, role
        assert kinds >= {"seq+1", "seq-1", "length+1"}, role
        assert role == "SYN" or kinds >= {"ack+1", "ack-1"}, role
    assert len({verdict.mutant.capture.file for verdict in run.verdicts}) > 40
    assert any(verdict.mutant.frame.source.host == "127.0.0.1" for verdict in run.verdicts)  # the shipped captures


def told(run: Run) -> str:
    """The kill rate, and by name what need not be killed."""
    impossible = [v for v in run.verdicts if not v.possible]
    possible = [v for v in run.verdicts if v.possible]
    killed = sum(bool(v.blamed) for v in impossible)
    exactly = sum(not v.defect for v in impossible)
    rightly = [v for v in possible if not v.defect]
    runs = Counter(f"  {v.ruling.explained}" for v in rightly if not v.blamed)
    signs = Counter(f"  {v.ruling.why}" for v in rightly if v.blamed)
    lines = [
        f"{len(run.verdicts)}, {len(run.verdicts) / run.seconds:.0f} a second",
        f"{killed} of {len(impossible)} that no TCP could have sent are killed; the others:",
        *sorted(f"  {v.mutant}: {v.run}" for v in impossible if not v.blamed),
        f"{exactly} of them exactly: their frame, their field, and nobody else is blamed",
        f"{len(rightly)} of {len(possible)} that a TCP could have sent are judged rightly",
        f"{runs.total()} of them survive, for there is a run that explains all:",
        *(f"{count:5}{explained}" for explained, count in runs.most_common()),
        f"{signs.total()} of them are blamed, there or where something no longer fits:",
        *(f"{count:5}{why}" for why, count in signs.most_common()),
        "Not judged so: " + report([v for v in run.verdicts if v.defect]),
    ]
    return "\n".join(lines)


def report(verdicts: list[Verdict]) -> str:
    """How many of each kind, and one of each."""
    kinds: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        kinds.setdefault(verdict.defect, []).append(verdict)
    return f"{len(verdicts)} mutants\n" + "\n".join(f"  {k} ({len(v)}), such as {v[0]}" for k, v in kinds.items())


# The rulings themselves, on the exchange that everybody knows

NORMAL = {
    1: "SYN",
    2: "SYN-ACK",
    3: "third ACK",
    4: "first data",
    6: "first data",
    8: "FIN",
    9: "ACK of FIN",
    10: "FIN, ACK of FIN",
    11: "ACK of FIN",
}


def test_the_roles_of_the_normal_exchange() -> None:
    assert {index + 1: role for index, role in roles(tapped(normal())).items()} == NORMAL


@pytest.mark.parametrize(
    ("frame", "kind", "places"),
    [
        # any ISS will do: the acknowledgement of it is wrong
        (1, "seq+1", {2: "ack"}),
        (2, "seq-1", {3: "ack"}),
        (2, "ack-1", {2: "ack"}),
        (2, "-SYN", {2: "flags"}),
        # SYNs that crossed would be answered by SYN,ACK
        (2, "-ACK", {3: "flags"}),
        (3, "ack+1", {3: "ack"}),
        # closed at once, and then it sends text at the number of its FIN
        (3, "+FIN", {4: "flags length seq"}),
        (3, "-ACK", {3: "flags"}),
        # one octet more than is acknowledged, one less
        (4, "length+1", {5: "ack"}),
        (4, "seq-1", {4: "seq"}),
        # what is left of it says next to nothing new, and the FIN is acknowledged all the same
        (8, "-FIN", {8: "flags", 9: "ack flags"}),
        (9, "ack+1", {9: "ack"}),
        # an ACK that was given already
        (9, "ack-1", {9: "ack flags"}),
        # the FIN that follows is the same, sent again
        (9, "+FIN", {}),
        # TIME-WAIT sends neither FIN nor text nor reset
        (11, "+FIN", {11: "flags"}),
        (11, "length+1", {11: "length"}),
        (11, "+RST", {11: "flags"}),
    ],
)
def test_where_a_fault_of_the_normal_exchange_must_show(frame: int, kind: str, places: dict[int, str]) -> None:
    capture = tapped(normal())
    (mutant,) = (m for m in mutants(capture) if (m.frame.number, m.kind) == (frame, kind))
    assert ruling(mutant).places == {number: frozenset(fields.split()) for number, fields in places.items()}


def test_a_falsification_changes_one_field() -> None:
    for frame in tapped(normal()).frames:
        assert frame.segment
        for kind, wrong in falsifications(frame.segment):
            true = frame.segment
            changed = {"seq": true.seq != wrong.seq, "length": true.length != wrong.length}
            changed["flags"] = true.flags != wrong.flags
            changed["ack"] = true.has_ack and wrong.has_ack and true.ack != wrong.ack
            assert sum(changed.values()) == 1, kind


def test_a_matcher_that_blames_nobody_or_everybody_does_not_pass() -> None:
    for mutant in mutants(tapped(normal())):
        right = ruling(mutant)
        silent = Verdict(mutant, right, ())
        assert bool(silent.fault) != bool(right.explained)
        loud = Verdict(mutant, right, tuple((n, "flags") for n in range(1, 12)))
        assert loud.defect
