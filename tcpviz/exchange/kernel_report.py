"""What a person is told of the kernel's witness: the states side by side, and whether all agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from tcpviz.exchange.exchange import SIDES, Connection, Exchange, WitnessSource
from tcpviz.exchange.triangle import abreast, kernel_sides_with, until_the_last_segment
from tcpviz.exchange.witness import disagreements

_FEW = 3
"""As many connections have their states shown."""
_WITNESSES: dict[WitnessSource, str] = {
    "tracepoint": "its tracepoint sock:inet_sock_set_state told each change",
    "sock_diag": "sock_diag showed its states at each segment, and nothing between",
}
_COLUMN = len("SYN-RECEIVED") + 1


def kernel_lines(exchange: Exchange, models: Sequence[Connection] = (), missing: str = "") -> Iterator[str]:
    """What the kernel's witness adds: for a few connections both ends' states in columns, then whether all agree.

    `models`: what was predicted for the first connections; `missing`: why there were no tracepoints.
    """
    witnessed = [c for c in exchange.connections if c.witness]
    if not exchange.connections:  # UDP has no states
        return
    if not witnessed:
        why = f"sock_diag came too late to see its sockets, and {missing}" if missing else "its sockets were elsewhere"
        yield f"the kernel bore no witness: {why}"
        return
    if len(exchange.connections) <= _FEW:
        several = len(exchange.connections) > 1
        predicted = zip_longest(exchange.connections, models[: len(exchange.connections)])
        for index, (connection, model) in enumerate(predicted, 1):
            yield from _columns(connection, model, f"connection {index}" if several else "")
    faults = [
        (f"connection {index}: " if len(exchange.connections) > 1 else "") + line
        for index, connection in enumerate(exchange.connections, 1)
        for line in disagreements(connection)
    ]
    yield from faults
    sources = {c.witness.source for c in witnessed if c.witness}
    yield f"the kernel {_verdict(exchange, models)}: {'; '.join(_WITNESSES[source] for source in sources)}"
    if missing:
        yield f"it would tell more, but {missing}"


def _verdict(exchange: Exchange, models: Sequence[Connection]) -> str:
    if not any(connection.witness and connection.saw_start for connection in exchange.connections):
        return "is not compared, for it all had begun before the capture"
    parted = [
        model is not None and kernel_sides_with(model, connection)
        for connection, model in zip_longest(exchange.connections, models[: len(exchange.connections)])
        if disagreements(connection)
    ]
    return "agrees" if not parted else "sides with the model" if all(parted) else "disagrees"


def _columns(connection: Connection, model: Connection | None, heading: str) -> Iterator[str]:
    """`model wire kernel` for the client, the same for the server, below `heading`; without a model the other two."""
    witness = connection.witness
    if witness is None:
        return
    names = (["model"] if model else []) + ["wire", "kernel"]
    halves = []
    for side in SIDES:
        told = [
            [str(state) for state in until_the_last_segment(c, side)[1:]]
            for c in ([model] if model else []) + [connection]
        ]
        halves.append(abreast([*told, [str(change.state) for change in witness.of(side).states]]))
    width = _COLUMN * len(names)
    yield ""
    if heading:
        yield heading
    yield f"{'client':<{width}}server"
    yield "".join(f"{name:<{_COLUMN}}" for name in names * 2).rstrip()
    for left, right in zip_longest(*halves, fillvalue=("",) * len(names)):
        yield "".join(f"{state:<{_COLUMN}}" for state in (*left, *right)).rstrip()
