"""Runs a server of the tutorial and its clients, and types for them. Whatever they print comes with their name.

python -m tcpviz.tutorial NAME [ENCODING]      NAME: tcp-once, tcp-turns, ...; all are listed without it
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

PORT, OTHER_PORT = "8080", "8888"
HERE = Path(__file__).parent
CALLS = os.environ.get("TCPVIZ_CALLS", "")
"""Where programs are to note their calls; empty when nobody asks."""
PAUSE = 0.1
"""Seconds that a person takes at least to type; longer than an acknowledgement waits for something to ride on."""
PATIENCE = 60.0


@dataclass(frozen=True)
class Typed:
    """A line that somebody types, once somebody has printed something, or has ended."""

    who: str
    line: str
    after: str = ""
    prints: str = ""


@dataclass(frozen=True)
class Play:
    server: tuple[str, ...]
    clients: tuple[tuple[str, ...], ...]
    typed: tuple[Typed, ...]


def _three(server: str, *typed: Typed) -> Play:
    return Play((server, PORT, ENCODING, "3"), (("tcp_turns_client", PORT, ENCODING),) * 3, typed)


ENCODING = "ENCODING"
ONE, TWO, THREE, SERVER = "client 1", "client 2", "client 3", "server"
_ALL_AT_ONCE = (
    Typed(ONE, "hello"),
    Typed(TWO, "hello", ONE, "answer"),
    Typed(THREE, "hello", TWO, "answer"),
    Typed(ONE, "exit", THREE, "answer"),
    Typed(TWO, "exit", ONE),
    Typed(THREE, "exit", TWO),
)
PLAYS = {
    "tcp-once": Play(
        ("tcp_once_server", PORT, ENCODING), (("tcp_once_client", PORT, ENCODING),), (Typed(ONE, "hello, 你好"),)
    ),
    "tcp-turns": Play(
        ("tcp_turns_server", PORT, ENCODING),
        (("tcp_turns_client", PORT, ENCODING),),
        (Typed(ONE, "hello"), Typed(ONE, "你好", ONE, "you said hello"), Typed(ONE, "exit", ONE, "you said 你好")),
    ),
    "tcp-duplex": Play(
        ("tcp_duplex_server", PORT, ENCODING),
        (("tcp_duplex_client", PORT, ENCODING),),
        (
            Typed(ONE, "hello"),
            Typed(SERVER, "how are you?", SERVER, "hello"),
            Typed(SERVER, "你好吗?", ONE, "how are you?"),
            Typed(ONE, "fine", ONE, "你好吗?"),
            Typed(ONE, "exit", SERVER, "fine"),
        ),
    ),
    "udp-one-way": Play(
        ("udp_one_way_receiver", PORT, ENCODING),
        (("udp_one_way_sender", PORT, ENCODING),),
        (Typed(ONE, "hello"), Typed(ONE, "你好", SERVER, "hello"), Typed(ONE, "quit", SERVER, "你好")),
    ),
    "udp-both-ways": Play(
        ("udp_both_ways", PORT, OTHER_PORT, ENCODING),
        (("udp_both_ways", OTHER_PORT, PORT, ENCODING),),
        (
            Typed(ONE, "hello", ONE, "listening"),
            Typed(SERVER, "你好", SERVER, "hello"),
            Typed(ONE, "quit", ONE, "你好"),
            Typed(SERVER, "quit", SERVER, "quit"),
        ),
    ),
    "server-threads": _three("server_threads", *_ALL_AT_ONCE),
    "server-pool": _three(
        "server_pool",
        Typed(ONE, "hello"),
        Typed(TWO, "hello", ONE, "answer"),
        Typed(THREE, "hello", TWO, "answer"),  # two are being served: nobody answers
        Typed(ONE, "exit"),
        Typed(TWO, "exit", THREE, "answer"),
        Typed(THREE, "exit", TWO),
    ),
    "server-asyncio": _three("server_asyncio", *_ALL_AT_ONCE),
    "server-one-at-a-time": _three(
        "server_one_at_a_time",
        Typed(ONE, "hello"),
        Typed(TWO, "hello", ONE, "answer"),
        Typed(THREE, "hello"),
        Typed(ONE, "exit"),
        Typed(TWO, "exit", TWO, "answer"),
        Typed(THREE, "exit", THREE, "answer"),
    ),
}


PLAYS |= {
    "two-sends-one-recv": Play(("two_sends_one_recv", PORT), (), ()),
    "address-in-use": Play(("address_in_use",), (), ()),
    "address-in-use-reuseaddr": Play(("address_in_use", "reuse"), (), ()),
    "backlog-full": Play(("backlog_full", PORT), (), ()),
}
"""Programs that are both ends themselves."""


class Program:
    """One of them running: types for it, prints what it prints, and remembers that."""

    def __init__(self, who: str, module: str, options: list[str]) -> None:
        self._who, self._printed, self._news = who, "", threading.Condition()
        self._ended = False
        told = [str(HERE / "_recorded.py")] if CALLS else []
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-u", "-X", "utf8", *told, str(HERE / f"{module}.py"), *options],
            pass_fds=[int(CALLS)] if CALLS else [],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            text = line.replace("message: ", "")  # what asks a person
            if text.strip():
                print(f"{self._who}: {text}", end="", file=sys.stderr, flush=True)
            with self._news:
                self._printed += text
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def wait_for(self, text: str) -> None:
        """Until it has printed `text`; empty: until it has ended."""
        with self._news:
            if not self._news.wait_for(lambda: self._ended or (text and text in self._printed), PATIENCE):
                sys.exit(f"{self._who} did not print {text!r}")
        if text and text not in self._printed:
            sys.exit(f"{self._who} ended before it printed {text!r}")

    def type(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def end(self) -> int:
        self.wait_for("")
        return abs(self._process.wait())


def main(name: str, encoding: str) -> int:
    play = PLAYS[name]
    # on one processor for all: two that send at once are captured in either order
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    programs: dict[str, Program] = {}
    for number, (module, *options) in enumerate((play.server, *play.clients)):
        who = f"client {number}" if number else SERVER
        programs[who] = Program(who, module, [encoding if option == ENCODING else option for option in options])
        if module != "udp_one_way_sender":
            programs[who].wait_for("port")  # listening on it, or connected to it
    for typed in play.typed:
        if typed.after:
            programs[typed.after].wait_for(typed.prints)
        time.sleep(PAUSE)
        programs[typed.who].type(typed.line)
    return max(program.end() for program in programs.values())


if __name__ == "__main__":
    wanted, encoding = (*sys.argv[1:], "utf-8")[:2] if len(sys.argv) > 1 else ("", "")
    if wanted not in PLAYS:
        sys.exit(f"usage: python -m tcpviz.tutorial NAME [ENCODING], where NAME is one of {', '.join(PLAYS)}")
    sys.exit(main(wanted, encoding))
