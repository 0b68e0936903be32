"""How values are declared: frozen, compared by what they hold, cheap to make and to copy. msgspec lives here.

Knows nothing of what they say. Declaring them used to be a third of starting the program: a frozen dataclass takes
fifty times as long to declare as a Value, and seven times as long to make.
"""

from __future__ import annotations

from typing import dataclass_transform

from msgspec import Struct, field
from msgspec.structs import replace

__all__ = ["Record", "Value", "defaults", "field", "fields", "replace"]


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Value(Struct, frozen=True):
    """Never changes. `class Point(Value): x: float`; with `dict=True` it can keep what it has once derived."""


class Record(Struct):
    """Changes until what it tells of has ended."""


def fields(kind: type[Struct]) -> tuple[str, ...]:
    """The names of what such a value holds, in order."""
    return kind.__struct_fields__


def defaults(kind: type[Struct]) -> dict[str, object]:
    """What a field is when nothing is said of it, for each that need not be given."""
    given = kind.__struct_defaults__
    return dict(zip(kind.__struct_fields__[-len(given) :], given, strict=True)) if given else {}
