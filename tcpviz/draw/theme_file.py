"""Theme files: TOML in, Theme out. What is wrong is refused with its line, its key and what was expected.

    base = "dark"                  the theme that gives whatever is not named here; "light" unless said
    [colours]                      a colour for a role: syn = "#0A93F9"; background = "#14181D"
    [strokes]                      dash and weight of lines and edges: fin = { weight = 1.3, dash = [14, 3] }

`docs/themes.md` lists the roles.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tcpviz.draw.drawing import Role
from tcpviz.draw.theme import LIGHT, THEMES, Stroke, Theme
from tcpviz.errors import InputError
from tcpviz.exchange.scenario_file import Place

TOP = ("base", "colours", "strokes")
_STROKE = ("weight", "dash")
_MOST_DASHES, _THICKEST = 8, 10

ROLES: Mapping[str, Role] = {("background" if role is Role.HALO else role.value): role for role in Role}
"""By the names that files use."""


def load(name: str) -> Theme:
    """A theme by its name, or from a file by its path. InputError says what is wrong where."""
    if name in THEMES:
        return THEMES[name]
    path = Path(name)
    if path.suffix != ".toml" and not path.exists():
        raise InputError(f"no theme '{name}': there are {', '.join(THEMES)}, and a path must end in .toml")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InputError(f"{path}: cannot be read as a theme: {reason}") from error
    return parse(text, where=name)


def parse(text: str, where: str) -> Theme:
    """A theme from the text of its file; `where` opens every error."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where}: not TOML: {error}") from error
    place = Place(where, text)
    place.only(table, TOP)
    base = THEMES.get(str(table.get("base", LIGHT.name)))
    if base is None:
        raise place.error("base", f"expected one of {', '.join(THEMES)}, not {table['base']!r}")
    colours, strokes = place.table(table, "colours"), place.table(table, "strokes")
    place.section("colours").only(colours, ROLES)
    place.section("strokes").only(strokes, ROLES)
    return Theme(
        where,
        {**base.colours, **{ROLES[k]: _colour(v, k, place.section("colours")) for k, v in colours.items()}},
        {**base.strokes, **{ROLES[k]: _stroke(v, k, place.section("strokes")) for k, v in strokes.items()}},
    )


def _colour(value: object, key: str, place: Place) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"#(?:[0-9A-Fa-f]{3}){1,2}", value):
        raise place.error(key, f"expected a colour such as '#0A93F9', not {value!r}")
    digits = value[1:] if len(value) == 7 else "".join(2 * digit for digit in value[1:])
    return f"#{digits.upper()}"


def _stroke(value: object, key: str, place: Place) -> Stroke:
    if not isinstance(value, dict):
        raise place.error(key, f"expected a table such as {{ weight = 1.3, dash = [14, 3] }}, not {value!r}")
    unknown = [name for name in value if name not in _STROKE]
    if unknown:
        raise place.error(key, f"unknown key '{unknown[0]}': known are {', '.join(_STROKE)}")
    weight, dash = value.get("weight", 1.0), value.get("dash", [])
    if not _number(weight) or weight > _THICKEST:
        raise place.error(key, f"weight: expected a number above 0 and up to {_THICKEST}, not {weight!r}")
    if not isinstance(dash, list) or len(dash) % 2 or len(dash) > _MOST_DASHES or not all(map(_number, dash)):
        raise place.error(key, f"dash: expected lengths of dash and gap in turn, such as [14, 3], not {dash!r}")
    return Stroke(float(weight), tuple(map(float, dash)))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1000
