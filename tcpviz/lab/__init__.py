"""perform : Scenario -> Capture, on the real kernel; and any command, watched in the same sandbox.

    with perform(scenario) as run:        # or run_command(["curl", ...])
        for frame in run.frames():        # live; the listener was open before the first call
            ...
    run.capture(), run.report

Imports `frames`, `exchange`, `model` and `errors`. Everything happens in a network namespace with only
its own loopback, and nothing of it is left behind.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from tcpviz.errors import InputError
from tcpviz.exchange.performable import obstacle
from tcpviz.exchange.scenario import Scenario
from tcpviz.lab.plan import Command, Report, Script
from tcpviz.lab.sandbox import Run
from tcpviz.lab.witness import Witness

__all__ = ["Report", "Run", "Witness", "perform", "run_command"]

PATIENCE = 10.0
"""Seconds a scenario may take beyond what its calls say they wait."""


def perform(scenario: Scenario, *, timeout: float | None = None) -> Run:
    """Make the scenario's calls with real sockets, each end in a process of its own.

    Ends when both ends have made their calls and the connection has come to rest.
    """
    if reason := obstacle(scenario):
        raise InputError(f"scenario {scenario.name} cannot be performed: {reason}. `tcpviz simulate` can play it")
    if timeout is None:
        waits = (sum(call.time for call in host.calls) for host in (scenario.client, scenario.server))
        timeout = PATIENCE + max(waits) / 10**9
    return Run(Script(scenario, timeout), scenario.name)


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
