"""TikZ: a document whose commands are ours alone, whatever the names in it say, and whose labels keep their places."""

from __future__ import annotations

import re
from typing import Any

import pytest
from connections import CONNECTIONS, of_library

from tcpviz import draw, graph
from tcpviz.draw.drawing import Circle, Drawing, Line, Polygon, Rect, Role, Text
from tcpviz.draw.page import SIZES, Page
from tcpviz.language import LANGUAGES
from tcpviz.value import replace

NODE = re.compile(
    r"\\node\[text=[a-z-]+, anchor=base west, inner sep=0pt(?:, rotate=(-?[\d.]+))?\]"
    r" at \((-?[\d.]+),(-?[\d.]+)\) \{\\lettered\{([\d.]+)\}\{([\d.]+)\}\{(?:\\bfseries )?(.*)\}\};"
)
_COMMANDS = (
    "begin end draw fill filldraw node useasboundingbox scalebox lettered bfseries chinese ensuremath to gets "
    "leftrightarrow updownarrow neq le ge times boldsymbol checkmark blacktriangleleft blacktriangleright "
    "ldots textendash textquotedblleft textquotedblright textbackslash textasciicircum textasciitilde textless "
    "textgreater textbar textquotedbl textquotesingle textasciigrave { } $ & # % _"
)
COMMANDS = set(_COMMANDS.split())


def written(text: str) -> str:
    """What LaTeX makes of a label of ASCII."""
    return NODE.findall(draw.tex(Drawing((Text(0, 9, text, 9, 90),), "")).decode())[0][5]


def body(document: str) -> str:
    return document[document.index("\\begin{document}") :]


def code(document: str) -> str:
    """The lines that are no comments."""
    return "\n".join(line for line in body(document).splitlines() if not line.startswith("%"))


def commands(document: str) -> set[str]:
    return set(re.findall(r"\\([a-zA-Z]+|.)", code(document), re.DOTALL))


def balanced(document: str) -> bool:
    depth = 0
    for brace in re.findall(r"(?<!\\)(?:\\\\)*([{}])", code(document)):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0


def drawings() -> list[Drawing]:
    words = draw.words_in(LANGUAGES["both"])
    every = [draw.sequence(c, title=name, words=words, show=draw.DETAILS) for name, c in CONNECTIONS.items()]
    return [*every, draw.machine(graph.edges()), draw.machine(graph.edges(), words=words)]


def test_every_shape_is_there_and_every_command_is_known() -> None:
    for drawing in drawings():
        document = draw.tex(drawing).decode()
        assert commands(document) <= COMMANDS
        assert balanced(document)
        kinds = {kind: sum(isinstance(shape, kind) for shape in drawing.shapes) for kind in (Line, Text)}
        filled = sum(isinstance(shape, Polygon | Rect | Circle) for shape in drawing.shapes)
        lines = code(document).splitlines()
        assert sum(line.startswith("\\draw[") for line in lines) == kinds[Line]
        assert sum(line.startswith(("\\fill[", "\\filldraw[")) for line in lines) == filled + 1, "and the background"
        assert sum(bool(NODE.fullmatch(line)) for line in lines) == kinds[Text]


def test_a_label_keeps_its_place_size_and_width() -> None:
    drawing = draw.sequence(of_library("normal"), title="A title")
    found = NODE.findall(draw.tex(drawing).decode())
    for text, (angle, x, y, size, width, _) in zip(drawing.texts(), found, strict=True):
        assert (float(x), float(y)) == pytest.approx(text.begin(), abs=0.01)
        assert (float(size), float(width)) == pytest.approx((text.size, text.width), abs=0.01)
        assert float(angle or 0) == pytest.approx(-text.angle, abs=0.01)


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("a_b 100% {x} $5 #1 R&D", r"a\_b 100\% \{x\} \$5 \#1 R\&D"),
        ("\\input{x}", r"\textbackslash{}input\{x\}"),
        ("^^M ~", r"\textasciicircum{}\textasciicircum{}M \textasciitilde{}"),
        ("a -- b", "a -{}- b"),
        ("two  spaces", "two ~spaces"),
        (" at both ends ", "~at both ends~"),
        ("recv() → b''", r"recv() \ensuremath{\to} b\textquotesingle{}\textquotesingle{}"),
        ("<b>[1]", r"\textless{}b\textgreater{}{[}1{]}"),
    ],
)
def test_text_is_letters(text: str, latex: str) -> None:
    assert written(text) == latex


def test_chinese_asks_for_an_engine_that_has_it() -> None:
    english, chinese = (
        draw.tex(draw.sequence(of_library("normal"), title="x", words=draw.words_in(LANGUAGES[name]))).decode()
        for name in ("en", "zh")
    )
    assert "Compile it with pdflatex, lualatex or xelatex." in english
    assert "fontspec" in chinese
    assert "\\PackageError" not in english
    assert chinese.startswith("% !TeX program = lualatex\n")
    assert "Use lualatex or xelatex." in chinese
    assert "{\\bfseries {\\chinese 三次握手}}" in chinese


@pytest.mark.parametrize(("page", "scaled"), [(Page(), False), (Page(*SIZES["A4"]), True)])
def test_the_page(page: Page, scaled: bool) -> None:
    document = draw.tex(draw.sequence(of_library("normal"), title="x"), page=page).decode()
    assert ("\\scalebox{0.88}" in document) == scaled
    [box] = re.findall(r"\\useasboundingbox \((-?[\d.]+),(-?[\d.]+)\) rectangle \(([\d.]+),([\d.]+)\);", document)
    left, top, right, bottom = map(float, box)
    assert (right - left) / (bottom - top) == pytest.approx(page.width / page.height, rel=1e-3)


def test_transparent_and_themes() -> None:
    drawing = draw.sequence(of_library("normal"), title="x")
    light, bare = (draw.tex(drawing, page=page).decode() for page in (Page(), Page(transparent=True)))
    assert len(light.splitlines()) == len(bare.splitlines()) + 1
    dark = draw.tex(drawing, draw.DARK).decode()
    for role in Role:
        assert f"\\definecolor{{{role.value}}}{{HTML}}{{{draw.DARK.colours[role][1:].upper()}}}" in dark


NASTY: tuple[Any, ...] = (
    "\\input{/etc/passwd}\\write18{id}\\end{document}",
    "^^5cinput x ^^M%",
    "}}}{{{ \\ $$ & # _ ~",
    "\x1b[31m\x07\u202e\u2028\u2066\u0085",
    "\\" * 10_000,
)


@pytest.mark.parametrize("nasty", NASTY, ids=range(len(NASTY)))
def test_no_name_is_a_command(nasty: str) -> None:
    connection = of_library("normal")
    client = replace(connection.client, address=replace(connection.client.address, host=nasty))
    drawing = draw.sequence(replace(connection, client=client), title=nasty)
    document = draw.tex(drawing).decode()
    assert commands(document) <= COMMANDS
    assert balanced(document)
    assert not set(document) & set("\x1b\x07\u202e\u2028\u2066\u0085\r")
    assert len(document) < 80_000
    # what is no comment and no command of ours cannot begin a line
    assert {line[:1] for line in body(document).splitlines()} <= {"\\", "%", "{"}
