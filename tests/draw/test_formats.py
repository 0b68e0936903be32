"""The renderers: stable bytes, the asked page, no library that is not needed, and nothing that steers a viewer."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from connections import of_library
from PIL import Image

from tcpviz import draw, graph
from tcpviz.draw import faces
from tcpviz.draw.drawing import Drawing, Text
from tcpviz.draw.page import SIZES, Page
from tcpviz.errors import OutputError
from tcpviz.exchange.capture import Address
from tcpviz.language import LANGUAGES
from tcpviz.value import replace

SVG = "{http://www.w3.org/2000/svg}"
FORMATS: dict[str, Callable[..., bytes]] = {"png": draw.png, "svg": draw.svg, "pdf": draw.pdf, "tex": draw.tex}
needs_poppler = pytest.mark.skipif(not shutil.which("pdftotext"), reason="no pdftotext: apt install poppler-utils")
needs_chinese = pytest.mark.skipif(faces.chinese(False) is None, reason="no Chinese font: apt install fonts-noto-cjk")

CODE = """
import hashlib, sys
import tcpviz
from tcpviz import draw
from tcpviz.language import LANGUAGES
exchange = tcpviz.simulate("normal")
for name in ("en", "zh"):
    words = draw.words_in(LANGUAGES[name])
    drawing = draw.sequence(exchange.connections[0], title=exchange.title, words=words)
    draw.svg(drawing), draw.tex(drawing)
    assert not {"matplotlib", "networkx", "numpy", "fpdf", "fontTools", "PIL"} & set(sys.modules)
for name in ("en", "zh"):
    words = draw.words_in(LANGUAGES[name])
    drawing = draw.sequence(exchange.connections[0], title=exchange.title, words=words)
    for render in (draw.png, draw.svg, draw.pdf, draw.tex):
        for theme in (draw.LIGHT, draw.PRINT):
            print(name, render.__name__, theme.name, hashlib.sha256(render(drawing, theme)).hexdigest())
assert not {"matplotlib.pyplot", "networkx"} & set(sys.modules)
"""


def normal(language: str = "en", **options: Any) -> Drawing:
    words = draw.words_in(LANGUAGES[language])
    return draw.sequence(of_library("normal"), title="A TCP connection from SYN to TIME-WAIT", words=words, **options)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@needs_chinese
def test_two_processes_paint_the_same_bytes() -> None:
    """Whatever order their hashes have; and the same as this process, which has painted other things before."""
    draw.pdf(draw.machine(graph.edges()))
    told = [
        subprocess.run(
            [sys.executable, "-c", CODE],
            check=True, capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert told[0] == told[1]
    here = [
        f"{name} {kind} {theme.name} {digest(render(normal(name), theme))}\n"
        for name in ("en", "zh")
        for kind, render in FORMATS.items()
        for theme in (draw.LIGHT, draw.PRINT)
    ]
    assert told[0] == "".join(here)


@pytest.mark.parametrize(
    ("page", "pixels"),
    [
        (Page(), (1920, 1080)),
        (Page(dpi=72), (960, 540)),
        (Page(*SIZES["4:3"]), (1920, 1440)),
        (Page(*SIZES["A4"], dpi=300), (3508, 2480)),
        (Page(500, 500), (1000, 1000)),
    ],
)
def test_png_size(page: Page, pixels: tuple[int, int]) -> None:
    image = Image.open(io.BytesIO(draw.png(draw.machine(graph.edges()), page=page)))
    assert image.size == pixels
    assert image.info["dpi"] == pytest.approx((page.dpi, page.dpi), abs=0.1)
    assert set(image.info) == {"dpi"}
    assert image.getpixel((0, 0)) == (255, 255, 255)


def test_transparent() -> None:
    page = Page(dpi=72, transparent=True)
    image = Image.open(io.BytesIO(draw.png(normal(), page=page)))
    assert image.getpixel((0, 0))[3] == 0
    assert not ElementTree.fromstring(draw.svg(normal(), page=page)).findall(f"{SVG}rect")
    assert len(ElementTree.fromstring(draw.svg(normal())).findall(f"{SVG}rect")) == 1


def test_a_users_matplotlibrc_changes_nothing() -> None:
    import matplotlib

    before = draw.png(normal())
    with matplotlib.rc_context({"text.hinting": "force_autohint", "path.simplify": True, "text.usetex": True}):
        assert draw.png(normal()) == before


# SVG


@pytest.mark.parametrize("language", LANGUAGES)
def test_svg_keeps_text_and_holds_it_to_its_width(language: str) -> None:
    drawing = normal(language)
    root = ElementTree.fromstring(draw.svg(drawing))
    texts = root.findall(f".//{SVG}text")
    assert [(t.text or "").replace("\u00a0", " ") for t in texts] == [
        t.text.replace("\u00a0", " ") for t in drawing.texts()
    ]
    for element, text in zip(texts, drawing.texts(), strict=True):
        assert float(element.attrib["textLength"]) == pytest.approx(text.width, abs=0.01)


def test_svg_tells_a_screen_reader_what_happens() -> None:
    root = ElementTree.fromstring(draw.svg(normal("zh")))
    assert root.attrib["role"] == "img"
    assert root.attrib["{http://www.w3.org/XML/1998/namespace}lang"] == "zh-CN"
    title, desc = (root.find(f"{SVG}{name}") for name in root.attrib["aria-labelledby"].split())
    assert title is not None
    assert desc is not None
    assert title.text == "TCP 连接的全过程：从 SYN 到 TIME-WAIT"
    lines = (desc.text or "").splitlines()
    assert lines[0] == "客户端 10.0.0.1:50000，服务器 10.0.0.2:80"
    assert lines[1] == "1. 客户端 → 服务器，0 s：SYN seq=0; SYN-SENT, SYN-RECEIVED"
    assert len(lines) == 12


def test_svg_is_small() -> None:
    assert len(draw.svg(normal())) < 20_000


def test_svg_of_a_page_of_another_shape_keeps_the_drawing_whole() -> None:
    root = ElementTree.fromstring(draw.svg(normal(), page=Page(*SIZES["4:3"])))
    assert root.attrib["viewBox"] == "0 -90 960 720"
    assert root.attrib["height"] == "720pt"


# PDF


def poppler(tool: str, pdf: bytes, folder: Path, *options: str) -> str:
    file = folder / "x.pdf"
    file.write_bytes(pdf)
    command = [tool, str(file), *options]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@needs_poppler
@needs_chinese
def test_pdf_embeds_its_fonts(tmp_path: Path) -> None:
    rows = [line.split() for line in poppler("pdffonts", draw.pdf(normal("both")), tmp_path).splitlines()[2:]]
    assert len(rows) == 4, "two weights of two faces"
    for row in rows:
        embedded, subset, unicode = row[-5:-2]
        assert (embedded, subset, unicode) == ("yes", "yes", "yes"), row
        assert "Type 3" not in " ".join(row), "outlines, not little pictures"


@needs_poppler
@needs_chinese
@pytest.mark.parametrize("language", LANGUAGES)
def test_pdf_text_can_be_searched(language: str, tmp_path: Path) -> None:
    """Every label in one piece, also those that climb along an arrow."""
    drawing = normal(language)
    text = poppler("pdftotext", draw.pdf(drawing), tmp_path, "-").replace("\n", " ")
    missing = [t.text for t in drawing.texts() if " ".join(t.text.split()) not in " ".join(text.split())]
    assert missing == []


@needs_poppler
def test_pdf_says_what_it_is(tmp_path: Path) -> None:
    told = poppler("pdfinfo", draw.pdf(normal(), page=Page(*SIZES["A4"])), tmp_path)
    assert "A TCP connection from SYN to TIME-WAIT" in told
    assert "841.89 x 595.28 pts" in told or "A4" in told


# Fonts


@needs_chinese
def test_the_chinese_face_is_the_simplified_one() -> None:
    from fontTools.ttLib import TTFont

    for bold in (False, True):
        face = faces.chinese(bold)
        assert face is not None
        with TTFont(face.file, fontNumber=face.index) as font:
            family = font["name"].getDebugName(1)
        assert not any(other in family for other in (" JP", " KR", " TC", " HK"))


@needs_chinese
def test_each_piece_of_a_text_has_its_face() -> None:
    runs = list(faces.runs(Text(0, 0, "SYN 三次握手 ok", 10, 100)))
    assert [run.text for run in runs] == ["SYN ", "三次握手", " ok"]
    assert [run.offset for run in runs] == sorted(run.offset for run in runs)
    assert runs[-1].offset + runs[-1].width == pytest.approx(100)
    assert runs[0].face == runs[2].face != runs[1].face


@pytest.fixture
def no_chinese_font(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(faces, "_FOLDERS", ())
    caches = (faces._installed, faces.chinese, faces._face)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.usefixtures("no_chinese_font")
@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_without_a_chinese_font_chinese_is_refused_with_the_package_to_install(kind: str) -> None:
    with pytest.raises(OutputError, match=r"no font here has .+fonts-noto-cjk.+\.svg"):
        FORMATS[kind](normal("zh"))
    assert FORMATS["svg"](normal("zh")), "an SVG leaves fonts to its viewer"
    assert FORMATS["tex"](normal("zh")), "and LaTeX has its own"


@pytest.mark.usefixtures("no_chinese_font")
def test_what_no_font_has_is_an_ellipsis_not_a_row_of_boxes() -> None:
    drawing = draw.sequence(of_library("normal"), title="握手 and 🤝🤝")
    assert "fonts-noto-cjk" in draw.lack_of_fonts(drawing)
    [title] = [text for text in drawing.texts() if text.part == "title"]
    assert [run.text for run in faces.runs(title)] == ["…", " and ", "…"]
    assert draw.png(drawing)
    assert draw.pdf(drawing)


def test_what_every_font_has_needs_no_hint() -> None:
    assert draw.lack_of_fonts(normal()) == ""


# Hostile names


NASTY = "\x1b[31m\x1b]0;owned\x07\u202ereversed\u2066 </title><script>alert(1)</script>&amp; ']]> \ud800 \ufffe"
NASTY += "x" * 10_000


@needs_poppler
def test_hostile_names_come_out_inert(tmp_path: Path) -> None:
    connection = of_library("normal")
    connection = replace(
        connection,
        client=replace(connection.client, address=Address(NASTY, 1)),
        segments=(replace(connection.segments[0], why=NASTY, verdict="warning"), *connection.segments[1:]),
    )
    drawing = draw.sequence(connection, title=NASTY)
    svg = draw.svg(drawing).decode()
    root = ElementTree.fromstring(svg)
    assert {element.tag for element in root.iter()} <= {
        f"{SVG}{tag}" for tag in ("svg", "title", "desc", "g", "path", "rect", "circle", "text")
    }
    assert "<script" not in svg
    pdf = draw.pdf(drawing)
    said = svg + poppler("pdftotext", pdf, tmp_path, "-") + poppler("pdfinfo", pdf, tmp_path)
    assert not set(said) & set("\x1b\x07\u202e\u2066\ufffe")
    assert len(svg) < 60_000
    assert draw.png(drawing)
