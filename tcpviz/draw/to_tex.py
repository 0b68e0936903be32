"""Drawing -> TikZ: a standalone LaTeX document whose text is LaTeX's own, to be compiled, edited or put into another.

Writes text and needs no library. LaTeX's fonts are not the layout's, so each label is held to the width that it was
given. Whatever a name says is set as letters; nothing in it is a command. Same drawing, same bytes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import groupby, pairwise
from unicodedata import east_asian_width

from tcpviz.draw.drawing import Circle, Drawing, Line, Polygon, Rect, Role, Shape, Text
from tcpviz.draw.page import Page
from tcpviz.draw.paths import outline
from tcpviz.draw.theme import Theme, rgb

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "'": r"\textquotesingle{}", "`": r"\textasciigrave{}",
    "[": "{[}", "]": "{]}", "\u00a0": "~",
}  # fmt: skip
_SIGNS = {
    "→": r"\to", "←": r"\gets", "↔": r"\leftrightarrow", "↕": r"\updownarrow", "−": "-", "≠": r"\neq",
    "≤": r"\le", "≥": r"\ge", "✓": r"\checkmark", "✗": r"\boldsymbol{\times}",
    "◀": r"\blacktriangleleft", "▶": r"\blacktriangleright",
}  # fmt: skip
"""What pictures say besides letters. As mathematics every LaTeX has it, in whatever font."""
_LETTERS = {"…": r"\ldots{}", "–": r"\textendash{}", "“": r"\textquotedblleft{}", "”": r"\textquotedblright{}"}
_LIGATURES = frozenset("-,?!")
"""Characters that LaTeX would make one of, when two of them meet."""
_OLD = re.compile(r"[ -~\u00a0-ÿ]")
"""What pdfTeX has in its fonts; anything else needs an engine that knows Unicode."""

_CHINESE = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei",
    "WenQuanYi Zen Hei", "FandolHei",
)  # fmt: skip
"""By family; the last one comes with TeX Live."""
_FONTS = r"""\documentclass{standalone}
\usepackage{iftex,amsmath,amssymb,tikz}
\iftutex
  \usepackage{fontspec}
  \IfFontExistsTF{DejaVu Sans}{\newfontfamily\words{DejaVu Sans}}{\newcommand\words{\sffamily}}
\else
  \usepackage[T1]{fontenc}
  \usepackage[utf8]{inputenc}
  \usepackage{textcomp}
  \IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
  \newcommand\words{\sffamily}
\fi
% \lettered{size}{width}{text}: one line of text, as wide as its place in the picture
\newcommand\lettered[3]{\fontsize{#1bp}{#1bp}\words\selectfont\resizebox{#2bp}{\height}{#3}}"""


def render(drawing: Drawing, theme: Theme, page: Page) -> bytes:
    """A document of one page. Its beginning says in comments what it shows, and how it is compiled."""
    return "".join(f"{line}\n" for line in _document(drawing, theme, page)).encode()


def _document(drawing: Drawing, theme: Theme, page: Page) -> Iterator[str]:
    plain = all(_known(char) for text in drawing.texts() for char in text.text)
    engines = "pdflatex, lualatex or xelatex" if plain else "lualatex or xelatex"
    if not plain:
        yield "% !TeX program = lualatex"
    yield f"% {drawing.title}"
    yield from (f"%   {line}" for line in drawing.description.splitlines())
    yield f"% Drawn by tcpviz. Compile it with {engines}."
    yield _FONTS
    yield from () if plain else _chinese()
    for role in Role:
        yield f"\\definecolor{{{role.value}}}{{HTML}}{{{_hexadecimal(theme.colours[role])}}}"
    yield r"\begin{document}"
    scale = page.scale(drawing)
    yield f"\\scalebox{{{_number(scale)}}}{{%" if _number(scale) != "1" else "{%"
    yield r"\begin{tikzpicture}[x=1bp, y=-1bp, line join=round]"
    left, top = (margin / scale for margin in page.margins(drawing))
    corners = (-left, -top), (drawing.slide.width + left, drawing.slide.height + top)
    whole = " rectangle ".join(_at(*corner) for corner in corners)
    yield f"\\useasboundingbox {whole};"
    if not page.transparent:
        yield f"\\fill[fill={Role.HALO.value}] {whole};"
    for part, shapes in groupby(drawing.shapes, lambda shape: shape.part.partition("/")[0]):
        if part:
            yield f"% {part}"
        yield from (_command(shape) for shape in shapes if not isinstance(shape, Text) or shape.text)
    yield r"\end{tikzpicture}}"
    yield r"\end{document}"


def _chinese() -> Iterator[str]:
    """The first family that there is; and who compiles with an engine that can have none is told so."""
    yield r"\iftutex"
    for family in _CHINESE:
        yield f"  \\IfFontExistsTF{{{family}}}{{\\newfontfamily\\chinese{{{family}}}}}{{%"
    yield r"  \newcommand\chinese{}" + "}" * len(_CHINESE)
    yield r"\else"
    yield r"  \PackageError{tcpviz}{pdfTeX has no letters for these words}{Use lualatex or xelatex.}\stop"
    yield r"\fi"


def _command(shape: Shape) -> str:
    match shape:
        case Line():
            dash = " ".join(f"{way} {_number(n)}bp" for way, n in zip(_dashes(shape.dash), shape.dash, strict=True))
            options = [f"draw={shape.role.value}", f"line width={_number(shape.width)}bp"]
            options += [f"dash pattern={dash}"] if dash else []
            return f"\\draw[{', '.join(options)}] {_path(shape)};"
        case Polygon():
            return f"\\fill[fill={shape.role.value}] {_path(shape)};"
        case Rect():
            if not shape.outline:
                return f"\\fill[fill={shape.role.value}] {_path(shape)};"
            edge = f"draw={shape.outline.value}, line width={_number(shape.stroke)}bp"
            return f"\\filldraw[fill={shape.role.value}, {edge}] {_path(shape)};"
        case Circle():
            return f"\\fill[fill={shape.role.value}] {_at(shape.x, shape.y)} circle[radius={_number(shape.radius)}bp];"
        case Text():
            return _text(shape)


def _dashes(dash: tuple[float, ...]) -> Iterator[str]:
    return ("off" if number % 2 else "on" for number in range(len(dash)))


def _text(text: Text) -> str:
    options = [f"text={text.role.value}", "anchor=base west", "inner sep=0pt"]
    if not math.isclose(text.angle, 0, abs_tol=0.005):
        options.append(f"rotate={_number(-text.angle)}")
    words = (r"\bfseries " if text.bold else "") + _letters(text.text)
    size, width = _number(text.size), _number(text.width)
    return f"\\node[{', '.join(options)}] at {_at(*text.begin())} {{\\lettered{{{size}}}{{{width}}}{{{words}}}}};"


def _path(shape: Line | Polygon | Rect) -> str:
    pieces: list[str] = []
    here = 0.0, 0.0
    for letter, points in outline(shape):
        match letter:
            case "M":
                pieces.append(_at(*points[0]))
            case "L":
                pieces.append(f"-- {_at(*points[0])}")
            case "Q":
                # the cubic curve that is the quadratic one
                (x, y), end = points
                first, second = (
                    ((a + 2 * x) / 3 for a in (here[0], end[0])),
                    ((a + 2 * y) / 3 for a in (here[1], end[1])),
                )
                one, two = zip(first, second, strict=True)
                pieces.append(f".. controls {_at(*one)} and {_at(*two)} .. {_at(*end)}")
            case "Z":
                pieces.append("-- cycle")
        here = points[-1] if points else here
    return " ".join(pieces)


def _letters(text: str) -> str:
    """The text as LaTeX sets it letter by letter: no command, no ligature, every space."""
    # LaTeX makes one of several spaces, and none of those at the ends
    spaced = re.sub(r"(?<= ) |^ | $", "\u00a0", text)
    return "".join(_run("".join(chars), chinese) for chinese, chars in groupby(spaced, _is_chinese))


def _run(text: str, chinese: bool) -> str:
    if chinese:
        return f"{{\\chinese {text}}}"
    pieces = [_letter(char) for char in text]
    apart = ("{}" if one == two and one in _LIGATURES else "" for one, two in pairwise(text))
    return "".join(piece + gap for piece, gap in zip(pieces, (*apart, ""), strict=True))


def _letter(char: str) -> str:
    if char in _SIGNS:
        return f"\\ensuremath{{{_SIGNS[char]}}}"
    return _SPECIAL.get(char) or _LETTERS.get(char) or char


def _known(char: str) -> bool:
    return char in _SIGNS or char in _LETTERS or bool(_OLD.fullmatch(char))


def _is_chinese(char: str) -> bool:
    return east_asian_width(char) in "WF"


def _hexadecimal(colour: str) -> str:
    return "".join(f"{round(255 * part):02X}" for part in rgb(colour))


def _at(x: float, y: float) -> str:
    return f"({_number(x)},{_number(y)})"


def _number(value: float) -> str:
    """Hundredths of a point are finer than any printer."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
