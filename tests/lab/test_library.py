"""The whole library, live: `tcpviz capture --scenario NAME` on this machine's kernel, as root and as an ordinary user.

What may differ from run to run has a name (`tcpviz.exchange.freedoms`); everything else must be as the model says, the
kernel's witness must agree, and nothing of a run may be left behind.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from leftovers import nothing_left

from tcpviz.exchange import library
from tcpviz.exchange.document import kernel_witness
from tcpviz.exchange.match import match
from tcpviz.exchange.performable import obstacle
from tcpviz.exchange.policy import LINUX
from tcpviz.exchange.simulate import simulate
from tcpviz.exchange.triangle import kernel_sides_with, stories_differ
from tcpviz.exchange.witness import disagreements
from tcpviz.frames import read
from tcpviz.model.transitions import State
from tcpviz.value import Value, replace

Who = Literal["root", "ordinary user"]
USERS: tuple[Who, ...] = ("root", "ordinary user") if os.geteuid() == 0 else ("ordinary user",)
PERFORMABLE = [name for name in library.names() if not obstacle(library.load(name))]
A_FEW = ["crash-server-sends", "syn-lost", "blind-syn", "fast-open-second", "all-options", "tutorial-tcp-turns"]
CAPTURE = [sys.executable, "-m", "tcpviz", "capture"]
NOBODY = 65534
POWERLESS = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"]
NOTHING_CAPTURED, NO_PERMISSION = 4, 3

pytestmark = pytest.mark.live


class User(Value):
    number: int
    before: tuple[str, ...] = ()
    """Words before the command."""

    def run(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path | str
    ) -> subprocess.CompletedProcess[str]:
        become, environment = {}, {**os.environ, **environment}
        if self.number != os.geteuid():
            become = {"user": self.number, "group": self.number, "extra_groups": []}
            environment["HOME"] = "/"  # root's is closed to others
        return subprocess.run(
            [*self.before, *command],
            cwd=folder, env=environment, capture_output=True, text=True, timeout=180, **become,
        )  # fmt: skip


@pytest.fixture(scope="session")
def users() -> Mapping[Who, User]:
    """Those that may have a network of their own on this machine; an ordinary user has none of root's powers.

    Where nobody else may even read this Python, root without any power does what an ordinary user would.
    """
    candidates: dict[Who, list[User]] = {"root": [User(0)], "ordinary user": [User(os.geteuid())]}
    if os.geteuid() == 0:
        candidates["ordinary user"] = [User(NOBODY), User(0, tuple(POWERLESS))]
    found: dict[Who, User] = {}
    for who in USERS:
        for user in candidates[who]:
            if user.run([*CAPTURE, "--", "true"], {}, "/").returncode == NOTHING_CAPTURED:
                found.setdefault(who, user)
    return found


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Which others may enter, as pytest's own they may not."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@contextmanager
def ports_to_itself(name: str) -> Iterator[None]:
    """Tracepoints tell no network from another: where an end never has a socket, somebody else's would pass for it."""
    ends = [party for c in simulate(library.load(name), LINUX).connections for party in (c.client, c.server)]
    alone = any(State.ESTABLISHED not in {change.state for change in end.states} for end in ends)
    with open(Path(tempfile.gettempdir()) / f"tcpviz-tests-{os.geteuid()}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


def perform(name: str, user: User, folder: Path) -> None:
    captured, temporary = folder / "captured", folder / "temporary"
    for place in (captured, temporary):
        place.mkdir()
        os.chown(place, user.number, user.number if user.number else -1)
    files = [str(captured / "run.pcapng"), str(captured / "run.json")]
    with ports_to_itself(name), nothing_left(temporary) as environment:
        ran = user.run([*CAPTURE, "--scenario", name, "-o", files[0], "-o", files[1]], environment, captured)
    assert (ran.returncode, "warning" in ran.stderr) == (0, False), ran.stdout + ran.stderr
    assert {str(path): path.stat().st_uid for path in captured.iterdir()} == dict.fromkeys(files, user.number)
    forged = {int(number) for number in re.findall(r"frame (\d+) was forged", ran.stderr)}
    (document,) = json.loads(Path(files[1]).read_text(encoding="utf-8"))["captures"]
    told = re.findall(r"^the kernel (.*): (its tracepoint sock:|sock_diag )", ran.stdout, re.M)
    assert len(told) == bool(document["connections"]), "the output says which witness it had"
    assert wrong(name, Path(files[0]), document["connections"], forged) == [], ran.stdout


def wrong(name: str, path: Path, told: list[dict[str, object]], forged: set[int]) -> list[str]:
    """Where the model, the wire and the kernel's witness part, and none of them is free to."""
    performed, predicted = match(read(str(path))), simulate(library.load(name), LINUX)
    parted = stories_differ(performed, predicted, ("the kernel", "the model"))
    found = [str(difference) for difference in parted if difference.freedom is None]
    blamed = {segment.frame for connection in performed.connections for segment in connection.violations}
    found += [f"frame {frame} is blamed" for frame in blamed - forged]
    for connection, model, facts in zip(performed.connections, predicted.connections, told, strict=False):
        if "kernel" in facts:
            witnessed = replace(connection, witness=kernel_witness(facts["kernel"]))
            if not kernel_sides_with(model, witnessed):
                found += disagreements(witnessed)
    return found


@pytest.mark.library
@pytest.mark.parametrize("who", USERS)
@pytest.mark.parametrize("name", PERFORMABLE)
def test_the_kernel_tells_the_model_s_story(name: str, who: Who, users: Mapping[Who, User], open_folder: Path) -> None:
    if who not in users:
        pytest.skip(f"no network of its own for {who} on this machine")
    perform(name, users[who], open_folder)


@pytest.mark.parametrize("who", USERS)
@pytest.mark.parametrize("name", A_FEW)
def test_a_few_of_them_whenever_anything_is_tested(
    name: str, who: Who, users: Mapping[Who, User], open_folder: Path
) -> None:
    if who not in users:
        pytest.skip(f"no network of its own for {who} on this machine")
    perform(name, users[who], open_folder)
