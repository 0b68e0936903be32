"""What the kernel said of its own states stands beneath the picture, and a disagreement cannot be overlooked."""

from __future__ import annotations

from typing import get_args

import pytest
from connections import CONNECTIONS
from overlaps import overlaps

from tcpviz import draw
from tcpviz.draw.drawing import WIDE, Drawing, Role, Text
from tcpviz.draw.metrics import default
from tcpviz.exchange import exchange
from tcpviz.exchange.exchange import Change, Connection, Side, Witness
from tcpviz.language import LANGUAGES
from tcpviz.value import replace

NORMAL = CONNECTIONS["library normal"]
SIDES: tuple[Side, ...] = get_args(Side)


def witnessed(connection: Connection) -> Connection:
    """As a kernel would have told it."""
    client, server = (tuple(connection.party(side).states[1:]) for side in SIDES)
    return replace(connection, witness=Witness("tracepoint", exchange.Testimony(client), exchange.Testimony(server)))


def kernel_rows(drawing: Drawing) -> list[Text]:
    return [shape for shape in drawing.shapes if isinstance(shape, Text) and shape.part.startswith("kernel-")]


def test_without_a_witness_nothing_is_said() -> None:
    assert kernel_rows(draw.sequence(NORMAL, title="")) == []


def test_the_kernel_s_states_stand_beneath() -> None:
    drawing = draw.sequence(witnessed(NORMAL), title="")
    client, server = kernel_rows(drawing)
    assert client.text.startswith("= Kernel, Client: SYN-SENT → ESTABLISHED → FIN-WAIT-1")
    assert server.text.startswith("= Kernel, Server: SYN-RECEIVED → ESTABLISHED → CLOSE-WAIT")
    assert {text.role for text in (client, server)} == {Role.MUTED}


@pytest.mark.parametrize("side", SIDES)
def test_other_states_than_the_wire_s_are_marked(side: Side) -> None:
    agreeing = witnessed(NORMAL)
    assert agreeing.witness
    states = agreeing.witness.of(side).states
    odd = exchange.Testimony((*states[:1], Change(states[1].time, states[-1].state)))
    drawing = draw.sequence(replace(NORMAL, witness=replace(agreeing.witness, **{side: odd})), title="")
    for text in kernel_rows(drawing):
        differs = text.part == f"kernel-{side}"
        assert text.text.startswith("≠" if differs else "=")
        assert (text.role is Role.VIOLATION) == differs


@pytest.mark.parametrize("name", CONNECTIONS)
def test_the_rows_are_legible_and_on_the_slide(name: str) -> None:
    drawing = draw.sequence(witnessed(CONNECTIONS[name]), title=name)
    rows = kernel_rows(drawing)
    for text in rows:
        assert text.size >= 14
        assert text.width == pytest.approx(default().width(text.text, text.size))
        assert 0 <= text.x <= text.x + text.width <= WIDE.width
        assert text.y < WIDE.height - 18
    lowest = max(
        (shape.y + shape.height for shape in drawing.shapes if shape.part.endswith(("band-client-0",))), default=0
    )
    assert all(text.y - text.size > lowest for text in rows)


def test_chinese_has_its_own_punctuation() -> None:
    drawing = draw.sequence(witnessed(NORMAL), title="", words=draw.words_in(LANGUAGES["zh"]))
    said = [text.text for text in drawing.texts() if text.part.startswith("kernel-")]
    assert said[0].startswith("= 内核，客户端：SYN-SENT → ")


@pytest.mark.parametrize("together", [True, False])
def test_in_a_pair_each_half_has_its_own_kernel_beneath_it(together: bool) -> None:
    """In full only where it differs: the bands above say the rest."""
    agreeing = witnessed(NORMAL)
    assert agreeing.witness
    odd = replace(agreeing.witness, server=exchange.Testimony(agreeing.witness.server.states[:1]))
    two = agreeing, replace(NORMAL, witness=odd)
    apart = exchange.Exchange("one", two[:1]), exchange.Exchange("two", two[1:])
    drawing = draw.pair(exchange.Exchange("both", two)) if together else draw.pair(*apart)
    said = [shape for shape in drawing.shapes if isinstance(shape, Text) and "kernel-" in shape.part]
    assert [(text.part, text.text) for text in said] == [
        ("left/kernel-client", "= Kernel, Client"),
        ("left/kernel-server", "= Kernel, Server"),
        ("right/kernel-client", "= Kernel, Client"),
        ("right/kernel-server", "≠ Kernel, Server: SYN-RECEIVED"),
    ]
    assert overlaps(drawing) == []
    middle = WIDE.width / 2
    for text in said:
        low, high = (0, middle) if text.part.startswith("left") else (middle, WIDE.width)
        assert low <= text.x <= text.x + text.width <= high
        assert text.y < WIDE.height - 18
