"""How fast the verbs are on one core: processor time, the median of several runs, as docs/performance.md.

    python tests/benchmarks/speed.py > docs/performance.md       (make bench)

The peers in the same run are tshark, which reads and dissects the same capture, and those of PlantUML, mscgen and
Mermaid's mmdc that are installed, which draw the same exchange.
"""

from __future__ import annotations

import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tcpviz import draw
from tcpviz.exchange import library
from tcpviz.exchange.exchange import Exchange
from tcpviz.exchange.ladder import ladder
from tcpviz.exchange.match import match
from tcpviz.exchange.simulate import simulate
from tcpviz.frames import frames_of, read, write
from tcpviz.model.segment import words
from tcpviz.value import replace

RUNS = 9


def main() -> None:
    plan = library.load("normal")
    bulk = library.conversation(plan, [("client", 2**20), ("server", 2**20)], "client")
    bulk = replace(bulk, client=replace(bulk.client, window=2**20), server=replace(bulk.server, window=2**20))
    print("# Performance\n")
    print("Written by `make bench`: processor time, medians of", RUNS, "runs, on a machine shared with others.")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}.\n")
    print("| What | Of | Segments a second |")
    print("| --- | --- | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for name, scenario, times in (("`normal`", plan, 200), ("1 MiB both ways", bulk, 1)):
            exchange = simulate(scenario)
            path = str(Path(folder) / "x.pcap")
            write(path, frames_of(exchange))
            capture = read(path)
            verbs: dict[str, Callable[[], object]] = {
                "simulate": partial(simulate, scenario),
                "match": partial(match, capture),
                "ladder": partial(ladder, exchange.connections[0]),
                "layout of a slide": partial(draw.sequence, exchange.connections[0], title=name),
                "read": partial(read, path),
            }
            for verb, work in verbs.items():
                print(f"| {verb} | {name} | {len(capture.frames) * times / median(repeated(work, times)):,.0f} |")
        peer = median(partial(program, ["tshark", "-r", path, "-q", "-z", "conv,tcp"]))
        print(f"| tshark, start included | {name} | {len(capture.frames) / peer:,.0f} |")
        print("\n| Command, start included | Seconds |")
        print("| --- | ---: |")
        nothing = median(partial(program, [sys.executable, "-c", "pass"]))
        print(f"| `python -c pass`, the measure of the machine | {nothing:.3f} |")
        for arguments in (
            ["--help"],
            ["simulate"],
            *(["simulate", "-o", str(Path(folder) / name)] for name in ("x.svg", "x.html", "x.png", "x.pdf", "x.gif")),
            ["match", path],
        ):
            shown = " ".join("FILE" if a == path else Path(a).name for a in arguments)
            spent = median(partial(program, [sys.executable, "-m", "tcpviz", *arguments]))
            print(f"| `tcpviz {shown}` | {spent:.2f} |")
        for name, command in peers(simulate(plan), Path(folder)).items():
            print(f"| {name} | {median(partial(program, command)):.2f} |")
    print(f"| one more PNG in the same process | {median(again(simulate(plan))):.2f} |")
    long = simulate(library.conversation(plan, [("client", 2**20)] * 34, "client")).connections[0]
    spent = median(repeated(partial(draw.sequence, long, title="long"), 1))
    print(f"| layout of {len(long.segments):,} segments | {spent:.2f} |")


def peers(exchange: Exchange, folder: Path) -> dict[str, list[str]]:
    """What else is installed that draws the same exchange, as a command for each."""
    connection = exchange.connections[0]
    (folder / "x.puml").write_bytes(draw.plantuml(connection, title="normal"))
    (folder / "x.mmd").write_bytes(draw.mermaid(connection, title="normal"))
    arrows = [
        f'{"c=>s" if sent.origin == "client" else "s=>c"} [label="{words(sent.segment.flags)}"];'
        for sent in connection.segments
    ]
    (folder / "x.msc").write_text("msc { c, s; " + " ".join(arrows) + " }")
    commands = {
        "PlantUML": ["plantuml", "-tpng", str(folder / "x.puml")],
        "mscgen": ["mscgen", "-T", "png", "-i", str(folder / "x.msc"), "-o", str(folder / "msc.png")],
        "Mermaid": ["mmdc", "-i", str(folder / "x.mmd"), "-o", str(folder / "mmd.png")],
    }
    return {name: command for name, command in commands.items() if shutil.which(command[0])}


def again(exchange: Exchange) -> Callable[[], float]:
    """A PNG of what was drawn before."""
    draw.png(draw.sequence(exchange.connections[0], title="normal"))
    return repeated(lambda: draw.png(draw.sequence(exchange.connections[0], title="normal")), 1)


def repeated(work: Callable[[], object], times: int) -> Callable[[], float]:
    def run() -> float:
        start = time.process_time()
        for _ in range(times):
            work()
        return time.process_time() - start

    return run


def program(command: list[str]) -> float:
    """Processor seconds of a program that has ended."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    # as users have it: modules are compiled once
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def median(run: Callable[[], float]) -> float:
    return statistics.median(run() for _ in range(RUNS))


main()
