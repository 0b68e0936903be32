"""How wide text is, without asking a renderer: a Metrics value, passed to every layout.

Owns the tables' decoding, the width of what no table has, and the making of text that fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from unicodedata import combining

from tcpviz.draw import dejavu
from tcpviz.language import printable as printable
from tcpviz.value import Value

ASCENT, DESCENT, CAPITAL = 0.76, 0.24, 0.729
"""Of DejaVu Sans, in em: the tallest letters, the deepest, and the capitals."""

_ROUNDING = 0.01


class Metrics(Value):
    """Advance widths in em, by character."""

    regular: Mapping[str, float]
    bold: Mapping[str, float]

    def width(self, text: str, size: float, bold: bool = False) -> float:
        table = self.bold if bold else self.regular
        return size * sum(table.get(char) or _unlisted(char) for char in text)

    def knows(self, char: str, bold: bool = False) -> bool:
        """Whether the font has a glyph for `char`, as far as the table goes."""
        return bool((self.bold if bold else self.regular).get(char))

    def fit(self, text: str, room: float, size: float, bold: bool = False) -> str:
        """`text`, or its beginning and end around an ellipsis, no wider than `room`."""
        if len(text) <= 10_000 and self.width(text, size, bold) <= room + _ROUNDING:
            return text
        least, most = 0, min(len(text) - 1, 500)
        while least < most:
            kept = (least + most + 1) // 2
            if self.width(_elided(text, kept), size, bold) <= room:
                least = kept
            else:
                most = kept - 1
        return _elided(text, least)


def _elided(text: str, kept: int) -> str:
    """The first and last of `kept` characters; the end is what tells addresses apart."""
    tail = kept // 3
    return f"{text[: kept - tail]}…{text[len(text) - tail :]}"


def _unlisted(char: str) -> float:
    """CJK takes one em, marks nothing; whatever else no table has is given a whole em, to be safe."""
    return 0.0 if combining(char) else 1.0


@cache
def default() -> Metrics:
    """DejaVu Sans, the font that the PNG renderer uses."""
    return Metrics(dict(_decoded(dejavu.REGULAR)), dict(_decoded(dejavu.BOLD)))


def _decoded(blocks: Mapping[int, str]) -> Iterator[tuple[str, float]]:
    for first, widths in blocks.items():
        code = first
        for run in widths.split():
            width, _, count = run.partition("*")
            for _ in range(int(count or 1)):
                yield chr(code), int(width) / dejavu.UNITS
                code += 1
