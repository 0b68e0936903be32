"""Scenario files: TOML in, Scenario out. What is wrong is refused with its line, its key and what was expected.

    title = "..."                 what a picture says at its top
    summary = "..."               one line for `tcpviz scenarios`, under its theme
    numbers, show                 how it is best seen: "absolute", ["options"]
    dialect = "linux"             whose habits the model plays it with
    unperformable = "..."         why no kernel can play it
    seen_in = "..."               the capture it was inferred from
    [client] and [server]         calls = ["connect", "send 5", "recv 3", "close"]; and what its TCP brings along
    [[client]], [[server]]        several clients, or threads of the server
    [network]                     delay, lose, lose_unseen, duplicate, reorder, hold, loss, seed
    [[inject]]                    segments that neither end sent

`docs/scenario-files.md` describes every key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

from tcpviz.errors import InputError
from tcpviz.exchange import notation
from tcpviz.exchange.exchange import Side
from tcpviz.exchange.scenario import FIRST_ISN, NOT_SENT, Action, Host, Injection, Network, Scenario, SegmentName
from tcpviz.model.sentence import Sentence

_NEEDS_CONNECTION = ("send", "send-urgent", "recv", "shutdown", "close", "abort", "status", "timeout")
NETWORK = ("delay", "lose", "lose_unseen", "duplicate", "reorder", "hold", "loss", "seed")
TOP = (
    "title", "summary", "theme", "numbers", "show", "dialect", "program", "unperformable", "seen_in",
    "client", "server", "network", "inject",
)  # fmt: skip
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

    def table(self, table: Mapping[str, Any], key: str) -> dict[str, Any]:
        """The table [key] in `table`; an empty one where there is none."""
        value = table.get(key, {})
        if not isinstance(value, dict):
            raise self.error(key, f"expected a table [{key}], not {value!r}")
        return value

    def only(self, table: Mapping[str, Any], known: Iterable[str]) -> None:
        """InputError for a key that means nothing here."""
        known = tuple(known)
        for key in table:
            if key not in known:
                import difflib  # only a mistake needs it

                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
                raise self.error(key, f"unknown key: {hint}")

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
    place.only(table, TOP)
    clients = _hosts(table, "client", place)
    servers = _hosts(table, "server", place)
    injections = tuple(
        _injection(fields, place.section("inject", nth)) for nth, fields in enumerate(_tables(table, "inject", place))
    )
    network = _network(place.table(table, "network"), place.section("network"))
    _possible(clients, servers, injections, place)
    return Scenario(
        name=name,
        title=str(table.get("title", name)),
        summary=str(table.get("summary", "")),
        theme=str(table.get("theme", "your own")),
        numbers=_read(place, "numbers", table.get("numbers", "relative"), notation.numbers),
        show=_read(place, "show", table.get("show", []), notation.details),
        dialect=_read(place, "dialect", table.get("dialect", "rfc9293"), notation.dialect),
        program=str(table.get("program", "")),
        unperformable=str(table.get("unperformable", "")),
        seen_in=str(table.get("seen_in", "")),
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
            if action.verb in _NEEDS_CONNECTION and not (connected or host.talks_udp):
                complaint = f"entry {number}: '{action}' comes before connect and accept: there is no connection yet"
                raise place.section(side, nth).error("calls", complaint, action.verb)
    for side, nth, host in hosts:
        if host.window >> (host.window_scale or 0) == 0:
            complaint = (
                f"a window of {host.window} octets cannot be offered in steps of {1 << (host.window_scale or 0)}"
            )
            raise place.section(side, nth).error("window_scale", complaint)
    versions = {":" in host.address for *_, host in hosts}
    if len(versions) > 1:
        raise place.section("client").error("address", "one end has an IPv4 and the other an IPv6 address")
    ends = [(host.address, host.port) for host in clients]
    if len(set(ends)) < len(ends):
        raise place.section("client").error("port", "two clients have the same address and port")
    speaks = any(action.verb in ("connect", "sendto") or host.start for *_, host in hosts for action in host.calls)
    if not speaks and not injections:
        raise place.section("client").error("calls", "nothing can ever be sent: no application calls connect")


def _tables(table: Mapping[str, Any], key: str, place: Place) -> list[dict[str, Any]]:
    value = table.get(key, [])
    values = [value] if isinstance(value, dict) else value
    if not isinstance(values, list) or not all(isinstance(item, dict) for item in values):
        raise place.error(key, f"expected a table [{key}] or several [[{key}]], not {value!r}")
    return values


_READERS: dict[str, Callable[[object], Any]] = {
    "address": notation.address,
    "port": notation.number(65535, least=1),
    "mss": notation.number(65535, least=1),
    "window": notation.number(2**30, least=1),
    "window_scale": notation.number(14),
    "sack": notation.flag,
    "timestamps": notation.flag,
    "ecn": notation.flag,
    "fast_open": notation.cookie,
    "syn_cookies": notation.flag,
    "keep_alive": notation.some_time,
    "delayed_ack": notation.time,
    "delayed_fin_ack": notation.time,
    "user_timeout": notation.some_time,
    "fin_wait_2_timeout": notation.some_time,
    "rfc1337": notation.flag,
    "syn_retries": notation.number(127, least=1),
    "tw_reuse": notation.flag,
    "start": notation.start,
    "reuse_address": notation.flag,
    "backlog": notation.number(65535),
}

SIDE = ("calls", "threads", "isn", *_READERS)


def _read(place: Place, key: str, value: object, reader: Callable[[object], Value]) -> Value:
    try:
        return reader(value)
    except notation.Expected as expected:
        raise place.error(key, f"expected {expected}, not {value!r}") from None


def _hosts(table: Mapping[str, Any], side: Side, place: Place) -> tuple[Host, ...]:
    tables = _tables(table, side, place) or [{}]
    hosts: list[Host] = []
    for nth, fields in enumerate(tables):
        here = place.section(side, nth)
        here.only(fields, SIDE)
        isns = _read(here, "isn", fields.get("isn", FIRST_ISN[side]), notation.isns)
        values = {key: _read(here, key, fields[key], reader) for key, reader in _READERS.items() if key in fields}
        values.setdefault("address", "10.0.0.1" if side == "client" else "10.0.0.2")
        values.setdefault("port", 50000 + nth if side == "client" else 80)
        hosts.append(
            Host(
                calls=_calls("calls", fields.get("calls", []), here),
                threads=tuple(_calls("threads", calls, here) for calls in _lists(fields, "threads", here)),
                isn=isns[0],
                later_isns=isns[1:],
                **values,
            )
        )
    return tuple(hosts)


def _lists(fields: Mapping[str, Any], key: str, place: Place) -> list[object]:
    lists = fields.get(key, [])
    if not isinstance(lists, list):
        raise place.error(key, f"expected a list of lists such as [['recv end']], not {lists!r}")
    return lists


def _calls(key: str, calls: object, place: Place) -> tuple[Action, ...]:
    if not isinstance(calls, list):
        raise place.error(key, f"expected a list such as ['connect', 'send 5', 'close'], not {calls!r}")
    found = []
    for index, item in enumerate(calls, 1):
        try:
            found.append(notation.call(str(item)))
        except notation.Expected as expected:
            raise place.error(key, f"entry {index}: '{item}': expected {expected}", item) from None
    return tuple(found)


def _network(fields: Mapping[str, Any], place: Place) -> Network:
    place.only(fields, NETWORK)
    delay = fields.get("delay", "10 ms")
    each = delay if isinstance(delay, dict) else {"client": delay, "server": delay}
    if set(each) != {"client", "server"}:
        raise place.error("delay", f"expected a time, or one for client and server each, not {delay!r}")
    hold = fields.get("hold", {})
    if not isinstance(hold, dict):
        raise place.error("hold", f"expected a table such as {{ 'client SYN 1' = '100 ms' }}, not {hold!r}")
    return Network(
        delay=_read(place, "delay", each["client"], notation.time),
        server_delay=_read(place, "delay", each["server"], notation.time),
        lose=_names(fields, "lose", place),
        lose_unseen=_names(fields, "lose_unseen", place),
        duplicate=_names(fields, "duplicate", place),
        reorder=_names(fields, "reorder", place),
        hold=tuple(
            (_read(place, "hold", n, notation.segment_name), _read(place, "hold", t, notation.time))
            for n, t in hold.items()
        ),
        loss=_read(place, "loss", fields.get("loss", 0.0), notation.chance),
        seed=_read(place, "seed", fields.get("seed", 0), notation.number(notation.LARGEST)),
    )


def _names(fields: Mapping[str, Any], key: str, place: Place) -> tuple[SegmentName, ...]:
    values = fields.get(key, [])
    if not isinstance(values, list):
        raise place.error(key, f"expected a list such as ['client SYN 1'], not {values!r}")
    return tuple(_read(place, key, value, notation.segment_name) for value in values)


INJECTED = ("from", "flags", "seq", "ack", "length", "window", "timestamps", "at", "after", "why")


def _injection(fields: Mapping[str, Any], place: Place) -> Injection:
    place.only(fields, INJECTED)
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
        flags=_read(place, "flags", fields["flags"], notation.flags),
        seq=_read(place, "seq", fields["seq"], notation.symbolic),
        ack=_read(place, "ack", fields["ack"], notation.symbolic) if "ack" in fields else None,
        length=_read(place, "length", fields.get("length", 0), notation.number(65535)),
        window=_read(place, "window", fields.get("window", 65535), notation.number(65535)),
        timestamps=_read(place, "timestamps", fields["timestamps"], notation.pair) if "timestamps" in fields else None,
        at=_read(place, "at", fields["at"], notation.time) if "at" in fields else None,
        after=_read(place, "after", fields["after"], notation.segment_name) if "after" in fields else None,
        why=Sentence(str(fields["why"])) if "why" in fields else NOT_SENT,
    )


def option(name: str, value: object, reader: Callable[[object], Value]) -> Value:
    """The same readers for what the command line gives."""
    return _read(Place(name), "", value, reader)
