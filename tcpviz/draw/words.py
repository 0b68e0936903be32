"""Every word of a picture that does not come from the exchange, in one value: what a translation replaces."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """Phases are given as the lines they are set in."""

    client: str = "Client"
    server: str = "Server"
    lost: str = "lost"
    again: str = "again"
    expected: str = "expected"
    observed: str = "observed"
    rto: str = "RTO"
    nothing: str = "No segment was exchanged."
    segment: str = "segment"
    segments: str = "segments"
    retransmission: str = "retransmission"
    retransmissions: str = "retransmissions"
    lost_ones: str = "lost"
    violation: str = "violation"
    violations: str = "violations"
    handshake: tuple[str, ...] = ("Three-way", "handshake")
    simultaneous_open: tuple[str, ...] = ("Simultaneous", "open")
    attempt: tuple[str, ...] = ("Opening",)
    refused: tuple[str, ...] = ("Refused",)
    data: tuple[str, ...] = ("Data", "transfer")
    established: tuple[str, ...] = ("Established",)
    four_way: tuple[str, ...] = ("Four-way", "close")
    three_segments: tuple[str, ...] = ("Three-segment", "close")
    simultaneous_close: tuple[str, ...] = ("Simultaneous", "close")
    half_close: tuple[str, ...] = ("Half-close",)
    closing: tuple[str, ...] = ("Close",)
    reset: tuple[str, ...] = ("Reset",)
    resets: str = "rcv RST → CLOSED (Notes 1 and 3)"
    not_in_figure: str = "not in Figure 5"
    crash: str = "crash"
    fired: str = "{fired} of {rows} transitions fired"
    relative: str = "Sequence numbers count from each side's initial sequence number (ISN)."
    symbolic: str = "x and y are the client's and the server's initial sequence numbers (ISN)."
    absolute: str = "Absolute sequence numbers."
    one_clock: str = "One clock: an arrow's slant is schematic."
    not_to_scale: str = "Time runs downwards, not to scale."
    compared: str = "= alike  ↕ alike, in another order  ≠ different  ◀ ▶ only here."
    same_states: str = "Both ends go through the same states here and there."
    connection: str = "Connection"
    log_scale: str = "Time runs downwards; long waits are shortened."
    linear_scale: str = "Time runs downwards to scale, except where labels need room and at breaks."


ENGLISH = Words()
