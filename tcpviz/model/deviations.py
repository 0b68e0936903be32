"""Where real stacks leave RFC 9293, by name, each with its reason and the place that proves it.

A dialect is a set of these. Nothing here says how a deviation is carried out: the one line that
does asks for it by name.
"""

from __future__ import annotations

from enum import Enum


class Deviation(Enum):
    """(name, what differs and why, source)."""

    RESET_WITH_ACK = (
        "reset-with-ack",
        "a reset sent by ABORT carries ACK = RCV.NXT, where 3.10.5 sends a bare RST",
        "Linux net/ipv4/tcp_output.c, tcp_send_active_reset()",
    )

    @property
    def label(self) -> str:
        return self.value[0]


RFC9293: frozenset[Deviation] = frozenset()
LINUX = frozenset({Deviation.RESET_WITH_ACK})

DIALECTS = {"rfc9293": RFC9293, "linux": LINUX}
