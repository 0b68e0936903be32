"""The kernel's own states, as rows beneath a diagram whose bands are what the wire shows. Knows no times."""

from __future__ import annotations

from collections.abc import Iterator

from tcpviz.draw.columns import MARGIN
from tcpviz.draw.drawing import Role, Shape, Text
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.words import Words
from tcpviz.exchange.exchange import SIDES, Connection, Side
from tcpviz.exchange.witness import disagreements
from tcpviz.model.transitions import State

ROW = 19.0
_SIZE, _APART = 14.0, 28.0
Rows = tuple[tuple[tuple[Side, str, float], ...], ...]
"""In each row: whose states, their text and its width."""


def rows(connection: Connection, words: Words, metrics: Metrics, wide: float, brief: bool = False) -> Rows:
    """Both ends in one row if a slide so wide has room; none without a witness. `brief`: who agrees with the bands
    above has his states not said again."""
    room = wide - 2 * MARGIN
    if connection.witness is None:
        return ()
    found: list[tuple[Side, str, float]] = []
    for side in SIDES:
        states = [change.state for change in connection.witness.of(side).states]
        if told := " → ".join(str(state) for state in states if state is not State.LISTEN):
            differs = _differs(connection, side)
            name = words.client if side == "client" else words.server
            said = f"{'≠' if differs else '='} {words.kernel}{words.comma}{name}"
            text = metrics.fit(said if brief and not differs else f"{said}{words.colon}{told}", room, _SIZE)
            found.append((side, text, metrics.width(text, _SIZE)))
    if sum(width for _, _, width in found) + _APART <= room:
        return (tuple(found),) if found else ()
    return tuple((each,) for each in found)


def testimony(connection: Connection, told: Rows, wide: float, top: float, left: float, prefix: str) -> Iterator[Shape]:
    """`=` before states that go with the wire's, `≠` and the colour of a violation before others."""
    for number, row in enumerate(told):
        x = left + (wide - sum(width for _, _, width in row) - _APART * (len(row) - 1)) / 2
        for side, text, width in row:
            role = Role.VIOLATION if _differs(connection, side) else Role.MUTED
            yield Text(x, top + ROW * (number + 0.8), text, _SIZE, width, role, part=f"{prefix}kernel-{side}")
            x += width + _APART


def _differs(connection: Connection, side: Side) -> bool:
    return any(line.startswith(f"{side} ") for line in disagreements(connection))
