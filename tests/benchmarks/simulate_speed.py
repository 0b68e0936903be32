"""How many segments a second the simulator plays on one core: the median of several runs.

python tests/benchmarks/simulate_speed.py
"""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

from tcpviz.exchange import library
from tcpviz.exchange.capture import Capture
from tcpviz.exchange.ladder import ladder
from tcpviz.exchange.match import match
from tcpviz.exchange.simulate import simulate
from tcpviz.frames import frames_of

RUNS = 5


def main() -> None:
    plan = library.load("normal")
    bulk = library.conversation(plan, [("client", 2**20), ("server", 2**20)], "client")
    bulk = replace(bulk, client=replace(bulk.client, window=2**20), server=replace(bulk.server, window=2**20))
    for name, scenario, times in (("normal", plan, 200), ("1 MiB both ways", bulk, 1)):
        exchange = simulate(scenario)
        segments = sum(len(c.segments) for c in exchange.connections) * times
        print(f"simulate, {name}: {rate(lambda: simulate(scenario), times, segments):,.0f} segments/s")
        frames = frames_of(exchange)
        capture = Capture("benchmark", frames, len(frames))
        print(f"match, {name}: {rate(lambda: match(capture), times, segments):,.0f} segments/s")
        connection = exchange.connections[0]
        print(f"ladder, {name}: {rate(lambda: ladder(connection), times, segments):,.0f} lines/s")


def rate(work: object, times: int, segments: int) -> float:
    """Segments per second of processor time, the median over the runs."""
    assert callable(work)
    spent = []
    for _ in range(RUNS):
        start = time.process_time()
        for _ in range(times):
            work()
        spent.append(time.process_time() - start)
    return segments / statistics.median(spent)


main()
