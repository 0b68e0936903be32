"""The program that owns a trace instance: it records the kernel's TCP events and leaves nothing of tracefs behind.

Run by itself (`python tracing.py PORT...`), with the standard library only, so that it starts at once and
outlives whoever wanted it: a closed standard input, or its parent's death, ends it and removes the instance. It
says `ready`, or why not, then waits for a line, and answers with everything as one line of JSON. It knows
what a ring buffer holds and nothing of what the events mean.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import re
import select
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

EVENTS = (
    "sock/inet_sock_set_state",
    "tcp/tcp_retransmit_skb",
    "tcp/tcp_retransmit_synack",
    "tcp/tcp_send_reset",
    "tcp/tcp_receive_reset",
)
PREFIX = "tcpviz-"
_PLACES = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
_CLOCKS = {"tai": time.CLOCK_TAI, "mono": time.CLOCK_MONOTONIC}
"""The kernel's name of a clock -> clockid_t. TAI first: it differs from the frames' clock by whole seconds only."""
_KILOBYTES = 1024
"""Of buffer for each processor: some 10,000 events between two readings."""
_PAUSE = 0.05
_CLONE_NEWNS, _MS_REC, _MS_PRIVATE = 0x20000, 0x4000, 0x40000


class Refused(Exception):
    """No witness here, and why: the pattern of a sentence and its parts, for whoever says it."""

    def with_remedy(self, number: int | None) -> Refused:
        """With what would allow it, by the error's number."""
        return Refused("{}; {}", self, _REMEDIES[number]) if number in _REMEDIES else self


_POWERS = Refused("it takes root with CAP_SYS_ADMIN: sudo, or a container with `--privileged`")
_KERNEL = Refused("a kernel built with CONFIG_FTRACE has it")
_REMEDIES = {
    errno.EPERM: _POWERS,
    errno.EACCES: _POWERS,
    errno.EROFS: Refused("`mount -o remount,rw {}` allows it", _PLACES[0]),
    errno.ENODEV: _KERNEL,
    errno.ENOENT: _KERNEL,
}


def main(ports: list[int]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends with its parent, whoever else is told to
    try:
        with Instance(_tracefs(), ports) as instance:
            _say("ready")
            _say(json.dumps(_recorded(instance)))
    except Refused as refusal:
        _say(json.dumps(refusal.args, default=lambda part: part.args))
    except (BrokenPipeError, EOFError):  # nobody wants it any more
        pass


def _recorded(instance: Instance) -> dict[str, Any]:
    """All that happens until the parent's line arrives, oldest first."""
    os.set_blocking(0, False)
    events: list[dict[str, Any]] = []
    done = False
    while not done:
        order = os.read(0, 1) if _readable(0, _PAUSE) else None
        if order == b"":
            raise EOFError
        done = order is not None
        events += instance.read()
    return {"events": sorted(events, key=lambda event: event["time"]), "lost": instance.lost}


def _readable(descriptor: int, seconds: float) -> bool:
    return bool(select.select([descriptor], [], [], seconds)[0])


def _say(line: str) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _tracefs() -> str:
    """Where tracefs is; mounted for this process alone if it is nowhere."""
    for place in _PLACES:
        if os.path.isdir(f"{place}/instances"):
            return place
    if os.geteuid():
        raise Refused("reading the kernel's tracepoints needs root: run it with sudo")
    libc = ctypes.CDLL(None, use_errno=True)
    private = not libc.unshare(_CLONE_NEWNS) and not libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None)
    if not private or libc.mount(b"tracefs", _PLACES[0].encode(), b"tracefs", 0, None):
        number = ctypes.get_errno()
        raise Refused("tracefs cannot be mounted: {}", os.strerror(number)).with_remedy(number)
    return _PLACES[0]


class Field(NamedTuple):
    offset: int
    size: int


class Format(NamedTuple):
    """What events/…/format says of one kind of record."""

    name: str
    number: int
    fields: dict[str, Field]
    reasons: dict[int, str]

    @classmethod
    def parse(cls, text: str) -> Format:
        fields = {
            name: Field(int(offset), int(size))
            for name, offset, size in re.findall(r"field:.*?(\w+)(?:\[\d+\])?;\s*offset:(\d+);\s*size:(\d+);", text)
        }
        header = dict(re.findall(r"^(name|ID): (\w+)$", text, re.MULTILINE))
        reasons = re.findall(r'\{ (\d+), "(\w+)" \}', text.partition("REC->reason,")[2])
        return cls(header["name"], int(header["ID"]), fields, {int(number): word for number, word in reasons})

    def decode(self, data: bytes) -> dict[str, Any]:
        """Numbers and addresses as the kernel has them, the latter as hexadecimal digits."""
        found: dict[str, Any] = {"event": self.name}
        for name, (offset, size) in self.fields.items():
            part = data[offset : offset + size]
            if not name.startswith("common_"):
                found[name] = (
                    int.from_bytes(part, sys.byteorder) if size in (1, 2, 4, 8) and "addr" not in name else part.hex()
                )
        if "reason" in found:
            found["reason"] = self.reasons.get(found["reason"], str(found["reason"]))
        return found


class Instance:
    """A trace instance of our own: whoever else traces on this machine neither sees nor feels it."""

    def __init__(self, tracefs: str, ports: list[int]) -> None:
        self._instances = f"{tracefs}/instances"
        self._ports = ports
        self.lost = 0

    def __enter__(self) -> Instance:
        self._sweep()
        try:
            self._home = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=self._instances)
        except OSError as error:
            raise Refused("no trace instance can be made: {}", error.strerror).with_remedy(error.errno) from None
        self._buffers: list[int] = []
        try:
            self._set_up()
        except OSError as error:
            self.__exit__()
            refusal = Refused("the tracepoints cannot be recorded: {} ({})", error.strerror, error.filename)
            raise refusal.with_remedy(error.errno) from None
        except Refused:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._write("tracing_on", "0")
        for buffer in self._buffers:
            os.close(buffer)
        with suppress(OSError):
            os.rmdir(self._home)

    def _sweep(self) -> None:
        """What a recorder left that was killed itself. The instance of a live one is busy and stays."""
        with suppress(OSError):
            for name in os.listdir(self._instances):
                pid = name.removeprefix(PREFIX).partition("-")[0]
                if name.startswith(PREFIX) and not os.path.exists(f"/proc/{pid}"):
                    with suppress(OSError):
                        os.rmdir(f"{self._instances}/{name}")

    def _set_up(self) -> None:
        cpus = f"{self._home}/per_cpu"
        for cpu in sorted(os.listdir(cpus)):
            self._buffers.append(os.open(f"{cpus}/{cpu}/trace_pipe_raw", os.O_RDONLY | os.O_NONBLOCK))
        offered = re.findall(r"\w+", self._text("trace_clock"))
        self._clock = next(clock for clock in _CLOCKS if clock in offered)
        self._write("trace_clock", self._clock)
        self._write("buffer_size_kb", str(_KILOBYTES))
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._head = Format.parse("name: page\nID: 0\n" + self._text("events/header_page", root=True)).fields
        self._formats = {}
        wanted = " || ".join(f"{field} == {port}" for port in self._ports for field in ("sport", "dport"))
        for event in EVENTS:
            if not os.path.isdir(f"{self._home}/events/{event}"):
                continue  # a kernel that has not got it yet
            form = Format.parse(self._text(f"events/{event}/format"))
            self._formats[form.number] = form
            if wanted and "sport" in form.fields:
                self._write(f"events/{event}/filter", wanted)
            self._write(f"events/{event}/enable", "1")
        if not any(form.name == "inet_sock_set_state" for form in self._formats.values()):
            raise Refused("this kernel has no tracepoint sock:inet_sock_set_state")

    def read(self) -> Iterator[dict[str, Any]]:
        """What has been recorded since the last time. `time` is nanoseconds since 1970."""
        offset = self._offset()
        for buffer in self._buffers:
            while page := self._next(buffer):
                for stamp, data in self._records(page):
                    number = int.from_bytes(data[:2], sys.byteorder)
                    if number in self._formats:
                        yield {"time": stamp + offset, **self._formats[number].decode(data)}

    def _next(self, buffer: int) -> bytes:
        try:
            return os.read(buffer, self._page)
        except BlockingIOError:
            return b""

    def _records(self, page: bytes) -> Iterator[tuple[int, bytes]]:
        """(time by the trace's clock, record): linux/ring_buffer.h, as events/header_page and header_event tell."""
        (stamp,) = struct.unpack_from("=Q", page, self._head["timestamp"].offset)
        commit = int.from_bytes(_field(page, self._head["commit"]), sys.byteorder)
        self.lost += bool(commit & 1 << 31)
        at = self._head["data"].offset
        end = at + (commit & 0xFFFFF)
        while at < end:
            head, array = (
                struct.unpack_from("=II", page, at) if at + 8 <= end else (*struct.unpack_from("=I", page, at), 0)
            )
            kind, delta = head & 31, head >> 5
            if kind == 29:  # padding: to the end of the page, or as long as it says
                at += array + 4 if delta else end
                continue
            if kind == 30:
                stamp += (array << 27) + delta
                at += 8
                continue
            if kind == 31:  # absolute, but for the topmost bits
                stamp = (stamp >> 59 << 59) | (array << 27) + delta
                at += 8
                continue
            start, length = (at + 8, array - 4) if kind == 0 else (at + 4, kind * 4)
            stamp += delta
            yield stamp, page[start : start + length]
            at = start + length

    def _offset(self) -> int:
        """From the trace's clock to nanoseconds since 1970, read within one breath."""
        readings = []
        for _ in range(3):
            before = time.clock_gettime_ns(_CLOCKS[self._clock])
            now = time.time_ns()
            after = time.clock_gettime_ns(_CLOCKS[self._clock])
            readings.append((after - before, now - (before + after) // 2))
        offset = min(readings)[1]
        # TAI is ahead by whole seconds, or not at all: no need to add what measuring takes
        return round(offset, -9) if self._clock == "tai" else offset

    def _text(self, name: str, root: bool = False) -> str:
        home = os.path.dirname(self._instances) if root else self._home
        with open(f"{home}/{name}", encoding="ascii", errors="replace") as file:
            return file.read()

    def _write(self, name: str, value: str) -> None:
        with open(f"{self._home}/{name}", "w", encoding="ascii") as file:
            file.write(value)


def _field(page: bytes, field: Field) -> bytes:
    return page[field.offset : field.offset + field.size]


if __name__ == "__main__":
    main([int(port) for port in sys.argv[1:]])
