"""A sentence of ours: its English text, which remembers the pattern and what fills it.

Whoever only prints or compares it has a plain string. Who speaks another language translates pattern and parts, each
by itself; there is nothing to be guessed from the finished text.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce


class Sentence(str):
    """`Sentence("frame {}: {}", 7, Sentence("captured twice"))`. The pattern is the key in the catalogue of
    translations; a part that is a sentence is translated too, every other part (a number, a state, a name) stays.
    """

    __slots__ = ("parts", "pattern")
    pattern: str
    parts: tuple[object, ...]

    def __new__(cls, pattern: str, *parts: object) -> Sentence:
        self = super().__new__(cls, pattern.format(*parts) if parts else pattern)
        self.pattern, self.parts = pattern, parts
        return self

    def __reduce__(self) -> tuple[type[Sentence], tuple[object, ...]]:
        """A copy is made as the first was, not from the finished text."""
        return Sentence, (self.pattern, *self.parts)


def listed(parts: Iterable[Sentence]) -> Sentence:
    """`closed, 11 segments, 2 not captured`, of one part or more."""
    return reduce(lambda first, last: Sentence("{}, {}", first, last), parts)
