"""The library of scenarios that comes with the package, and scenarios made from another.

`scenario_file` knows the notation.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tcpviz.errors import InputError
from tcpviz.exchange.exchange import Side
from tcpviz.exchange.notation import filler
from tcpviz.exchange.scenario import MILLISECOND, Action, Scenario
from tcpviz.exchange.scenario_file import parse
from tcpviz.value import replace


def names() -> tuple[str, ...]:
    """The scenarios of the library, as `simulate` and `capture --scenario` take them."""
    files = (item.name for item in _folder().iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))


def _folder() -> Path:
    return Path(__file__).parents[1] / "scenarios"


def load(name: str) -> Scenario:
    """A scenario of the library by name, or of a file by its path. InputError says what is wrong where."""
    if name in names():
        text = _folder().joinpath(f"{name}.toml").read_text(encoding="utf-8")
        return parse(text, name, where=f"scenario {name}")
    path = Path(name)
    if path.suffix == ".toml" or path.exists():
        return parse(_read(path), path.stem, where=name)
    import difflib  # only a mistake needs it

    near = difflib.get_close_matches(name, names(), n=1, cutoff=0.0)
    hint = f"the nearest name is '{near[0]}'; " if near else ""
    raise InputError(f"no scenario '{name}': {hint}'tcpviz scenarios' lists them, and a path must end in .toml")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InputError(f"{path}: cannot be read as a scenario: {reason}") from error


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
            calls[side] += [Action("recv"), Action("wait", time=100 * MILLISECOND), Action("close")]
    return replace(
        scenario,
        client=replace(scenario.client, calls=tuple(calls["client"])),
        server=replace(scenario.server, calls=tuple(calls["server"])),
    )
