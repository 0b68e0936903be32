"""The words of the page that are no picture's: what it says of each step, of each field, and on its buttons.

As in `tcpviz.draw.words`: the English is written here, and is the key of the catalogue of translations.
"""

from __future__ import annotations

from functools import cache

from tcpviz.draw.words import ENGLISH
from tcpviz.exchange.exchange import Side
from tcpviz.language import Language
from tcpviz.value import Value, fields


class Phrases(Value):
    """What stands in braces is filled in: a name of an end, a segment, a state, a number."""

    sends: str = "{end} sends {segment}"
    sends_octets: str = "{end} sends {count} octets"
    receives_octets: str = "{end} receives {count} octets"
    receives: str = "{end} receives {segment}"
    is_lost: str = "{segment} is lost"
    goes: str = "{end}: {before} → {after}"
    asks: str = "{end}: {call}"
    numbered: str = "Segment {number}"
    datagram: str = "Datagram {number}"
    between: str = "{sender} → {receiver}"
    stop: str = ". "
    """Between two sentences."""
    colon: str = ": "
    comma: str = ", "
    step: str = "Step {step} of {steps}"
    begin: str = "Press → for the next step, the space bar to play."
    choose: str = "Choose an arrow to see its header."
    conversation: str = "Conversation"
    """As Wireshark calls a TCP connection or a UDP flow."""
    diagram: str = "Sequence diagram"
    machine: str = "State machine"
    details: str = "Header"
    steps: str = "All steps"
    controls: str = "Steps"
    first: str = "First step"
    previous: str = "Previous step"
    play: str = "Play"
    pause: str = "Pause"
    next: str = "Next step"
    last: str = "Last step"
    keys: str = "Keys: → or Page Down, ← or Page Up, Home, End, space bar."
    omitted: str = "Left out here: {count}. --connection N makes a page of the N-th connection, --port N one of a port."
    unscripted: str = "Going through it step by step needs JavaScript. This is what the pictures show:"
    why: str = "Why"
    rules: str = "What fires"
    verdict: str = "Verdict"
    ok: str = "allowed"
    warning: str = "allowed, but odd"
    violation: str = "not allowed"
    source_port: str = "Source port"
    destination_port: str = "Destination port"
    sequence: str = "Sequence number"
    acknowledgment: str = "Acknowledgment number"
    flags: str = "Flags"
    window: str = "Window"
    urgent: str = "Urgent pointer"
    options: str = "Options"
    length: str = "Length"
    text: str = "Data"
    frame: str = "Frame"
    sent: str = "Sent"
    arrived: str = "Arrived"
    lost: str = "lost"
    seen: str = "Captured"
    octets: str = "{count} octets"
    scaled: str = "{window} × {factor} = {octets} octets"
    next_octet: str = "the next octet expected; {sum}"


@cache
def phrases_in(language: Language) -> Phrases:
    """The page in one language; when bilingual its sentences come in the first one, for nobody reads them twice."""
    return Phrases(**{name: language.translated(getattr(Phrases(), name)) for name in fields(Phrases)})


def ends_in(language: Language) -> dict[Side, str]:
    """What the two ends are called in these sentences."""
    return {"client": language.translated(ENGLISH.client), "server": language.translated(ENGLISH.server)}
