"""Scenario files: TOML in, Scenario out. What is wrong is refused with its line, its key and what was expected.

    title = "..."                 what a picture says at its top
    summary = "..."               one line for `tcpviz scenarios`, under its theme
    unperformable = "..."         why no kernel can play it
    [client] and [server]         calls = ["connect", "send 5", "recv 3", "close"]; and what its TCP brings along
    [[client]], [[server]]        several clients, or threads of the server
    [network]                     delay, lose, duplicate, reorder, hold, loss, seed
    [[inject]]                    segments that neither end sent

`docs/scenario-files.md` describes every key.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast, get_args

from tcpviz.errors import InputError
from tcpviz.exchange.exchange import Side
from tcpviz.exchange.scenario import (
    Action,
    Host,
    Injection,
    Network,
    Scenario,
    SegmentName,
    Start,
    Verb,
)
from tcpviz.model import segment
from tcpviz.model.transitions import State

_FILLER = b"tcpviz! "
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9}
VERBS = get_args(Verb)
_NEEDS_CONNECTION = ("send", "recv", "shutdown", "close", "abort", "status", "timeout")
_LARGEST_SEND = 2**30
_LARGEST = 2**32 - 1
NETWORK = ("delay", "lose", "duplicate", "reorder", "hold", "loss", "seed")
TOP = ("title", "summary", "theme", "unperformable", "client", "server", "network", "inject")
Value = TypeVar("Value")


class Place:
    """Where in a file something stands, as errors say it."""

    def __init__(self, where: str, text: str = "", section: str = "", nth: int = 0) -> None:
        self._where, self._text, self._section, self._nth = where, text, section, nth

    def section(self, name: str, nth: int = 0) -> Place:
        return Place(self._where, self._text, name, nth)

    def error(self, key: str, complaint: str, entry: object = None) -> InputError:
        line = self._line(key, entry)
        parts = [self._where, f"line {line}" if line else "", f"[{self._section}]" if self._section else "", key]
        return InputError(f"{', '.join(part for part in parts if part)}: {complaint}")

    def _line(self, key: str, entry: object) -> int | None:
        """The line of `key` in this section, or of the entry of its list; None when there is no such line."""
        inside, seen, found = not self._section, -1, None
        for number, line in enumerate(self._text.splitlines(), 1):
            header = re.match(r"\s*\[+\s*([\w.-]+)", line)
            if header and not line.lstrip().startswith(("['", '["')):
                seen += header[1] == self._section
                inside = header[1] == self._section and seen == self._nth
                found = found or (number if inside and not key else None)
            if inside and key and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
                found = number
            if inside and found and entry is not None and str(entry) in line and number >= found:
                return number
        return found


def parse(text: str, name: str, where: str) -> Scenario:
    """A scenario from the text of its file; `where` opens every error."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where}: not TOML: {error}") from error
    place = Place(where, text)
    _only(table, TOP, place)
    clients = _hosts(table, "client", place)
    servers = _hosts(table, "server", place)
    injections = tuple(
        _injection(fields, place.section("inject", nth)) for nth, fields in enumerate(_tables(table, "inject", place))
    )
    network = _network(_one_table(table, "network", place), place.section("network"))
    _possible(clients, servers, injections, place)
    return Scenario(
        name=name,
        title=str(table.get("title", name)),
        summary=str(table.get("summary", "")),
        theme=str(table.get("theme", "your own")),
        unperformable=str(table.get("unperformable", "")),
        client=clients[0],
        server=servers[0],
        more_clients=clients[1:],
        more_servers=servers[1:],
        network=network,
        injections=injections,
    )


def _possible(
    clients: tuple[Host, ...], servers: tuple[Host, ...], injections: tuple[Injection, ...], place: Place
) -> None:
    """Refuse what could never come to anything."""
    hosts: list[tuple[str, int, Host]] = [("client", nth, host) for nth, host in enumerate(clients)]
    hosts += [("server", nth, host) for nth, host in enumerate(servers)]
    for side, nth, host in hosts:
        connected = host.start is not None
        for number, action in enumerate(host.calls, 1):
            connected |= action.verb in ("connect", "accept")
            if action.verb in _NEEDS_CONNECTION and not connected:
                complaint = f"entry {number}: '{action}' comes before connect and accept: there is no connection yet"
                raise place.section(side, nth).error("calls", complaint, action.verb)
    speaks = any(action.verb == "connect" or host.start for *_, host in hosts for action in host.calls)
    if not speaks and not injections:
        raise place.section("client").error("calls", "nothing can ever be sent: no application calls connect")


def _tables(table: Mapping[str, Any], key: str, place: Place) -> list[dict[str, Any]]:
    value = table.get(key, [])
    values = [value] if isinstance(value, dict) else value
    if not isinstance(values, list) or not all(isinstance(item, dict) for item in values):
        raise place.error(key, f"expected a table [{key}] or several [[{key}]], not {value!r}")
    return values


def _one_table(table: Mapping[str, Any], key: str, place: Place) -> dict[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise place.error(key, f"expected a table [{key}], not {value!r}")
    return value


def _only(table: Mapping[str, Any], known: Iterable[str], place: Place) -> None:
    known = tuple(known)
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
            raise place.error(key, f"unknown key: {hint}")


# One value each: a reader takes what the file has and says what was expected when it is something else


class Expected(Exception):
    """What a reader wanted to see."""


def _number(limit: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= limit:
            raise Expected(f"a whole number from 0 to {limit}")
        return value

    return read


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Expected("true or false")
    return value


def _time(value: object) -> int:
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zµ]*)\s*", str(value))
    if not found or (found[2] or "ms") not in _UNITS:
        raise Expected("a time such as '10 ms' or '1.5 s'")
    return round(float(found[1]) * _UNITS[found[2] or "ms"])


def _cookie(value: object) -> bytes | None:
    if isinstance(value, bool):
        return b"" if value else None
    if not isinstance(value, str) or len(value.encode()) not in range(4, 17, 2):
        raise Expected("true (ask for a cookie) or a cookie as text of 4 to 16 octets, an even number (RFC 7413)")
    return value.encode()


def _address(value: object) -> str:
    try:
        return str(ipaddress.ip_address(str(value)))
    except ValueError:
        raise Expected("an IP address such as '10.0.0.1' or 'fd00::1'") from None


def _start(value: object) -> Start:
    fields = value if isinstance(value, dict) else {}
    states = {state.value: state for state in State}
    if set(fields) != {"state", "snd_nxt", "rcv_nxt"} or fields["state"] not in states:
        raise Expected("{ state = 'ESTABLISHED', snd_nxt = 300, rcv_nxt = 100 }")
    return Start(states[fields["state"]], _number(_LARGEST)(fields["snd_nxt"]), _number(_LARGEST)(fields["rcv_nxt"]))


def _isns(value: object) -> tuple[int, ...]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise Expected("a number, or a list with one for each incarnation")
    return tuple(map(_number(_LARGEST), values))


def _chance(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1:
        raise Expected("a chance from 0 to less than 1")
    return float(value)


_READERS: dict[str, Callable[[object], Any]] = {
    "address": _address,
    "port": _number(65535),
    "mss": _number(65535),
    "window": _number(2**30),
    "window_scale": _number(14),
    "sack": _flag,
    "timestamps": _flag,
    "ecn": _flag,
    "fast_open": _cookie,
    "syn_cookies": _flag,
    "keep_alive": _time,
    "delayed_ack": _time,
    "delayed_fin_ack": _time,
    "user_timeout": _time,
    "fin_wait_2_timeout": _time,
    "rfc1337": _flag,
    "start": _start,
}

SIDE = ("calls", "isn", *_READERS)


def _read(place: Place, key: str, value: object, reader: Callable[[object], Value]) -> Value:
    try:
        return reader(value)
    except Expected as expected:
        raise place.error(key, f"expected {expected}, not {value!r}") from None


def _hosts(table: Mapping[str, Any], side: Side, place: Place) -> tuple[Host, ...]:
    tables = _tables(table, side, place) or [{}]
    hosts: list[Host] = []
    for nth, fields in enumerate(tables):
        here = place.section(side, nth)
        _only(fields, SIDE, here)
        isns = _read(here, "isn", fields.get("isn", 1000 if side == "client" else 5000), _isns)
        values = {key: _read(here, key, fields[key], reader) for key, reader in _READERS.items() if key in fields}
        values.setdefault("address", "10.0.0.1" if side == "client" else "10.0.0.2")
        values.setdefault("port", 50000 + nth if side == "client" else 80)
        hosts.append(Host(calls=_calls(fields, here), isn=isns[0], later_isns=isns[1:], **values))
    return tuple(hosts)


def _calls(fields: Mapping[str, Any], place: Place) -> tuple[Action, ...]:
    calls = fields.get("calls", [])
    if not isinstance(calls, list):
        raise place.error("calls", f"expected a list such as ['connect', 'send 5', 'close'], not {calls!r}")
    found = []
    for index, item in enumerate(calls, 1):
        try:
            found.append(call(str(item)))
        except Expected as expected:
            raise place.error("calls", f"entry {index}: '{item}': expected {expected}", item) from None
    return tuple(found)


def call(text: str) -> Action:
    """`connect`, `send 5`, `send hello you` (its text), `recv 3`, `recv end`, `wait 100 ms`."""
    verb, _, rest = text.strip().partition(" ")
    rest = rest.strip()
    if verb not in VERBS:
        near = difflib.get_close_matches(verb, VERBS, n=1)
        raise Expected(f"one of the calls {', '.join(VERBS)}" + (f" (did you mean {near[0]}?)" if near else ""))
    match verb:
        case "send" | "connect" if rest:
            return Action(cast(Verb, verb), data=_data(rest))
        case "recv" if rest == "end":
            return Action("recv")
        case "recv" if rest.isdecimal():
            return Action("recv", octets=int(rest))
        case "wait" | "at" if rest:
            return Action(cast(Verb, verb), time=_time(rest))
        case "send":
            raise Expected("'send 5' or 'send some text'")
        case "recv":
            raise Expected("'recv 5' or 'recv end'")
        case "wait" | "at":
            raise Expected(f"a time, as in '{verb} 100 ms'")
    if rest:
        raise Expected(f"nothing after {verb}")
    return Action(cast(Verb, verb))


def _data(rest: str) -> bytes:
    return filler(_number(_LARGEST_SEND)(int(rest))) if rest.isdecimal() else rest.encode()


def filler(octets: int) -> bytes:
    """Text of a given length, for scenarios that only care how much is sent."""
    return (_FILLER * (octets // len(_FILLER) + 1))[:octets]


def _network(fields: Mapping[str, Any], place: Place) -> Network:
    _only(fields, NETWORK, place)
    delay = fields.get("delay", "10 ms")
    each = delay if isinstance(delay, dict) else {"client": delay, "server": delay}
    if set(each) != {"client", "server"}:
        raise place.error("delay", f"expected a time, or one for client and server each, not {delay!r}")
    hold = fields.get("hold", {})
    if not isinstance(hold, dict):
        raise place.error("hold", f"expected a table such as {{ 'client SYN 1' = '100 ms' }}, not {hold!r}")
    return Network(
        delay=_read(place, "delay", each["client"], _time),
        server_delay=_read(place, "delay", each["server"], _time),
        lose=_names(fields, "lose", place),
        duplicate=_names(fields, "duplicate", place),
        reorder=_names(fields, "reorder", place),
        hold=tuple((_read(place, "hold", n, segment_name), _read(place, "hold", t, _time)) for n, t in hold.items()),
        loss=_read(place, "loss", fields.get("loss", 0.0), _chance),
        seed=_read(place, "seed", fields.get("seed", 0), _number(_LARGEST)),
    )


def _names(fields: Mapping[str, Any], key: str, place: Place) -> tuple[SegmentName, ...]:
    values = fields.get(key, [])
    if not isinstance(values, list):
        raise place.error(key, f"expected a list such as ['client SYN 1'], not {values!r}")
    return tuple(_read(place, key, value, segment_name) for value in values)


def segment_name(value: object) -> SegmentName:
    """`client SYN 1`, `server FIN`, `segment 7`; without a number the first is meant."""
    text = " ".join(str(value).split())
    found = re.fullmatch(r"(?:(client|server) (SYN|FIN|RST|data|ACK)|(segment))(?: (\d+))?", text)
    if not found or found[4] == "0" or (found[3] and not found[4]):
        raise Expected(
            "the name of a segment, such as 'client SYN 1', 'server FIN 1', 'client data 2', "
            "'server ACK 1' (an ACK that carries nothing else) or 'segment 7'"
        )
    return SegmentName(cast("Side | None", found[1]), found[2] or "segment", int(found[4] or 1))  # type: ignore[arg-type]


INJECTED = ("from", "flags", "seq", "ack", "length", "window", "at", "after", "why")


def _injection(fields: Mapping[str, Any], place: Place) -> Injection:
    _only(fields, INJECTED, place)
    for key in ("from", "flags", "seq"):
        if key not in fields:
            raise place.error("", f"the key '{key}' is missing: an injected segment says from, flags and seq")
    if ("at" in fields) == ("after" in fields):
        raise place.error("at", "expected either at (a time) or after (a segment), to say when it arrives")
    origin = fields["from"]
    if origin not in ("client", "server"):
        raise place.error("from", f"expected 'client' or 'server', in whose name it is sent, not {origin!r}")
    return Injection(
        origin=cast(Side, origin),
        flags=_read(place, "flags", fields["flags"], _flags),
        seq=_read(place, "seq", fields["seq"], _symbolic),
        ack=_read(place, "ack", fields["ack"], _symbolic) if "ack" in fields else None,
        length=_read(place, "length", fields.get("length", 0), _number(65535)),
        window=_read(place, "window", fields.get("window", 65535), _number(65535)),
        at=_read(place, "at", fields["at"], _time) if "at" in fields else None,
        after=_read(place, "after", fields["after"], segment_name) if "after" in fields else None,
        why=str(fields.get("why", "neither end sent this")),
    )


_FLAGS = {name: getattr(segment, name) for name in ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")}


def _flags(value: object) -> int:
    words = str(value).replace(" ", "").split(",")
    if not all(word in _FLAGS for word in words):
        raise Expected(f"flags such as 'SYN' or 'RST,ACK', of {', '.join(_FLAGS)}")
    return sum(_FLAGS[word] for word in set(words))


def _symbolic(value: object) -> str:
    text = str(value).replace(" ", "")
    if isinstance(value, bool) or not re.fullmatch(r"\d+|[xy]([+-]\d+)?", text):
        raise Expected("a number, or one from an ISN: 'x' or 'x+5' (the client's), 'y' or 'y+1' (the server's)")
    if text.isdecimal() and int(text) > _LARGEST:
        raise Expected(f"a number up to {_LARGEST}")
    return text


def option(name: str, value: object, reader: Callable[[object], Value]) -> Value:
    """The same readers for what the command line gives."""
    return _read(Place(name), "", value, reader)


duration = _time
