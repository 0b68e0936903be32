"""What a scenario says of a host's TCP, as the kernel wants to hear it: sysctls of a namespace, options of a socket."""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from contextlib import suppress

from tcpviz.exchange.scenario import SECOND, Host, Start
from tcpviz.model.transitions import State
from tcpviz.value import defaults

# include/uapi/linux/tcp.h
_TCP_REPAIR, _TCP_REPAIR_QUEUE, _TCP_QUEUE_SEQ, _TCP_REPAIR_WINDOW = 19, 20, 21, 29
# include/uapi/linux/in.h
_IP_BIND_ADDRESS_NO_PORT, _IP_LOCAL_PORT_RANGE = 24, 51
_RECV_QUEUE, _SEND_QUEUE = 1, 2
_REPAIR_ON, _REPAIR_OFF_NO_PROBE = 1, -1
_SEGMENT_IN_MEMORY = 2304
"""Octets that the kernel counts for a segment of 250 to 1,500: 2,048 and the head of its buffer."""
_USUAL_WINDOW = defaults(Host)["window"]
_WINDOW_OF_ONE = 2**15
"""A window scale of n needs a buffer of so much times 2^n."""


FOR_A_SCRIPT = {"ipv4/tcp_tw_reuse": "0"}
"""A kernel on a loopback keeps its habits, but for the one of letting connect() cut TIME-WAIT short there, unasked."""


def sysctls(host: Host) -> Mapping[str, str]:
    """Below /proc/sys/net. Nothing is offered but what the scenario says, as in simulate."""
    scale = host.window_scale
    found = {
        "ipv4/tcp_window_scaling": str(int(scale is not None)),
        "ipv4/tcp_sack": str(int(host.sack)),
        "ipv4/tcp_timestamps": str(int(host.timestamps)),
        "ipv4/tcp_ecn": str(int(host.ecn)),
        "ipv4/tcp_syncookies": "2" if host.syn_cookies else "1",
        "ipv4/tcp_rfc1337": str(int(host.rfc1337)),
        "ipv4/tcp_tw_reuse": str(int(host.tw_reuse)),
        "ipv4/tcp_fastopen": "3" if host.fast_open is not None else "0",
        "ipv4/tcp_no_metrics_save": "1",
        # nothing but TCP on the line
        "ipv6/conf/default/accept_dad": "0",
        "ipv6/conf/default/router_solicitations": "0",
        "ipv6/conf/default/disable_ipv6": str(int(":" not in host.address)),
    }
    if scale is not None:
        found["ipv4/tcp_rmem"] = f"4096 131072 {_WINDOW_OF_ONE << scale}"
    if host.syn_retries:
        found["ipv4/tcp_syn_retries"] = str(host.syn_retries)
    if host.fin_wait_2_timeout:
        found["ipv4/tcp_fin_timeout"] = str(_seconds(host.fin_wait_2_timeout))
    return found


def apply(sysctls: Mapping[str, str]) -> None:
    """To the network namespace in which this process is. An older kernel that lacks one behaves so anyway or cannot."""
    for name, value in sysctls.items():
        with suppress(FileNotFoundError), open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
            file.write(value)


def prepare(sock: socket.socket, host: Host) -> None:
    """For a socket before it listens or connects; what a listener accepts inherits it."""
    # the model sends what it may when it may, and counts urgent octets like others
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    if host.window != _USUAL_WINDOW:
        # twice the number is the buffer; a window that is full of segments fills it, and is shut
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, -(-host.window // host.mss) * _SEGMENT_IN_MEMORY // 2)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP, host.window)
    if host.user_timeout:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, host.user_timeout // 10**6)
    if host.keep_alive:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _seconds(host.keep_alive))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _seconds(host.keep_alive))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 9)


def leave_port_open(sock: socket.socket, port: int) -> bool:
    """Let connect() take its port, out of this one: bind() would have it however long TIME-WAIT still keeps it.

    False where the kernel cannot (before Linux 6.3), or would take no such port by itself.
    """
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        lowest, highest = map(int, file.read().split())
    if not lowest <= port <= highest:
        return False
    try:
        sock.setsockopt(socket.SOL_IP, _IP_LOCAL_PORT_RANGE, struct.pack("=HH", port, port))
        sock.setsockopt(socket.SOL_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
    except OSError:
        return False
    return True


def hurry(sock: socket.socket, host: Host) -> None:
    """Before each call on a connection: whether ACKs wait for something to ride on."""
    if host.delayed_ack:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)


def number(sock: socket.socket, isn: int) -> None:
    """For a socket that is going to connect: its initial sequence number."""
    sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, _REPAIR_ON)
    sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR_QUEUE, _SEND_QUEUE)
    sock.setsockopt(socket.IPPROTO_TCP, _TCP_QUEUE_SEQ, _unsigned(isn))
    sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, _REPAIR_OFF_NO_PROBE)


def place(sock: socket.socket, start: Start, host: Host, peer: tuple[str, int], peer_window: int) -> None:
    """A connection that is there before the story begins, made without a segment."""
    assert start.state is State.ESTABLISHED
    sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, _REPAIR_ON)
    for queue, seq in ((_SEND_QUEUE, start.snd_nxt), (_RECV_QUEUE, start.rcv_nxt)):
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR_QUEUE, queue)
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_QUEUE_SEQ, _unsigned(seq))
    sock.connect(peer)
    window = struct.pack("5I", start.rcv_nxt, peer_window, peer_window, host.window, start.rcv_nxt)
    sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR_WINDOW, window)
    sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, _REPAIR_OFF_NO_PROBE)


def forget(sock: socket.socket) -> None:
    """A crash: the connection is gone, and nobody is told."""
    sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, _REPAIR_ON)
    sock.close()


def _seconds(time: int) -> int:
    return max(1, -(-time // SECOND))


def _unsigned(seq: int) -> bytes:
    return struct.pack("I", seq)
