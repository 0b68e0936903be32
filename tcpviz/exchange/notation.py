"""The words of scenario files: what one value may look like, and what it means.

Each reader takes what a file has and gives the value, or says what was expected instead. Which keys there are, and
where they stand, is `scenario_file`'s business.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import cast, get_args

from tcpviz.exchange.exchange import Side
from tcpviz.exchange.numbers import Numbers
from tcpviz.exchange.scenario import DETAILS, Action, Detail, Dialect, SegmentName, Start, Verb
from tcpviz.model import segment
from tcpviz.model.transitions import State

VERBS = get_args(Verb)
LARGEST = 2**32 - 1
_FILLER = b"tcpviz! "
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9}
_LARGEST_SEND = 2**30
_AT_ONCE = 1024
"""What people write into recv()."""
_LONGEST = 24 * 3600 * 10**9


class Expected(Exception):
    """What a reader wanted to see."""


def number(limit: int, least: int = 0) -> Callable[[object], int]:
    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= limit:
            raise Expected(f"a whole number from {least} to {limit}")
        return value

    return read


def flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Expected("true or false")
    return value


def numbers(value: object) -> Numbers:
    if value not in get_args(Numbers):
        raise Expected(f"one of {', '.join(get_args(Numbers))}")
    return cast(Numbers, value)


def dialect(value: object) -> Dialect:
    if value not in get_args(Dialect):
        raise Expected(f"one of {', '.join(get_args(Dialect))}")
    return cast(Dialect, value)


def details(value: object) -> tuple[Detail, ...]:
    if not isinstance(value, list) or not all(detail in DETAILS for detail in value):
        raise Expected(f"a list of what a picture shows besides, such as ['options'], of {', '.join(DETAILS)}")
    return tuple(value)


def some_time(value: object) -> int:
    length = time(value)
    if not length:
        raise Expected("a time longer than nothing")
    return length


def time(value: object) -> int:
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zµ]*)\s*", str(value))
    if not found or (found[2] or "ms") not in _UNITS:
        raise Expected("a time such as '10 ms' or '1.5 s'")
    if float(found[1]) * _UNITS[found[2] or "ms"] > _LONGEST:
        raise Expected("a time of a day at most")
    return round(float(found[1]) * _UNITS[found[2] or "ms"])


def cookie(value: object) -> bytes | None:
    if isinstance(value, bool):
        return b"" if value else None
    if not isinstance(value, str) or len(value.encode()) not in range(4, 17, 2):
        raise Expected("true (ask for a cookie) or a cookie as text of 4 to 16 octets, an even number (RFC 7413)")
    return value.encode()


def address(value: object) -> str:
    try:
        return str(ipaddress.ip_address(str(value)))
    except ValueError:
        raise Expected("an IP address such as '10.0.0.1' or 'fd00::1'") from None


def start(value: object) -> Start:
    fields = value if isinstance(value, dict) else {}
    states = {state.value: state for state in State}
    if set(fields) != {"state", "snd_nxt", "rcv_nxt"} or fields["state"] not in states:
        raise Expected("{ state = 'ESTABLISHED', snd_nxt = 300, rcv_nxt = 100 }")
    return Start(states[fields["state"]], number(LARGEST)(fields["snd_nxt"]), number(LARGEST)(fields["rcv_nxt"]))


def isns(value: object) -> tuple[int, ...]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise Expected("a number, or a list with one for each incarnation")
    return tuple(map(number(LARGEST), values))


def pair(value: object) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2:
        raise Expected("TSval and TSecr, such as [20, 0]")
    return number(LARGEST)(value[0]), number(LARGEST)(value[1])


def chance(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1:
        raise Expected("a chance from 0 to less than 1")
    return float(value)


def call(text: str) -> Action:
    """`connect`, `send 5`, `send hello you` (its text), `recv 3`, `recv end`, `wait 100 ms`."""
    verb, _, rest = text.strip().partition(" ")
    rest = rest.strip()
    if verb not in VERBS:
        import difflib  # only a mistake needs it

        near = difflib.get_close_matches(verb, VERBS, n=1)
        raise Expected(f"one of the calls {', '.join(VERBS)}" + (f" (did you mean {near[0]}?)" if near else ""))
    match verb:
        case "send" | "send-urgent" | "sendto" | "connect" if rest:
            return Action(cast(Verb, verb), data=data(rest))
        case "recv" if rest == "end":
            return Action("recv")
        case "recv" if rest == "some":
            return Action("recv", octets=_AT_ONCE, some=True)
        case "recv" if rest.isdecimal():
            return Action("recv", octets=int(rest))
        case "wait" | "at" if rest:
            return Action(cast(Verb, verb), time=time(rest))
        case "send" | "send-urgent" | "sendto":
            raise Expected(f"'{verb} 5' or '{verb} some text'")
        case "recv":
            raise Expected("'recv 5', 'recv some' or 'recv end'")
        case "wait" | "at":
            raise Expected(f"a time, as in '{verb} 100 ms'")
    if rest:
        raise Expected(f"nothing after {verb}")
    return Action(cast(Verb, verb))


def data(rest: str) -> bytes:
    return filler(number(_LARGEST_SEND)(int(rest))) if rest.isdecimal() else rest.encode()


def filler(octets: int) -> bytes:
    """Text of a given length, for scenarios that only care how much is sent."""
    return (_FILLER * (octets // len(_FILLER) + 1))[:octets]


def segment_name(value: object) -> SegmentName:
    """`client SYN 1`, `server FIN`, `every client SYN`, `segment 7`; without a number the first is meant."""
    text = " ".join(str(value).split())
    every = text.startswith("every ")
    found = re.fullmatch(
        r"(?:(client|server) (SYN|FIN|RST|data|ACK)|(segment))(?: (\d+))?", f"{text[6:]} 1" if every else text
    )
    if not found or (every and found[3]) or found[4] == "0" or (found[3] and not found[4]):
        raise Expected(
            "the name of a segment, such as 'client SYN 1', 'server FIN 1', 'client data 2', "
            "'server ACK 1' (an ACK that carries nothing else), 'every client SYN' or 'segment 7'"
        )
    return SegmentName(cast("Side | None", found[1]), found[2] or "segment", 0 if every else int(found[4] or 1))  # type: ignore[arg-type]


_FLAGS = {name: getattr(segment, name) for name in ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")}


def flags(value: object) -> int:
    if value == "none":
        return 0
    words = str(value).replace(" ", "").split(",")
    if not all(word in _FLAGS for word in words):
        raise Expected(f"flags such as 'SYN' or 'RST,ACK', of {', '.join(_FLAGS)}")
    return sum(_FLAGS[word] for word in set(words))


def symbolic(value: object) -> str:
    text = str(value).replace(" ", "")
    if isinstance(value, bool) or not re.fullmatch(r"\d+|[xy]([+-]\d+)?", text):
        raise Expected("a number, or one from an ISN: 'x' or 'x+5' (the client's), 'y' or 'y+1' (the server's)")
    if text.isdecimal() and int(text) > LARGEST:
        raise Expected(f"a number up to {LARGEST}")
    return text
