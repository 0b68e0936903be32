"""The shipped captures: performed by a real kernel, explained by the model, as the scenario predicts."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tcpviz.exchange import library
from tcpviz.exchange.match import match
from tcpviz.exchange.performable import obstacle
from tcpviz.exchange.policy import LINUX
from tcpviz.exchange.simulate import simulate
from tcpviz.exchange.triangle import differences
from tcpviz.frames import read

CAPTURES = sorted(Path(__file__).parents[1].glob("captures/*.pcapng"))


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_the_kernel_did_what_the_model_predicts(path: Path) -> None:
    performed = match(read(str(path)))
    predicted = simulate(library.load(path.stem), LINUX)
    assert performed.conforms
    for kernel, model in zip(performed.connections, predicted.connections, strict=True):
        assert differences(kernel, model, ("the kernel", "the model")) == ()
        assert kernel.outcome == model.outcome


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_the_sidecar_says_how_it_was_made(path: Path) -> None:
    facts = json.loads(path.with_suffix(".json").read_text())
    assert facts["scenario"] == path.stem
    assert facts["command"] == f"tcpviz capture --scenario {path.stem} -o {path.name}"
    assert facts["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert facts["kernel"].startswith("Linux ")


def test_every_performable_scenario_has_its_capture() -> None:
    performable = {name for name in library.names() if not obstacle(library.load(name))}
    assert {path.stem for path in CAPTURES} == performable
