"""The whole library, live: each performable scenario on this machine's kernel, as whoever runs the tests.

What may differ from run to run has a name (`tcpviz.exchange.freedoms`); everything else must be as the model says, and
the kernel's witness must agree.
"""

from __future__ import annotations

import os

import pytest

from tcpviz.exchange import library
from tcpviz.exchange.match import match
from tcpviz.exchange.performable import obstacle
from tcpviz.exchange.policy import LINUX
from tcpviz.exchange.simulate import simulate
from tcpviz.exchange.triangle import kernel_sides_with, stories_differ
from tcpviz.exchange.witness import attach, disagreements
from tcpviz.lab import perform, watched
from tcpviz.lab import sandbox as sandboxes

PERFORMABLE = [name for name in library.names() if not obstacle(library.load(name))]

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("sandbox")]


def close_the_triangle(name: str) -> None:
    scenario = library.load(name)
    predicted = simulate(scenario, LINUX)
    with watched(scenario) as kernel, perform(scenario) as run:
        for _frame in run.frames():
            pass
        record = kernel.record(run.report.seen, run.report.ended)
    assert (run.report.timed_out, run.report.dropped) == (False, 0)
    performed = attach(match(run.capture()), record)
    blamed = {segment.frame for connection in performed.connections for segment in connection.violations}
    parted = stories_differ(performed, predicted, ("the kernel", "the model"))
    wrong = [str(difference) for difference in parted if difference.freedom is None]
    wrong += [f"frame {frame} is blamed" for frame in blamed - set(run.report.forged)]
    for connection, model in zip(performed.connections, predicted.connections, strict=False):
        if not kernel_sides_with(model, connection):
            wrong += disagreements(connection)
    assert wrong == []
    if record.source == "tracepoint":  # who only looks may come too late for what is over at once
        assert all(connection.witness for connection in performed.connections)


@pytest.mark.library
@pytest.mark.parametrize("name", PERFORMABLE)
def test_the_kernel_tells_the_model_s_story(name: str) -> None:
    close_the_triangle(name)


@pytest.mark.skipif(os.geteuid() != 0, reason="who is not root has a user namespace anyway")
@pytest.mark.parametrize("name", ["crash-server-sends", "syn-lost", "blind-syn", "fast-open-second", "all-options"])
def test_root_of_a_user_namespace_can_do_it_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandboxes.os, "geteuid", lambda: 1000)
    close_the_triangle(name)
