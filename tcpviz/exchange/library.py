"""Scenario files: TOML in, Scenario out; and the library of scenarios that comes with the package.

title = "..."                 what a picture says at its top
summary = "..."               one line for `tcpviz scenarios`
[client] and [server]         calls = ["connect", "send 5", "recv 3", "close"], isn, address, port, mss, window
[network]                     delay = "10 ms", lose = ["client SYN 1", "segment 7"]
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, cast, get_args

from tcpviz.errors import InputError
from tcpviz.exchange.exchange import Side
from tcpviz.exchange.scenario import Action, Host, Network, Scenario, SegmentName, Verb

_FILLER = b"tcpviz! "
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9}
_DEFAULTS: dict[Side, Host] = {
    "client": Host((), isn=1000, address="10.0.0.1", port=50000),
    "server": Host((), isn=5000, address="10.0.0.2", port=80),
}
_VERBS = get_args(Verb)
_LARGEST_SEND = 2**30


def names() -> tuple[str, ...]:
    """The scenarios of the library, as `simulate` and `capture --scenario` take them."""
    files = (item.name for item in _folder().iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))


def _folder() -> Traversable:
    return resources.files("tcpviz").joinpath("scenarios")


def load(name: str) -> Scenario:
    """A scenario of the library by name, or of a file by its path. InputError says what is wrong where."""
    if name in names():
        text = _folder().joinpath(f"{name}.toml").read_text(encoding="utf-8")
        return parse(text, name, where=f"scenario {name}")
    path = Path(name)
    if path.suffix == ".toml" or path.exists():
        return parse(_read(path), path.stem, where=name)
    near = difflib.get_close_matches(name, names(), n=1, cutoff=0.0)
    hint = f"the nearest name is '{near[0]}'; " if near else ""
    raise InputError(f"no scenario '{name}': {hint}'tcpviz scenarios' lists them, and a path must end in .toml")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InputError(f"{path}: cannot be read as a scenario: {reason}") from error


def parse(text: str, name: str, where: str) -> Scenario:
    """A scenario from the text of its file; `where` opens every error."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where}: not TOML: {error}") from error
    _only(table, ("title", "summary", "theme", "unperformable", "client", "server", "network"), where)
    network = _table(table, "network", where)
    _only(network, ("delay", "lose"), f"{where}: [network]")
    lose = network.get("lose", [])
    if not isinstance(lose, list):
        raise InputError(f"{where}: [network] lose: expected a list such as ['client SYN 1'], not {lose!r}")
    return Scenario(
        name=name,
        title=str(table.get("title", name)),
        summary=str(table.get("summary", "")),
        theme=str(table.get("theme", "your own")),
        unperformable=str(table.get("unperformable", "")),
        client=_host(table, "client", where),
        server=_host(table, "server", where),
        network=Network(
            delay=duration(network.get("delay", "10 ms"), f"{where}: [network] delay"),
            lose=tuple(segment_name(str(item), f"{where}: [network] lose") for item in lose),
        ),
    )


def _table(table: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise InputError(f"{where}: {key}: expected a table [{key}], not {value!r}")
    return value


def _only(table: dict[str, Any], known: Iterable[str], where: str) -> None:
    known = tuple(known)
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
            raise InputError(f"{where}: unknown key '{key}': {hint}")


def _host(table: dict[str, Any], side: Side, where: str) -> Host:
    here = f"{where}: [{side}]"
    fields = _table(table, side, where)
    _only(fields, ("calls", "isn", "address", "port", "mss", "window"), here)
    calls = fields.get("calls", [])
    if not isinstance(calls, list):
        raise InputError(f"{here} calls: expected a list such as ['connect', 'send 5', 'close'], not {calls!r}")
    actions = tuple(call(str(item), f"{here} calls, entry {index}") for index, item in enumerate(calls, 1))
    default = _DEFAULTS[side]
    return Host(
        calls=actions,
        address=str(fields.get("address", default.address)),
        isn=_number(fields.get("isn", default.isn), 2**32 - 1, f"{here} isn"),
        port=_number(fields.get("port", default.port), 65535, f"{here} port"),
        mss=_number(fields.get("mss", default.mss), 65535, f"{here} mss"),
        window=_number(fields.get("window", default.window), 65535, f"{here} window"),
    )


def _number(value: object, limit: int, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= limit:
        raise InputError(f"{where}: expected a whole number from 0 to {limit}, not {value!r}")
    return value


def duration(value: object, where: str) -> int:
    """`10 ms`, `1.5s`, `200 us` as nanoseconds; a bare number is milliseconds."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zµ]*)\s*", str(value))
    if not found or (found[2] or "ms") not in _UNITS:
        raise InputError(f"{where}: expected a time such as '10 ms' or '1.5 s', not {value!r}")
    return round(float(found[1]) * _UNITS[found[2] or "ms"])


def call(text: str, where: str) -> Action:
    """`connect`, `send 5`, `send hello you` (its text), `recv 3`, `recv end`, `wait 100 ms`."""
    verb, _, rest = text.strip().partition(" ")
    rest = rest.strip()
    if verb not in _VERBS:
        raise InputError(f"{where}: '{text}' is no call; calls are {', '.join(_VERBS)}")
    match verb:
        case "send" if rest:
            if not rest.isdecimal():
                return Action("send", data=rest.encode())
            octets = _number(int(rest), _LARGEST_SEND, where)
            return Action("send", data=filler(octets))
        case "recv" if rest == "end":
            return Action("recv")
        case "recv" if rest.isdecimal():
            return Action("recv", octets=int(rest))
        case "wait" | "at" if rest:
            return Action(cast(Verb, verb), time=duration(rest, where))
        case "send" | "recv" | "wait" | "at":
            expected = {"send": "'send 5' or 'send some text'", "recv": "'recv 5' or 'recv end'"}
            raise InputError(f"{where}: '{text}': expected {expected.get(verb, f'a time, as in {verb} 100 ms')}")
    if rest:
        raise InputError(f"{where}: '{text}': {verb} takes nothing more")
    return Action(cast(Verb, verb))


def filler(octets: int) -> bytes:
    """Text of a given length, for scenarios that only care how much is sent."""
    return (_FILLER * (octets // len(_FILLER) + 1))[:octets]


def segment_name(text: str, where: str) -> SegmentName:
    """`client SYN 1`, `server FIN`, `segment 7`; without a number the first is meant."""
    found = re.fullmatch(r"(?:(client|server) (SYN|FIN|RST|data|ACK)|(segment))(?: (\d+))?", " ".join(text.split()))
    if not found or found[4] == "0" or (found[3] and not found[4]):
        raise InputError(
            f"{where}: '{text}' names no segment; expected 'client SYN 1', 'server FIN 1', 'client data 2', "
            "'server ACK 1' (an ACK that carries nothing else) or 'segment 7'"
        )
    what = found[2] or "segment"
    return SegmentName(cast("Side | None", found[1]), what, int(found[4] or 1))  # type: ignore[arg-type]


def conversation(scenario: Scenario, sends: Iterable[tuple[Side, int]], closer: str) -> Scenario:
    """`scenario` with other calls: each of `sends` in turn, read by the other side, then the close."""
    sends = tuple(sends)
    calls: dict[Side, list[Action]] = {"client": [Action("connect")], "server": [Action("listen"), Action("accept")]}
    for side, octets in sends:
        peer: Side = "server" if side == "client" else "client"
        calls[side].append(Action("send", data=filler(octets)))
        calls[peer].append(Action("recv", octets=octets))
    for side in calls:
        if closer == "both":
            # late enough for all that went before, with no segment on its way
            calls[side] += [Action("at", time=(6 + 2 * len(sends)) * scenario.network.delay), Action("close")]
        elif side == closer:
            calls[side].append(Action("close"))
        else:
            calls[side] += [Action("recv"), Action("wait", time=100 * 10**6), Action("close")]
    return replace(
        scenario,
        client=replace(scenario.client, calls=tuple(calls["client"])),
        server=replace(scenario.server, calls=tuple(calls["server"])),
    )
