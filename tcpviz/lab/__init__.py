"""perform : Scenario -> Capture, on the real kernel; and any command, watched in the same sandbox.

    with perform(scenario) as run:        # or run_command(["curl", ...])
        for frame in run.frames():        # live; the listener was open before the first call
            ...
    run.capture(), run.report

Imports `frames`, `exchange`, `model` and `errors`. Everything happens in network namespaces of its own, on one
loopback or on two machines with a line between them, and nothing of it is left behind.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tcpviz.errors import InputError
from tcpviz.exchange.exchange import SIDES
from tcpviz.exchange.performable import as_performed, needs_link, obstacle
from tcpviz.exchange.policy import LINUX
from tcpviz.exchange.scenario import Scenario
from tcpviz.exchange.simulate import simulate
from tcpviz.lab.plan import Command, Report, Script
from tcpviz.lab.sandbox import Run
from tcpviz.lab.witness import Witness

__all__ = ["Report", "Run", "Witness", "perform", "run_command", "watched"]

_TUTORIAL = Path(__file__).parents[1] / "tutorial" / "__main__.py"
PATIENCE = 10.0
"""Seconds a scenario may take beyond what the model predicts."""


def perform(scenario: Scenario, *, timeout: float | None = None) -> Run:
    """Make the scenario's calls with real sockets, each end in a process of its own.

    Ends when both ends have made their calls, or wait for what can no longer come, and the connection is at rest.
    """
    if reason := obstacle(scenario):
        raise InputError(f"scenario {scenario.name} cannot be performed: {reason}. `tcpviz simulate` can play it")
    if scenario.program:
        argv = (sys.executable, "-P", str(_TUTORIAL), *scenario.program.split())
        return Run(Command(argv, PATIENCE * 6 if timeout is None else timeout, tells=True), scenario.name)
    scenario = as_performed(scenario)
    if timeout is None:
        timeout = PATIENCE + _as_predicted(scenario)
    return Run(Script(scenario, timeout, needs_link(scenario)), scenario.name)


def watched(scenario: Scenario) -> Witness:
    """The kernel's witness of what `perform` makes of the scenario; programs have ports of their own."""
    ports = {host.port for side in SIDES for host in scenario.hosts(side)}
    return Witness(*(() if scenario.program else sorted(ports)))


def _as_predicted(scenario: Scenario) -> float:
    """Seconds until nothing more is sent and no call returns; nobody waits for what only a timer does after that.

    InputError when the network was to treat a segment that is never sent.
    """
    connections = simulate(scenario, LINUX).connections
    sent = (segment.sent for connection in connections for segment in connection.segments)
    returned = (
        call.returned or call.time
        for connection in connections
        for party in (connection.client, connection.server)
        for call in party.calls
    )
    return max((*sent, *returned), default=0) / 10**9


def run_command(argv: Sequence[str], *, timeout: float | None = None) -> Run:
    """Run a command until it ends; its standard streams are the caller's own.

    Its exit status is in the report, and is nobody else's exit status. What it leaves running dies with it.
    """
    if not argv:
        raise InputError("no command was given to run")
    if shutil.which(argv[0]) is None:
        exists = os.path.exists(argv[0])
        raise InputError(f"{argv[0]} is not executable" if exists else f"there is no command {argv[0]}")
    return Run(Command(tuple(argv), timeout), " ".join(argv))
