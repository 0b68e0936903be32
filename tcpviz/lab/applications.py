"""The applications of a scenario: a real process for each side, started together.

Runs inside the sandbox. Knows nothing of capturing, and leaves the calls to `calls`. Several applications of one side
are threads of its process and share its listener. An application keeps its sockets after its last call, because what
it never closed must stay open; the end of the sandbox is its end.
"""

from __future__ import annotations

import os
import pickle
import signal
import struct
import threading
import time
import traceback
from collections.abc import Mapping

from tcpviz.exchange.exchange import SIDES, Call, Side
from tcpviz.exchange.scenario import Scenario
from tcpviz.lab import fast_open
from tcpviz.lab.calls import Machine, Player
from tcpviz.lab.stage import Stage
from tcpviz.value import Value, replace

_SECOND_THOUGHT = 1_000_000
"""Nanoseconds: of two that act at once the client is first, as in simulate."""
_FOR_A_WHILE = ("wait", "at")


class Application(Value):
    """A running one, seen from its parent."""

    side: Side
    pid: int
    done: int
    """Readable once it has made its calls, or died."""
    log: int
    thread: bool = False
    """It begins once another one is connected."""

    def calls(self) -> tuple[Call, ...]:
        """What it has called so far; the entry of a call that returned replaces the one that was written before it."""
        calls: dict[int, Call] = {}
        with open(os.dup(self.log), "rb") as log:
            log.seek(0)
            try:
                while True:
                    place, call = pickle.load(log)
                    calls[place] = call
            except (EOFError, pickle.UnpicklingError):
                return tuple(calls.values())

    def waits_for_the_network(self, seconds: float) -> bool:
        """Its last call has not returned for so long, and no clock will make it."""
        since = time.time_ns() - seconds * 10**9
        last = self.calls()[-1:]
        if not last:
            return self.thread
        return any(call.returned is None and call.name not in _FOR_A_WHILE and call.time < since for call in last)


class Cast(Value):
    """All applications, waiting at the line until both sides are ready."""

    applications: tuple[Application, ...]
    ready: int
    """A pipe: each side writes an octet into it."""
    go: Mapping[Side, int]
    """Pipes: the moment of the start, by time.monotonic_ns."""

    def begin(self, moment: int) -> None:
        for pipe in self.go.values():
            os.write(pipe, struct.pack("q", moment))
            os.close(pipe)


def start(scenario: Scenario, stage: Stage) -> Cast:
    """Who listens first does so now; everybody else makes the first call at the moment that `begin` gives."""
    ready, report = os.pipe()
    applications: list[Application] = []
    go: dict[Side, int] = {}
    for side in SIDES:
        wait, go[side] = os.pipe()
        applications += _fork(scenario, side, stage, report, wait)
        os.close(wait)
    os.close(report)
    return Cast(tuple(applications), ready, go)


def _fork(scenario: Scenario, side: Side, stage: Stage, report: int, wait: int) -> list[Application]:
    hosts = scenario.hosts(side)
    threads = [(place, calls) for place, host in enumerate(hosts) for calls in host.threads]
    pipes = [os.pipe() for _ in (*hosts, *threads)]
    logs = [os.memfd_create(f"tcpviz-{side}") for _ in pipes]
    pid = os.fork()
    if pid:
        for _, finish in pipes:
            os.close(finish)
        return [
            Application(side, pid, done, log, thread=place >= len(hosts))
            for place, ((done, _), log) in enumerate(zip(pipes, logs, strict=True))
        ]
    try:
        stage.enter(side)
        fast_open.acquaint(scenario, side, stage)
        machine = Machine(side, stage, scenario)
        players = [Player(host, machine, log) for host, log in zip(hosts, logs, strict=False)]
        for player in players:
            player.prepare()
        players += [
            Player(replace(hosts[place], calls=calls), machine, log, thread_of=players[place])
            for (place, calls), log in zip(threads, logs[len(hosts) :], strict=True)
        ]
        os.write(report, b"!")
        begin = struct.unpack("q", os.read(wait, 8))[0]
        begin += _SECOND_THOUGHT if side == "server" else 0
        for player, (_, finish) in zip(players, pipes, strict=True):
            threading.Thread(target=_play, args=(player, begin, finish), daemon=True).start()
        signal.pause()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def _play(player: Player, begin: int, finish: int) -> None:
    try:
        player.play(begin)
        os.close(finish)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
