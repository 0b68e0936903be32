"""Every word of a picture that does not come from the exchange, in one value, and what is said for those that do.

The English is written here, and is the key of the catalogue of translations (`tcpviz.language`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from tcpviz.language import ENGLISH as IN_ENGLISH
from tcpviz.language import Language, printable
from tcpviz.model.commands import Kind
from tcpviz.model.transitions import State
from tcpviz.value import Value, fields

KINDS: Mapping[Kind, str] = {
    "keep-alive": "keep-alive",
    "window-probe": "window probe",
    "window-update": "window update",
    "challenge": "challenge",
    "probe-answer": "answer to a probe",
    "injected": "injected",
    "duplicate": "duplicate",
    "duplicate-frame": "captured twice",
    "out-of-order": "captured late",
}
"""What a segment is besides new, in plain words; `Words` has those that it shares with other things."""


_LONGEST = 200
"""Characters of a title."""
BLANK = "_____"
"""Where a reader writes the answer: as wide as a number or a flag that is written by hand."""


class Words(Value):
    """Phases are given as the lines they are set in."""

    client: str = "Client"
    server: str = "Server"
    kernel: str = "Kernel"
    lost: str = "lost"
    again: str = "again"
    not_captured: str = "not captured"
    expected: str = "expected"
    observed: str = "observed"
    rto: str = "RTO"
    cut_short: str = "2MSL cut after {}"
    nothing: str = "No segment was exchanged."
    segment: str = "{} segment"
    segments: str = "{} segments"
    retransmission: str = "{} retransmission"
    retransmissions: str = "{} retransmissions"
    lost_ones: str = "{} lost"
    violation: str = "{} violation"
    violations: str = "{} violations"
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
    half_open: tuple[str, ...] = ("Half-open",)
    closing: tuple[str, ...] = ("Close",)
    reset: tuple[str, ...] = ("Reset",)
    resets: str = "rcv RST → CLOSED (Notes 1 and 3)"
    not_in_figure: str = "not in Figure 5"
    crash: str = "crash"
    fired: str = "{fired} of {rows} transitions fired"
    relative: str = "Numbers count from each side's ISN."
    symbolic: str = "x and y: client's and server's ISN."
    absolute: str = "Absolute sequence numbers."
    one_clock: str = "One clock: an arrow's slant is schematic."
    not_to_scale: str = "Time runs downwards, not to scale."
    compared: str = "= alike  ↕ alike, in another order  ≠ different  ◀ ▶ only here."
    same_states: str = "Both ends go through the same states here and there."
    own_time: str = "Each connection has its own time."
    connection: str = "Connection"
    log_scale: str = "Time runs downwards; long waits are shortened."
    linear_scale: str = "Time is to scale, except at labels and breaks."
    byte: str = "{} byte"
    bytes: str = "{} bytes"
    datagrams: str = "{} datagrams"
    udp: str = "UDP: no handshake, no acknowledgement, no close, no states."
    udp_header: str = "UDP header"
    tcp_header: str = "TCP header"
    udp_counted: str = "{} octets + {} of header"
    octets: str = "{} octets"
    octets_range: str = "{} to {} octets"
    comma: str = ", "
    colon: str = ": "
    language: Language = IN_ENGLISH

    def state(self, state: State) -> tuple[str, ...]:
        """The RFC's name of a state, and below it what the language calls it."""
        name = self.language.translated(str(state))
        return (str(state),) if name == str(state) else (str(state), name)

    def title(self, title: str) -> str:
        """A title of ours, such as a scenario's, in this language; of others as much as anybody reads."""
        said = printable(self.language.say(title, " · "))
        return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…"

    def one_of(self, title: str, number: int, count: int) -> str:
        """The title of a picture that shows the connection `number` of `count`."""
        return title if count == 1 else f"{self.title(title)} · {self.connection} {number}/{count}"

    def kind(self, kind: Kind) -> str:
        """What a segment is besides new: `retransmission`, `keep-alive`."""
        if kind == "inferred":
            return self.not_captured
        return self.again if kind == "retransmission" else self.language.say(KINDS[kind])

    def why(self, why: str) -> str:
        """Why a segment was sent, as the model says it; a whole sentence comes in the first language only."""
        return self.language.translated(why)

    def notation(self, phrase: str) -> str:
        """The RFC's phrases, such as `rcv SYN / snd ACK`; when bilingual they stay: there is no room for both."""
        if self.language.bilingual:
            return phrase
        return " / ".join(map(self.language.translated, phrase.split(" / ")))


ENGLISH = Words()
_ONCE = (
    "nothing", "relative", "symbolic", "absolute", "one_clock", "not_to_scale", "log_scale", "linear_scale",
    "compared", "same_states", "own_time", "cut_short", "fired", "comma", "colon", "udp", "udp_counted", "octets",
    "octets_range", "segment", "segments", "retransmission", "retransmissions", "lost_ones", "violation", "violations",
    "byte", "bytes", "datagrams", "expected", "observed",
)  # fmt: skip
"""Whole sentences, which nobody wants to read twice: when bilingual, in the first language only."""
_NOTATION = ("resets", "not_in_figure")
"""What belongs to the RFC's figure: when bilingual it stays, as the figure's labels do."""


@cache
def words_in(language: Language) -> Words:
    """The words of a language. Of several lines the translation is the first."""
    said: dict[str, str | tuple[str, ...]] = {}
    for name in fields(Words):
        english = getattr(ENGLISH, name)
        if isinstance(english, tuple):
            one = " ".join(english)
            first = (language.translated(one),) if language.translated(one) != one else ()
            said[name] = (*first, *english) if language.bilingual or not first else first
        elif isinstance(english, str):
            said[name] = _say(language, name, english)
    return Words(language=language, **said)  # type: ignore[arg-type]


def _say(language: Language, name: str, english: str) -> str:
    if name in _NOTATION and language.bilingual:
        return english
    return language.translated(english) if name in _ONCE else language.say(english)
