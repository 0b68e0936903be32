"""A Scenario becomes the text of a scenario file: the way back from `scenario_file`.

Only what differs from a default is written; reading it again gives the same Scenario.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from tcpviz.exchange.notation import filler
from tcpviz.exchange.scenario import MILLISECOND, NOT_SENT, SECOND, Action, Host, Injection, Network, Scenario, Start
from tcpviz.model.segment import ACK, words
from tcpviz.value import defaults

_TIMES = ("keep_alive", "delayed_ack", "delayed_fin_ack", "user_timeout", "fin_wait_2_timeout")
_APART = ("calls", "isn", "later_isns", "address", "port", "threads")
_DEFAULTS = defaults(Host)


def text(scenario: Scenario, comments: Iterable[str] = ()) -> str:
    """The file, its `comments` first, ending in a newline."""
    lines = [*(f"# {_printable(comment)}" for comment in comments), *_top(scenario)]
    for side, hosts in (("client", scenario.hosts("client")), ("server", scenario.hosts("server"))):
        for nth, host in enumerate(hosts):
            several = len(hosts) > 1
            lines += ["", f"[[{side}]]" if several else f"[{side}]"]
            port = 50000 + nth if side == "client" else 80
            isn, address = (1000, "10.0.0.1") if side == "client" else (5000, "10.0.0.2")
            lines += _host(host, isn, address, port)
    lines += ["", "[network]", *_network(scenario.network)]
    for injection in scenario.injections:
        lines += ["", "[[inject]]", *_injection(injection)]
    return "".join(f"{line}\n" for line in lines)


def time_text(nanoseconds: int) -> str:
    """As the files write it, exactly: `10 ms`, `1.5 s`, `12.345678 ms`, `0 ms`."""
    if nanoseconds >= SECOND and nanoseconds % MILLISECOND == 0:
        return f"{_decimal(nanoseconds, 9)} s"
    if nanoseconds % MILLISECOND and nanoseconds < MILLISECOND:
        return f"{_decimal(nanoseconds, 3)} us"
    return f"{_decimal(nanoseconds, 6)} ms"


def _decimal(number: int, places: int) -> str:
    whole, rest = divmod(number, 10**places)
    return f"{whole}.{rest:0{places}}".rstrip("0").rstrip(".")


def _string(value: str) -> str:
    """A basic string: TOML's are JSON's, but that each character is one number, and none is half of a pair."""
    text = json.dumps(value, ensure_ascii=False).encode(errors="replace").decode()
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08X}" for letter in text)


def _printable(comment: str) -> str:
    """A comment must end with its line, and may hold the name of any file."""
    return "".join(letter if letter.isprintable() else "?" for letter in comment)


def _list(values: Iterable[object]) -> str:
    return f"[{', '.join(_string(str(value)) for value in values)}]"


def _top(scenario: Scenario) -> Iterator[str]:
    for key in ("title", "theme", "summary", "program", "unperformable", "seen_in"):
        value = getattr(scenario, key)
        if value and (key, value) != ("theme", "your own"):
            yield f"{key} = {_string(value)}"
    if scenario.dialect != "rfc9293":
        yield f"dialect = {_string(scenario.dialect)}"
    if scenario.numbers != "relative":
        yield f"numbers = {_string(scenario.numbers)}"
    if scenario.show:
        yield f"show = {_list(scenario.show)}"


def _host(host: Host, isn: int, address: str, port: int) -> Iterator[str]:
    if host.address != address:
        yield f"address = {_string(host.address)}"
    if host.port != port:
        yield f"port = {host.port}"
    if host.later_isns:
        yield f"isn = {[host.isn, *host.later_isns]}"
    elif host.isn != isn:
        yield f"isn = {host.isn}"
    for key, default in _DEFAULTS.items():
        value = getattr(host, key)
        if key not in _APART and value != default:
            yield f"{key} = {_value(key, value)}"
    yield f"calls = {_list(map(call_text, host.calls))}"
    if host.threads:
        yield f"threads = [{', '.join(_list(map(call_text, calls)) for calls in host.threads)}]"


def _value(key: str, value: object) -> str:
    if key in _TIMES and isinstance(value, int):
        return _string(time_text(value))
    match value:
        case bool():
            return str(value).lower()
        case bytes():
            return _string(value.decode()) if value else "true"
        case Start():
            return f"{{ state = {_string(str(value.state))}, snd_nxt = {value.snd_nxt}, rcv_nxt = {value.rcv_nxt} }}"
        case str():
            return _string(value)
    return str(value)


def call_text(action: Action) -> str:
    """`send 5`, or its words where they are known; times exactly."""
    if action.verb in ("wait", "at"):
        return f"{action.verb} {time_text(action.time)}"
    if action.data and action.data != filler(len(action.data)):
        try:
            said = action.data.decode()
        except UnicodeDecodeError:
            return str(action)
        if said.isprintable() and said == said.strip() and not said.isdecimal():
            return f"{action.verb} {said}"
    return str(action)


def _network(network: Network) -> Iterator[str]:
    ways = {side: _string(time_text(network.one_way(side))) for side in ("client", "server")}
    same = ways["client"] == ways["server"]
    yield f"delay = {ways['client']}" if same else f"delay = {{ client = {ways['client']}, server = {ways['server']} }}"
    for key in ("lose", "lose_unseen", "duplicate", "reorder"):
        names = getattr(network, key)
        if names:
            yield f"{key} = {_list(names)}"
    if network.hold:
        yield f"hold = {{ {', '.join(f'{_string(str(n))} = {_string(time_text(t))}' for n, t in network.hold)} }}"
    if network.loss:
        yield f"loss = {network.loss!r}"
    if network.seed:
        yield f"seed = {network.seed}"


def _injection(injection: Injection) -> Iterator[str]:
    yield f"from = {_string(injection.origin)}"
    flags = injection.flags if injection.ack is None else injection.flags | ACK
    yield f"flags = {_string(words(flags))}"
    for key in ("seq", "ack"):
        value = getattr(injection, key)
        if value is not None:
            yield f"{key} = {value if value.isdecimal() else _string(value)}"
    if injection.length:
        yield f"length = {injection.length}"
    if injection.window != 65535:
        yield f"window = {injection.window}"
    if injection.timestamps:
        yield f"timestamps = {list(injection.timestamps)}"
    if injection.at is not None:
        yield f"at = {_string(time_text(injection.at))}"
    if injection.after is not None:
        yield f"after = {_string(str(injection.after))}"
    if injection.why != NOT_SENT:
        yield f"why = {_string(injection.why)}"
