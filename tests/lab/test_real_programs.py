"""Programs that nobody wrote for this project, captured on a network of their own: what they did conforms."""

from __future__ import annotations

import shutil
import sys
from collections import Counter

import pytest

from tcpviz.exchange.match import match
from tcpviz.lab import run_command

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("sandbox")]

UNTIL = "until {}; do sleep 0.05; done"
PROGRAMS = {
    "http.server and curl": (
        "curl",
        f"{sys.executable} -m http.server --bind 127.0.0.1 8000 >/dev/null 2>&1 & server=$!;"
        + UNTIL.format("curl -s -o /dev/null http://127.0.0.1:8000/")
        + "; curl -s -o /dev/null http://127.0.0.1:8000/ http://127.0.0.1:8000/none; kill $server",
    ),
    "nc and nc -N": (
        "nc",
        "seq 2000 | nc -N -l 127.0.0.1 9000 >/dev/null & "
        + UNTIL.format("seq 3000 | nc -N 127.0.0.1 9000 >/dev/null")
        + "; wait",
    ),
    "redis": (
        "redis-server",
        "redis-server --port 6379 --bind 127.0.0.1 --save '' --dir /tmp >/dev/null & server=$!;"
        + UNTIL.format("redis-cli ping >/dev/null 2>&1")
        + "; redis-benchmark -q -n 60 -c 3 -t set,get >/dev/null; kill $server; wait",
    ),
}


@pytest.mark.parametrize(("program", "commands"), PROGRAMS.values(), ids=PROGRAMS)
def test_what_real_programs_do_conforms(program: str, commands: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    with run_command(["sh", "-c", commands], timeout=60) as run:
        list(run.frames())
    assert run.report.dropped == 0
    exchange = match(run.capture())
    assert exchange.conforms, [str(s.expected) for c in exchange.connections for s in c.violations]
    outcomes = Counter(connection.outcome for connection in exchange.connections)
    assert outcomes["closed"] >= 1
    assert set(outcomes) <= {"closed", "refused", "reset"}, outcomes
