"""Which font file draws which piece of a text: DejaVu Sans, and a Chinese face for what it lacks.

Finds files by their known names, so that the same fonts give the same picture; draws nothing. The only place that
imports fontTools, and only for characters that our own table of DejaVu Sans does not know.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from unicodedata import name

from tcpviz.draw import metrics
from tcpviz.draw.drawing import Drawing, Text
from tcpviz.errors import OutputError
from tcpviz.value import Value

_PACKAGE = (
    "install a Chinese font (Debian, Ubuntu: apt install fonts-noto-cjk; Fedora: "
    "dnf install google-noto-sans-cjk-fonts) or "
)
_ABSENT = "…"
"""Stands for a run of characters that no font here has: never a row of empty boxes."""

_CHINESE: tuple[tuple[str, str, str], ...] = (
    # regular, bold, family; of a collection, the face for simplified Chinese
    ("NotoSansCJK-Regular.ttc", "NotoSansCJK-Bold.ttc", "Noto Sans CJK SC"),
    ("NotoSansCJKsc-Regular.otf", "NotoSansCJKsc-Bold.otf", "Noto Sans CJK SC"),
    ("NotoSansSC-Regular.otf", "NotoSansSC-Bold.otf", "Noto Sans SC"),
    ("SourceHanSansSC-Regular.otf", "SourceHanSansSC-Bold.otf", "Source Han Sans SC"),
    ("SourceHanSans.ttc", "SourceHanSans.ttc", "Source Han Sans SC"),
    ("wqy-zenhei.ttc", "wqy-zenhei.ttc", "WenQuanYi Zen Hei"),
    ("wqy-microhei.ttc", "wqy-microhei.ttc", "WenQuanYi Micro Hei"),
    ("DroidSansFallbackFull.ttf", "DroidSansFallbackFull.ttf", "Droid Sans Fallback"),
    ("msyh.ttc", "msyhbd.ttc", "Microsoft YaHei"),
    ("Hiragino Sans GB.ttc", "Hiragino Sans GB.ttc", "Hiragino Sans GB"),
)
_FOLDERS = (
    "~/.local/share/fonts", "~/.fonts", "/usr/local/share/fonts", "/usr/share/fonts",
    "/System/Library/Fonts", "/Library/Fonts", "C:/Windows/Fonts",
)  # fmt: skip


class Face(Value):
    """A font file, and which of its faces when it is a collection."""

    file: Path
    index: int = 0


class Run(Value):
    """A piece of a text that one face draws, `offset` points from where the text begins."""

    text: str
    face: Face
    offset: float
    width: float


def runs(text: Text) -> Iterator[Run]:
    """The text piece by piece, within the width that the layout gave it."""
    measure = metrics.default().width
    pieces = [(face, "".join(chars)) for face, chars in groupby(text.text, lambda char: _face(char, text.bold))]
    widths = [measure(piece, text.size, text.bold) for _, piece in pieces]
    stretch = text.width / (sum(widths) or 1.0)
    at = 0.0
    for (face, piece), width in zip(pieces, widths, strict=True):
        yield Run(piece, face, at, width * stretch) if face else Run(_ABSENT, _latin(text.bold), at, width * stretch)
        at += width * stretch


def lack(drawing: Drawing) -> str:
    """What to tell about the characters of a drawing that no font here has; nothing when there are none.

    OutputError when they are of the drawing's own language: nobody wants a picture without its words.
    """
    absent = "".join(sorted({c for text in drawing.texts() for c in text.text if _face(c, text.bold) is None}))
    if not absent:
        return ""
    chinese = any(name(char, "").startswith("CJK") for char in absent)
    some = f"no font here has {absent[:8]}{'…' if len(absent) > 8 else ''}"
    hint = f"{_PACKAGE if chinese else ''}write .svg, which leaves fonts to its viewer"
    if chinese and drawing.language.startswith("zh"):
        raise OutputError(f"{some}: {hint}")
    return f"{some}, so the picture says {_ABSENT} instead: {hint}"


@cache
def _face(char: str, bold: bool) -> Face | None:
    latin = _latin(bold)
    if metrics.default().knows(char, bold):
        return latin
    return next((face for face in (latin, chinese(bold)) if face and ord(char) in _repertoire(face)), None)


@cache
def _latin(bold: bool) -> Face:
    """DejaVu Sans, as matplotlib ships it: found beside it without loading it."""
    spec = find_spec("matplotlib")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"
    return Face(folder / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"))


@cache
def chinese(bold: bool) -> Face | None:
    """The first Chinese face that this machine has."""
    files = _installed()
    for regular, heavy, family in _CHINESE:
        file = files.get(heavy) if bold and heavy in files else files.get(regular)
        if file:
            return Face(file, _index(file, family))
    return None


@cache
def _installed() -> dict[str, Path]:
    """The files that we know by name, in the first folder that has them."""
    known = {file for regular, bold, _ in _CHINESE for file in (regular, bold)}
    found: dict[str, Path] = {}
    for top in _FOLDERS:
        for folder, folders, names in os.walk(Path(top).expanduser()):
            folders.sort()
            for file in known.intersection(names):
                found.setdefault(file, Path(folder) / file)
    return found


@cache
def _repertoire(face: Face) -> frozenset[int]:
    """The code points that a face has glyphs for."""
    from fontTools.ttLib import TTFont

    with TTFont(face.file, fontNumber=face.index, lazy=True) as font:
        return frozenset(font.getBestCmap())


def _index(file: Path, family: str) -> int:
    """The face of a collection with this name; the first where there is none."""
    if file.suffix != ".ttc":
        return 0
    from fontTools.ttLib import TTCollection

    with TTCollection(file, lazy=True) as collection:
        names = [font["name"].getDebugName(1) for font in collection]
    return names.index(family) if family in names else 0
