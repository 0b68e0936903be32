"""Writes the documents that are computed: state-machine.md from the table, scenarios.md from the library, triangle.md
from the captures.

    python docs/make.py [--check]

With --check nothing is written; the exit status says whether a document has drifted from the program.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tcpviz.exchange import library
from tcpviz.exchange.document import kernel_witness
from tcpviz.exchange.exchange import Exchange
from tcpviz.exchange.flow_ladder import flow_ladder
from tcpviz.exchange.freedoms import COPIES, Freedom
from tcpviz.exchange.ladder import ladder
from tcpviz.exchange.match import match
from tcpviz.exchange.performable import obstacle
from tcpviz.exchange.policy import LINUX, POLICIES
from tcpviz.exchange.scenario import Scenario
from tcpviz.exchange.simulate import simulate
from tcpviz.exchange.triangle import kernel_sides_with, stories_differ
from tcpviz.exchange.witness import disagreements
from tcpviz.frames import read
from tcpviz.model.deviations import Deviation
from tcpviz.model.transitions import TABLE, Row, State, Stimulus, find
from tcpviz.value import replace

HERE = Path(__file__).parent
_NEVER = "·"


def main(check: bool) -> int:
    documents = {"state-machine.md": state_machine(), "scenarios.md": scenarios(), "triangle.md": triangle()}
    drifted = [name for name, text in documents.items() if not same(HERE / name, text)]
    if not check:
        for name in drifted:
            (HERE / name).write_text(documents[name], encoding="utf-8")
    for name in drifted:
        print(f"docs/{name}: {'has drifted; run `make docs`' if check else 'written'}")
    return int(check and bool(drifted))


def same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def state_machine() -> str:
    lines = [
        "# The state machine",
        "",
        "Generated from the one table, `tcpviz/model/transitions.py`, by `make docs`. Sections are those of RFC 9293.",
        "",
        "## Transitions of Figure 5 and its notes",
        "",
        "| From | On | Reply | To | Section | Shown in | The user is told |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(_figure_row(row) for row in TABLE if row.figure),
        "",
        "## Everything else that is answered",
        "",
        "States that answer alike share a line; each stays as it is unless an arrow says otherwise.",
        "",
        "| On | In | Reply | Section | The user is told |",
        "| --- | --- | --- | --- | --- |",
        *_other_rows(),
        "",
        "## State × stimulus",
        "",
        "All of it. An arrow leads to another state, `=` answers and stays, `·` is what cannot happen there.",
        "",
        *_product(),
        "",
        "## Dialects",
        "",
        "| Deviation | What differs | Proven by | Taken by |",
        "| --- | --- | --- | --- |",
        *(_deviation_row(deviation) for deviation in Deviation),
    ]
    return "".join(f"{line}\n" for line in lines)


def _figure_row(row: Row) -> str:
    reply, signal = row.reply.value or "–", row.signal or ""
    return f"| {row.source} | {row.stimulus} | {reply} | {row.target} | {row.section} | {row.figure} | {signal} |"


def _other_rows() -> Iterator[str]:
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in TABLE:
        if not row.figure:
            moves = "" if row.target is row.source else f" → {row.target}"
            key = (str(row.stimulus), f"{row.reply.value or '–'}{moves}", row.section, row.signal)
            groups.setdefault(key, []).append(row)
    for (stimulus, reply, section, signal), rows in groups.items():
        states = ", ".join(str(row.source) for row in rows)
        yield f"| {stimulus} | {states} | {reply} | {section} | {signal} |"


_SHORT = {
    State.CLOSED: "CLSD",
    State.LISTEN: "LSTN",
    State.SYN_SENT: "SYNS",
    State.SYN_RECEIVED: "SYNR",
    State.ESTABLISHED: "ESTB",
    State.FIN_WAIT_1: "FW1",
    State.FIN_WAIT_2: "FW2",
    State.CLOSE_WAIT: "CLSW",
    State.CLOSING: "CLSG",
    State.LAST_ACK: "LACK",
    State.TIME_WAIT: "TW",
}


def _product() -> Iterator[str]:
    width = max(len(str(stimulus)) for stimulus in Stimulus)
    yield "    " + " " * width + "".join(f" {_SHORT[state]:>6}" for state in State)
    for stimulus in Stimulus:
        yield "    " + f"{stimulus!s:<{width}}" + "".join(f" {_cell(state, stimulus):>6}" for state in State)


def _cell(state: State, stimulus: Stimulus) -> str:
    row = find(state, stimulus)
    if row is None:
        return _NEVER
    return "=" if row.target is state else f"→{_SHORT[row.target]}"


_OPTIONS = (Deviation.NO_TIME_WAIT_ASSASSINATION, Deviation.TIME_WAIT_REUSED)
"""What a host of a scenario can be given whatever its dialect."""


def _deviation_row(deviation: Deviation) -> str:
    label, what, source = deviation.value
    takers = ", ".join(name for name, policy in POLICIES.items() if deviation in policy.deviations)
    takers = takers or ("an option" if deviation in _OPTIONS else "no dialect; the matcher knows it")
    return f"| {label} | {what} | {source} | {takers} |"


def scenarios() -> str:
    found = [library.load(name) for name in library.names()]
    lines = [
        "# The library of scenarios",
        "",
        "Generated by `make docs`: what `tcpviz simulate NAME` prints. `tcpviz capture --scenario NAME` performs",
        f"those marked ● ({sum(not obstacle(s) for s in found)} of {len(found)}) on this machine's kernel.",
        "",
    ]
    for theme in dict.fromkeys(scenario.theme for scenario in found):
        lines += [f"## {theme[0].upper()}{theme[1:]}", ""]
        for scenario in found:
            if scenario.theme == theme:
                lines += _scenario(scenario)
    return "".join(f"{line}\n" for line in lines[:-1])


def _scenario(scenario: Scenario) -> Iterator[str]:
    yield f"### {scenario.name}{'' if obstacle(scenario) else ' ●'}"
    yield ""
    yield f"{scenario.title}: {scenario.summary}."
    yield ""
    exchange = simulate(scenario)
    for connection in exchange.connections:
        yield from (f"    {line}" for line in ladder(connection, numbers="symbolic").splitlines())
        yield ""
    for flow in exchange.flows:
        yield from (f"    {line}" for line in flow_ladder(flow).splitlines())
        yield ""


CAPTURES = HERE.parent / "captures"


def triangle() -> str:
    names = [path.stem for path in sorted(CAPTURES.glob("*.pcapng"))]
    kernels = sorted({json.loads((CAPTURES / f"{name}.json").read_text())["kernel"] for name in names})
    closing = [_side_of_the_triangle(name) for name in names]
    pleaded = {freedom for _, freedoms in closing for freedom in freedoms}
    left = [library.load(name) for name in library.names() if name not in names]
    lines = [
        "# The triangle",
        "",
        "Generated from `captures/` by `make docs`. Every scenario here was performed by a real kernel, with real",
        f"sockets ({', '.join(kernels)}); `match` explains what was on the wire, and `simulate --dialect linux`",
        "predicts it. All three tell the same story: the same segments in each direction, in the same order, with the",
        "same relative numbers, and the same states up to the last segment. Where the standard leaves a choice, or no",
        "segment shows which way it went, the difference has a name, and the list below says why both are right.",
        "",
        f"{len(names)} scenarios. `make captures` performs them all again.",
        "",
        "The kernel bore witness while they were performed: it is asked whether it saw its sockets in the same states.",
        "",
        "| Scenario | Model | Wire | Kernel | Matched | Differences |",
        "| --- | --- | --- | --- | --- | --- |",
        *(line for line, _ in closing),
        "",
        "## The differences",
        "",
        "| Name | Section | What may differ, and why |",
        "| --- | --- | --- |",
        *(f"| {each.label} | {each.section} | {each.why} |" for each in Freedom if each in pleaded),
        "",
        "## Not performed",
        "",
        *(f"- {scenario.name}: {obstacle(scenario)}" for scenario in left),
    ]
    return "".join(f"{line}\n" for line in lines)


def _side_of_the_triangle(name: str) -> tuple[str, set[Freedom]]:
    """A line of the table, and the freedoms that its story takes."""
    performed = match(read(str(CAPTURES / f"{name}.pcapng")))
    predicted = simulate(library.load(name), LINUX)
    parted = stories_differ(performed, predicted, ("the kernel", "the model"))
    named = dict.fromkeys(each.freedom for each in parted if each.freedom)
    told = [freedom.label for freedom in named]
    told += [f"**not explained yet:** {each.text}" for each in parted if each.freedom is None]
    facts = json.loads((CAPTURES / f"{name}.json").read_text())
    verdicts = _verdict(performed, set(facts["forged"])), "; ".join(told) or "none"
    cells = (name, _counted(predicted), _counted(performed), _kernel(performed, predicted, facts["witness"]), *verdicts)
    return f"| {' | '.join(cells)} |", set(named)


def _counted(exchange: Exchange) -> str:
    """`11, closed`: segments that an end has sent or somebody has forged, and how each connection ended."""
    if not exchange.connections:
        return f"{sum(len(flow.datagrams) for flow in exchange.flows)} datagrams"
    segments = [s for connection in exchange.connections for s in connection.segments if s.kind not in COPIES]
    return f"{len(segments)}, {', '.join(connection.outcome for connection in exchange.connections)}"


def _kernel(performed: Exchange, predicted: Exchange, witnesses: list[dict[str, Any] | None]) -> str:
    """Whether it agrees with the wire; where a loss does not show there, with the model."""
    told = []
    for connection, document, model in zip(performed.connections, witnesses, predicted.connections, strict=True):
        if document:
            witnessed = replace(connection, witness=kernel_witness(document))
            parted = disagreements(witnessed)
            told += ["sides with the model" if parted and kernel_sides_with(model, witnessed) else "; ".join(parted)]
    if not told:
        return "no states in UDP" if performed.flows else "not asked"
    return "; ".join(filter(None, dict.fromkeys(told))) or "agrees"


def _verdict(performed: Exchange, forged: set[int]) -> str:
    blamed = [(s.frame, s.expected) for connection in performed.connections for s in connection.violations]
    told = [f"frame {frame}, forged, is blamed" for frame, _ in blamed if frame in forged]
    told += [f"**not explained yet:** frame {frame}, {why}" for frame, why in blamed if frame not in forged]
    return "; ".join(told) or "conforms"


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
