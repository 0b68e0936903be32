"""Two machines and a line between them: each end has a network namespace of its own, with its own TCP.

Made inside the sandbox with `ip`, as pairs of virtual Ethernet interfaces; what runs along the line is the Relay's
affair. So each end has the options, timers and addresses that its scenario gives it, and neither knows the other's.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from typing import IO

from tcpviz.exchange.exchange import SIDES, Side, other
from tcpviz.exchange.scenario import Host, Scenario
from tcpviz.frames.building import HARDWARE
from tcpviz.lab import settings
from tcpviz.lab.kernel_sockets import Sockets, sockets, tables
from tcpviz.lab.plan import NoLine
from tcpviz.lab.relay import Relay
from tcpviz.lab.sock_diag import Observer

_CLONE_NEWNET = 0x40000000
_SIOCETHTOOL, _OFFLOADS = 0x8946, (0x17, 0x19, 0x1F, 0x24, 0x2C)
"""ETHTOOL_STXCSUM, SSG, STSO, SGSO and SGRO."""
_HEADERS = {4: 40, 6: 60}
"""Octets of the IP and TCP headers without options: the MTU is so much more than the MSS."""


class Link:
    """A stage of two machines; the process that makes it stays where it was."""

    def __init__(self, scenario: Scenario) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._machines: dict[Side, int] = {}
        self._tables: list[IO[str]] = []
        self.observer = Observer()
        for side in SIDES:
            self._build(side, scenario)
        self._switch(self._home)
        _ip([f"link set {side} up" for side in SIDES])
        self.tap = Relay(scenario)

    def enter(self, side: Side) -> None:
        """From now on this process is on that side's machine."""
        self._switch(self._machines[side])

    @staticmethod
    def address(host: Host) -> str:
        return host.address

    def sockets(self) -> Sockets | None:
        return sockets(self._tables)

    def begin(self, moment: int) -> None:
        self.tap.begin(moment)

    @property
    def forged(self) -> tuple[int, ...]:
        return tuple(self.tap.forged)

    def due(self) -> int | None:
        return self.tap.due

    def _build(self, side: Side, scenario: Scenario) -> None:
        hosts, peers = scenario.hosts(side), scenario.hosts(other(side))
        if self._libc.unshare(_CLONE_NEWNET):
            raise NoLine("a network namespace in a network namespace is refused")
        self._machines[side] = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        version = 6 if ":" in hosts[0].address else 4
        try:
            settings.apply(settings.sysctls(hosts[0]))
        except OSError as error:
            raise NoLine(f"{error.filename} cannot be set: {error.strerror}") from error
        commands = [
            "link set lo up",
            f"link add line address {HARDWARE[side]} mtu {hosts[0].mss + _HEADERS[version]} txqueuelen 10000"
            f" type veth peer name {side} netns /proc/self/fd/{self._home}",
            # the other machine's hardware address is known: nobody has to ask for it
            *(f"address add {address} dev line{' nodad' if version == 6 else ''}" for address in _addresses(hosts)),
            "link set line arp off up" if version == 4 else "link set line up",
            *(f"route add {address} dev line" for address in _addresses(peers)),
            *(f"neigh replace {address} lladdr {HARDWARE[other(side)]} dev line" for address in _addresses(peers)),
        ]
        _ip(commands, keep=self._home)
        _switch_off_offloads("line")
        self._tables += tables()
        self.observer.also_here()

    def _switch(self, namespace: int) -> None:
        if self._libc.setns(namespace, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "cannot enter a machine's network")


def _addresses(hosts: tuple[Host, ...]) -> Mapping[str, None]:
    return dict.fromkeys(host.address for host in hosts)


def _ip(commands: list[str], keep: int | None = None) -> None:
    program = shutil.which("ip", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if program is None:
        raise NoLine("the program `ip` is not installed (Debian: iproute2)")
    ran = subprocess.run(
        [program, "-batch", "-"],
        input="".join(f"{command}\n" for command in commands),
        capture_output=True,
        text=True,
        pass_fds=() if keep is None else (keep,),
    )
    if ran.returncode:
        raise NoLine(" ".join(ran.stderr.split()))


def _switch_off_offloads(interface: str) -> None:
    """Checksums are put in before the line, not after, and nothing is sent in one piece that it carries in several."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        for command in _OFFLOADS:
            value = ctypes.create_string_buffer(struct.pack("II", command, 0), 8)
            request = struct.pack("16sP16x", interface.encode(), ctypes.addressof(value))
            with suppress(OSError):  # what the interface cannot do, it does not
                fcntl.ioctl(handle, _SIOCETHTOOL, request)
