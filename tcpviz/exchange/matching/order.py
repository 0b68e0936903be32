"""In which order one end sent what was captured of it, by its own count of packets.

RFC 791 wants an identification that differs between packets; most stacks count, Linux each connection by itself. Where
the numbers of an end go up from frame to frame they are taken for such a count: then it is known, not guessed, which
frames were captured late, which are copies that the network made, and where frames are missing. Where an end does not
count (random numbers, always the same, IPv6) nothing is said.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from tcpviz.exchange.capture import Frame
from tcpviz.model.segment import Segment

_AROUND = 2**16
_STRIDE = 256
"""So many packets at most does one frame stand for (offload), or are missing before it."""
_FARTHEST, _NEAR = 4096, 16
"""So many packets behind the newest a frame was captured late, where its sender has shown that it counts; at first."""
_SMALLEST = 536
"""Octets of text that any packet may carry (RFC 9293 section 3.7.1)."""
_SURE = 4
"""Who has counted so often counts."""


class Place(NamedTuple):
    """Where a frame stands in what its sender sent."""

    behind: int
    """So many packets older than the newest that was captured before it; 0: it is the newest."""
    copied: bool = False
    """The very same packet has been captured before."""
    skipped: int = 0
    """So many packets between the newest before it and itself have not been captured yet."""
    adjoins: bool = False
    """It is the very next after the newest before it: nothing lies between them."""


class Order:
    """What an end has counted so far."""

    def __init__(self) -> None:
        self._newest: int | None = None
        self._length = 0
        """The newest frame's octets of text."""
        self._packet = _SMALLEST
        """So many octets were seen to fit into one packet; frames with more stand for several (offload)."""
        self._steps = 0
        self._recent: deque[int] = deque()
        self._seen: dict[int, Segment | None] = {}

    def place(self, frame: Frame) -> Place | None:
        """The place of the next captured frame; None: nobody knows."""
        count = frame.identification
        if not count:
            return None
        step = 0 if self._newest is None else (count - self._newest + _AROUND // 2) % _AROUND - _AROUND // 2
        if self._newest is None or not -self._reach <= step <= _STRIDE:
            self._newest, self._length, self._steps = count, frame.length, 0
            self._remember(count, frame)
            return None
        if step > 0:
            if step == 1:
                self._packet = max(self._packet, self._length)
            skipped = max(0, step - max(1, -(-self._length // self._packet)))
            self._newest, self._length, self._steps = count, frame.length, self._steps + 1
            self._remember(count, frame)
            # a single step of one is no accident
            return Place(0, skipped=skipped, adjoins=step == 1) if self._steps > 1 or step == 1 else None
        copied = self._seen.get(count) == frame.segment
        self._remember(count, frame)
        # a single step of one, back, is no accident either
        return Place(-step, copied) if self._steps or step == -1 else None

    @property
    def _reach(self) -> int:
        return _FARTHEST if self._steps >= _SURE else _NEAR if self._steps else 1

    def _remember(self, count: int, frame: Frame) -> None:
        if count not in self._seen:
            self._recent.append(count)
            if len(self._recent) > _FARTHEST:
                del self._seen[self._recent.popleft()]
        self._seen[count] = frame.segment
