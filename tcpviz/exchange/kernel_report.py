"""What a person is told of the kernel's witness: the states side by side, and whether all agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import zip_longest

from tcpviz.exchange.exchange import SIDES, Connection, Exchange, WitnessSource
from tcpviz.exchange.triangle import abreast, kernel_sides_with, until_the_last_segment
from tcpviz.exchange.witness import disagreements
from tcpviz.language import ENGLISH, Language, columns, padded
from tcpviz.model.sentence import Sentence

_FEW = 3
"""As many connections have their states shown."""
_WITNESSES: dict[WitnessSource, Sentence] = {
    "tracepoint": Sentence("its tracepoint sock:inet_sock_set_state told each change"),
    "sock_diag": Sentence("sock_diag showed its states at each segment, and nothing between"),
}
_MODEL, _WIRE, _KERNEL = Sentence("model"), Sentence("wire"), Sentence("kernel")
_STATE = len("SYN-RECEIVED")


def kernel_lines(
    exchange: Exchange,
    models: Sequence[Connection] = (),
    missing: Sentence | None = None,
    language: Language = ENGLISH,
) -> Iterator[str]:
    """What the kernel's witness adds: for a few connections both ends' states in columns, then whether all agree.

    `models`: what was predicted for the first connections; `missing`: why there were no tracepoints.
    """
    witnessed = [c for c in exchange.connections if c.witness]
    if not exchange.connections:  # UDP has no states
        return
    if witnessed and len(exchange.connections) <= _FEW:
        predicted = zip_longest(exchange.connections, models[: len(exchange.connections)])
        for index, (connection, model) in enumerate(predicted, 1):
            heading = [Sentence("connection {}", index)] if len(exchange.connections) > 1 else []
            yield from _columns(connection, model, heading, language)
    for sentence in _sentences(exchange, witnessed, models, missing):
        yield from language.lines(sentence)


def _sentences(
    exchange: Exchange, witnessed: list[Connection], models: Sequence[Connection], missing: Sentence | None
) -> Iterator[Sentence]:
    if not witnessed:
        why = Sentence("its sockets were elsewhere")
        if missing:
            why = Sentence("sock_diag came too late to see its sockets, and {}", missing)
        yield Sentence("the kernel bore no witness: {}", why)
        return
    for index, connection in enumerate(exchange.connections, 1):
        for line in disagreements(connection):
            yield Sentence("connection {}: {}", index, line) if len(exchange.connections) > 1 else line
    sources = dict.fromkeys(_WITNESSES[c.witness.source] for c in witnessed if c.witness)
    told = reduce(lambda first, last: Sentence("{}; {}", first, last), sources)
    yield Sentence("{}: {}", _verdict(exchange, models), told)
    if missing:
        yield Sentence("it would tell more, but {}", missing)


def _verdict(exchange: Exchange, models: Sequence[Connection]) -> Sentence:
    if not any(connection.witness and connection.saw_start for connection in exchange.connections):
        return Sentence("the kernel is not compared, for it all had begun before the capture")
    parted = [
        model is not None and kernel_sides_with(model, connection)
        for connection, model in zip_longest(exchange.connections, models[: len(exchange.connections)])
        if disagreements(connection)
    ]
    if not parted:
        return Sentence("the kernel agrees")
    return Sentence("the kernel sides with the model" if all(parted) else "the kernel disagrees")


def _columns(
    connection: Connection, model: Connection | None, heading: list[Sentence], language: Language
) -> Iterator[str]:
    """`model wire kernel` for the client, the same for the server, below `heading`; without a model the other two."""
    witness = connection.witness
    if witness is None:
        return
    names = [language.say(name) for name in ([_MODEL] if model else []) + [_WIRE, _KERNEL]]
    halves = []
    for side in SIDES:
        told = [
            [str(state) for state in until_the_last_segment(c, side)[1:]]
            for c in ([model] if model else []) + [connection]
        ]
        halves.append(abreast([*told, [str(change.state) for change in witness.of(side).states]]))
    wide = max(_STATE, *map(columns, names)) + 1
    yield ""
    for sentence in heading:
        yield from language.lines(sentence)
    client, server = (language.say(Sentence(str(side))) for side in SIDES)
    yield padded(client, wide * len(names)) + server
    yield "".join(padded(name, wide) for name in names * 2).rstrip()
    for left, right in zip_longest(*halves, fillvalue=("",) * len(names)):
        yield "".join(f"{state:<{wide}}" for state in (*left, *right)).rstrip()
