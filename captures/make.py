"""Performs every performable scenario on this kernel: NAME.pcapng, and NAME.json, which says how it came about.

    python captures/make.py [NAME...]

Says what has changed in the story since last time. Run by `make captures`.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import platform
import sys
from importlib import metadata
from pathlib import Path

from tcpviz.exchange import library
from tcpviz.exchange.exchange import Connection
from tcpviz.exchange.match import match
from tcpviz.exchange.performable import obstacle
from tcpviz.exchange.triangle import differences
from tcpviz.frames import read, write
from tcpviz.lab import perform

HERE = Path(__file__).parent


def main(names: list[str]) -> None:
    for name in names or library.names():
        scenario = library.load(name)
        if reason := obstacle(scenario):
            print(f"{name}: not performed: {reason}")
            continue
        path = HERE / f"{name}.pcapng"
        before = connections(path) if path.exists() else None
        with perform(scenario) as run:
            frames = list(run.frames())
        write(str(path), frames, format="pcapng")
        now = connections(path)
        sidecar(path, name, run.report.dropped)
        changed = (
            []
            if before is None
            else [line for pair in zip(before, now, strict=False) for line in differences(*pair, ("it was", "it is"))]
        )
        print(f"{name}: {len(frames)} frames; {'; '.join(changed) or ('new' if before is None else 'the same story')}")


def connections(path: Path) -> tuple[Connection, ...]:
    return match(read(str(path))).connections


def sidecar(path: Path, name: str, dropped: int) -> None:
    facts = {
        "scenario": name,
        "command": f"tcpviz capture --scenario {name} -o {path.name}",
        "kernel": f"{platform.system()} {platform.release()}",
        "date": datetime.date.today().isoformat(),
        "versions": {
            "tcpviz": metadata.version("tcpviz"),
            "scapy": metadata.version("scapy"),
            "python": platform.python_version(),
        },
        "dropped": dropped,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    path.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


main(sys.argv[1:])
