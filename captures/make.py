"""Performs every performable scenario on this kernel: NAME.pcapng, and NAME.json, which says how it came about.

    python captures/make.py [NAME...]

Says what has changed in the story since last time, and where the story is not the model's. Run by `make captures`.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from tcpviz.errors import TcpvizError
from tcpviz.exchange import library
from tcpviz.exchange.document import kernel_document
from tcpviz.exchange.exchange import Exchange
from tcpviz.exchange.match import match
from tcpviz.exchange.performable import obstacle
from tcpviz.exchange.policy import LINUX
from tcpviz.exchange.simulate import simulate
from tcpviz.exchange.triangle import Difference, kernel_sides_with, stories_differ
from tcpviz.exchange.witness import attach, disagreements
from tcpviz.frames import read, write
from tcpviz.lab import Report, perform, watched

HERE = Path(__file__).parent
MOST = 5_000_000
"""Octets of all captures together."""


def main(names: list[str]) -> int:
    failed = [name for name in names or library.names() if not make(name)]
    size = sum(path.stat().st_size for path in HERE.glob("*.pcapng"))
    print(f"{size:,} octets in all" + (f", which is more than {MOST:,}" if size > MOST else ""))
    if failed:
        print(f"not performed, though they should be: {', '.join(failed)}")
    return int(bool(failed) or size > MOST)


def make(name: str) -> bool:
    """False when a performable scenario could not be performed."""
    scenario = library.load(name)
    path = HERE / f"{name}.pcapng"
    if reason := obstacle(scenario):
        for old in (path, path.with_suffix(".json")):
            old.unlink(missing_ok=True)
        print(f"{name}: not performed: {reason}")
        return True
    before = story(path) if path.exists() else None
    try:
        with watched(scenario) as kernel, programs_in_silence(), perform(scenario) as run:
            frames = list(run.frames())
            record = kernel.record(run.report.seen, run.report.ended)
        if run.report.timed_out or run.report.dropped:
            raise TcpvizError("its time was up" if run.report.timed_out else "frames were dropped")
    except TcpvizError as error:
        print(f"{name}: {error}")
        return False
    write(str(path), frames, format="pcapng")
    now = attach(story(path), record)
    sidecar(path, name, run.report, now)
    changed = () if before is None else stories_differ(before, now, ("the last one", "this one"))
    print(f"{name}: {len(frames)} frames; {told(changed) or ('new' if before is None else 'the same story')}")
    predicted = simulate(scenario, LINUX)
    parted = stories_differ(now, predicted, ("the kernel", "the model"))
    if wrong := tuple(each for each in parted if each.freedom is None):
        print(f"    not the model's story: {told(wrong)}")
    for connection, model in zip(now.connections, predicted.connections, strict=False):
        verdict = "sides with the model" if kernel_sides_with(model, connection) else "disagrees"
        for line in disagreements(connection):
            print(f"    the kernel {verdict}: {line}")
    return True


@contextmanager
def programs_in_silence() -> Iterator[None]:
    """What the tutorial's programs print would stand between our own lines."""
    sys.stdout.flush()
    ours = {number: os.dup(number) for number in (1, 2)}
    with open(os.devnull, "w") as nowhere:
        for number in ours:
            os.dup2(nowhere.fileno(), number)
    try:
        yield
    finally:
        for number, copy in ours.items():
            os.dup2(copy, number)
            os.close(copy)


def story(path: Path) -> Exchange:
    return match(read(str(path)))


def told(differences: tuple[Difference, ...]) -> str:
    return "; ".join(map(str, differences))


def sidecar(path: Path, name: str, report: Report, exchange: Exchange) -> None:
    facts = {
        "scenario": name,
        "command": f"tcpviz capture --scenario {name} -o {path.name}",
        "kernel": f"{platform.system()} {platform.release()}",
        "date": datetime.date.today().isoformat(),
        "versions": {
            "tcpviz": metadata.version("tcpviz"),
            "scapy": metadata.version("scapy"),
            "python": platform.python_version(),
            "unshare": version("unshare", "--version"),
            "ip": version("ip", "-V"),
        },
        "dropped": report.dropped,
        "forged": list(report.forged),
        "witness": [kernel_document(c.witness) if c.witness else None for c in exchange.connections],
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    path.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def version(program: str, option: str) -> str:
    """What a program of the system says of itself: `util-linux 2.38.1`."""
    found = shutil.which(program, path="/usr/sbin:/sbin:/usr/bin:/bin")
    if not found:
        return "none"
    said = subprocess.run([found, option], capture_output=True, text=True).stdout
    return said.strip().removeprefix(f"{program} ").removeprefix("from ").removeprefix("utility, ")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
