"""The one renderer: stable bytes, the asked size, and matplotlib only when it paints."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys

import pytest
from connections import of_library
from PIL import Image

from tcpviz import draw, graph

CODE = """
import hashlib, sys
import tcpviz
from tcpviz import draw
assert not {"matplotlib", "networkx", "numpy"} & set(sys.modules)
exchange = tcpviz.simulate("normal")
drawing = draw.sequence(exchange.connections[0], title=exchange.title)
assert not {"matplotlib", "networkx", "numpy"} & set(sys.modules)
print(hashlib.sha256(draw.png(drawing)).hexdigest())
assert not {"matplotlib.pyplot", "networkx"} & set(sys.modules)
"""


def normal() -> bytes:
    connection = of_library("normal")
    return draw.png(draw.sequence(connection, title="A TCP connection from SYN to TIME-WAIT"))


def test_two_processes_paint_the_same_bytes() -> None:
    digests = {
        subprocess.run([sys.executable, "-c", CODE], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    }
    assert digests == {hashlib.sha256(normal()).hexdigest() + "\n"}


@pytest.mark.parametrize("size", [(1920, 1080), (960, 540), (1000, 1000)])
def test_size(size: tuple[int, int]) -> None:
    image = Image.open(io.BytesIO(draw.png(draw.machine(graph.edges()), size=size)))
    assert image.size == size
    assert not image.info
    assert image.getpixel((0, 0)) == (255, 255, 255)


def test_it_can_be_called_twice() -> None:
    """The submodule of the same name does not hide the function."""
    assert normal() == normal()


def test_a_users_matplotlibrc_changes_nothing() -> None:
    import matplotlib

    before = normal()
    with matplotlib.rc_context({"text.hinting": "force_autohint", "path.simplify": True, "text.usetex": True}):
        assert normal() == before
