"""What a run may have left on this machine: processes, network interfaces, mounts, trace instances, temporary files.

A process is known by a mark in its environment, which everything that it starts inherits, whoever becomes its parent.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tcpviz.lab.tracing import PREFIX

_MARK = "TCPVIZ_TEST_RUN"
_WITHIN = 10.0
"""Seconds for what somebody else's killed recorder left: the next one takes it away."""


@contextmanager
def nothing_left(folder: Path) -> Iterator[dict[str, str]]:
    """An environment for a run; when the block ends, nothing of what was started with it may be there any more.

    `folder` is where its temporary files go.
    """
    mark = f"{_MARK}={uuid.uuid4()}"
    mounts, interfaces = _mounts(), socket.if_nameindex()
    yield dict([mark.split("=")]) | {"TMPDIR": str(folder)}
    left = _marked(mark)
    assert left == {}, "processes are left, and their namespaces with them"
    assert _mounts() - mounts == set(), "something is mounted still, a namespace perhaps"
    assert socket.if_nameindex() == interfaces
    assert list(folder.iterdir()) == []
    if os.geteuid() == 0:
        until = time.monotonic() + _WITHIN
        while _ownerless() and time.monotonic() < until:
            time.sleep(0.1)
        assert _ownerless() == set(), "a trace instance is left in tracefs"


def _marked(mark: str) -> dict[int, str]:
    """Number and command of each process that has the mark."""
    found = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if mark.encode() in (process / "environ").read_bytes().split(b"\0"):
                    found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:  # it has ended, or is none of ours
                continue
    return found


def _mounts() -> set[str]:
    """A namespace that nobody is in lives on if it is mounted somewhere."""
    return set(Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines())


def instances() -> set[str]:
    """What the recorders of this machine have in tracefs now."""
    mounted = "mountpoint -q /sys/kernel/tracing || mount -t tracefs none /sys/kernel/tracing"
    look = f"mount --make-rprivate / && {{ {mounted}; }} && ls /sys/kernel/tracing/instances"
    listed = subprocess.run(["unshare", "--mount", "sh", "-c", look], capture_output=True, text=True)
    return {name for name in listed.stdout.split() if name.startswith(PREFIX)}


def _ownerless() -> set[str]:
    return {name for name in instances() if not os.path.exists(f"/proc/{name.removeprefix(PREFIX).split('-')[0]}")}
