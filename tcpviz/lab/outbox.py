"""Octets on their way into a pipe, without ever waiting for its reader.

The capture must not lose segments because somebody draws slowly.
"""

from __future__ import annotations

import os

_AT_ONCE = 65536


class Outbox:
    """Writes into a pipe. What the pipe does not take now waits in memory."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting = bytearray()
        self._sent = 0
        os.set_blocking(descriptor, False)

    def write(self, octets: bytes, /) -> None:
        self._waiting += octets

    def flush(self) -> None:
        """Hand over as much as goes without waiting."""
        while self._waiting:
            try:
                sent = os.write(self._descriptor, memoryview(self._waiting)[self._sent : self._sent + _AT_ONCE])
            except BlockingIOError:
                return
            self._sent += sent
            if self._sent == len(self._waiting) or self._sent > 2**20:
                del self._waiting[: self._sent]
                self._sent = 0

    def finish(self) -> None:
        """Hand over all of it, however long the reader takes, and close the pipe."""
        os.set_blocking(self._descriptor, True)
        self.flush()
        os.close(self._descriptor)
        self._waiting.clear()
