"""The shipped captures: performed by a real kernel, explained by the model, as the scenario predicts."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tcpviz.exchange import library
from tcpviz.exchange.document import kernel_witness
from tcpviz.exchange.match import match
from tcpviz.exchange.performable import obstacle
from tcpviz.exchange.policy import LINUX
from tcpviz.exchange.simulate import simulate
from tcpviz.exchange.triangle import kernel_sides_with, stories_differ
from tcpviz.exchange.witness import disagreements
from tcpviz.frames import read
from tcpviz.value import replace

CAPTURES = sorted(Path(__file__).parents[1].glob("captures/*.pcapng"))
MOST = 5_000_000


def facts(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
    return found


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_the_kernel_did_what_the_model_predicts(path: Path) -> None:
    performed = match(read(str(path)))
    predicted = simulate(library.load(path.stem), LINUX)
    blamed = {segment.frame for connection in performed.connections for segment in connection.violations}
    assert blamed <= set(facts(path)["forged"])
    parted = stories_differ(performed, predicted, ("the kernel", "the model"))
    assert [str(difference) for difference in parted if difference.freedom is None] == []


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_the_kernel_s_witness_agrees(path: Path) -> None:
    """With the wire; where a loss does not show there, with the model. It was there whenever there was a connection."""
    performed, predicted = match(read(str(path))), simulate(library.load(path.stem), LINUX)
    for connection, document, model in zip(
        performed.connections, facts(path)["witness"], predicted.connections, strict=True
    ):
        assert document
        witnessed = replace(connection, witness=kernel_witness(document))
        assert disagreements(witnessed) == () or kernel_sides_with(model, witnessed)


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_the_sidecar_says_how_it_was_made(path: Path) -> None:
    found = facts(path)
    assert found["scenario"] == path.stem
    assert found["command"] == f"tcpviz capture --scenario {path.stem} -o {path.name}"
    assert found["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found["kernel"].startswith("Linux ")
    assert found["dropped"] == 0
    assert len(found["forged"]) == len(library.load(path.stem).injections)
    assert all(found["versions"].values())


def test_every_performable_scenario_has_its_capture() -> None:
    performable = {name for name in library.names() if not obstacle(library.load(name))}
    assert {path.stem for path in CAPTURES} == performable
    assert len(CAPTURES) >= 50


def test_they_are_small() -> None:
    assert sum(path.stat().st_size for path in CAPTURES) < MOST
