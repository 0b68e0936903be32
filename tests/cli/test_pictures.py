"""How pictures look, as people ask for it on the command line."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from tcpviz import frames
from tcpviz.cli import render
from tcpviz.cli.look import GIF, PICTURES
from tcpviz.draw import faces
from tcpviz.exchange import library
from tcpviz.exchange.simulate import simulate
from tcpviz.value import replace

TITLE = "{http://www.w3.org/2000/svg}title"
needs_chinese = pytest.mark.skipif(faces.chinese(False) is None, reason="no Chinese font: apt install fonts-noto-cjk")


@needs_chinese
@pytest.mark.parametrize(
    "command", [("simulate",), ("states", "--walk", "normal"), ("match", "captures/normal.pcapng")]
)
def test_every_command_draws_in_every_format(tcpviz, tmp_path: Path, command: tuple[str, ...]) -> None:
    files = [tmp_path / f"x.{kind}" for kind in ("png", "svg", "pdf", "tex")]
    outputs = [option for file in files for option in ("-o", file)]
    ran = tcpviz(*command, "--theme", "dark", "--lang", "both", *outputs)
    assert ran.code == 0, ran.err
    png, svg, pdf, tex = (file.read_bytes() for file in files)
    assert png.startswith(b"\x89PNG")
    assert ElementTree.fromstring(svg).find(TITLE) is not None
    assert pdf.startswith(b"%PDF")
    assert b"\\begin{tikzpicture}" in tex


@pytest.mark.parametrize(
    "command",
    [
        ("simulate",),
        ("simulate", "tutorial-udp-one-way"),
        ("simulate", "two-connections"),
        ("match", "captures/blind-rst.pcapng"),
    ],
)
def test_a_story_is_written_for_other_programs_to_draw(tcpviz, tmp_path: Path, command: tuple[str, ...]) -> None:
    for digest in range(2):
        ran = tcpviz(*command, "--lang", "both", "-o", tmp_path / f"{digest}.mmd", "-o", tmp_path / f"{digest}.puml")
        assert ran.code in (0, 1), ran.err
    mermaid, plantuml = ((tmp_path / f"0.{kind}").read_bytes() for kind in ("mmd", "puml"))
    assert mermaid.startswith(b"sequenceDiagram\n")
    assert plantuml.startswith(b"@startuml\n")
    assert plantuml.endswith(b"@enduml\n")
    assert mermaid == (tmp_path / "1.mmd").read_bytes()
    assert ("shows connection 1 of 2" in ran.err) == ("two-connections" in command)


@pytest.mark.parametrize(
    ("command", "connections"),
    [(("simulate",), 1), (("match", "captures/normal.pcapng"), 1), (("match", "captures/two-connections.pcapng"), 2),
     (("match", "captures/normal.pcapng", "captures/syn-lost.pcapng"), 2), (("simulate", "two-connections"), 2)],
)  # fmt: skip
def test_a_page_has_every_connection(tcpviz, tmp_path: Path, command: tuple[str, ...], connections: int) -> None:
    file = tmp_path / "x.html"
    ran = tcpviz(*command, "--lang", "zh", "-o", file)
    assert ran.code == 0, ran.err
    text = file.read_text(encoding="utf-8")
    assert text.startswith('<!doctype html>\n<html lang="zh-CN">')
    assert text.count("<option>") == connections
    assert "prefers-color-scheme" in text


def test_a_page_in_a_theme_that_was_asked_for(tcpviz, tmp_path: Path) -> None:
    tcpviz("simulate", "--theme", "dark", "-o", tmp_path / "x.html")
    text = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert "--halo:#14181D" in text
    assert "prefers-color-scheme" not in text


def test_a_page_of_udp(tcpviz, tmp_path: Path) -> None:
    ran = tcpviz("match", "captures/tutorial-udp-both-ways.pcapng", "-o", tmp_path / "x.html")
    assert ran.code == 0, ran.err
    assert "Datagram 1" in (tmp_path / "x.html").read_text(encoding="utf-8")


def test_a_capture_of_udp_alone_is_drawn(tcpviz, tmp_path: Path) -> None:
    files = [tmp_path / f"x.{kind}" for kind in ("svg", "mmd", "gif")]
    ran = tcpviz("match", "captures/tutorial-udp-both-ways.pcapng", *(o for file in files for o in ("-o", file)))
    assert ran.code == 0, ran.err
    svg, mermaid, gif = (file.read_bytes() for file in files)
    assert b"datagram-1" in svg
    assert b"client->>server" in mermaid
    assert gif.startswith(b"GIF89a")
    ran = tcpviz("match", "captures/tutorial-udp-both-ways.pcapng", "-o", tmp_path / "x.toml")
    assert ran.code == 2
    assert "there is no TCP connection to show" in ran.err


def test_what_a_picture_leaves_out_is_said(tcpviz, tmp_path: Path) -> None:
    tcp, udp = (simulate(library.load(name)) for name in ("two-connections", "tutorial-udp-both-ways"))
    for name, told in (("mixed", replace(tcp, flows=udp.flows)), ("udp", udp)):
        frames.write(str(tmp_path / f"{name}.pcap"), frames.frames_of(told))
    for ending in ("svg", "mmd"):
        ran = tcpviz("match", tmp_path / "mixed.pcap", "-o", tmp_path / f"x.{ending}")
        assert f"x.{ending} shows no UDP; a page (-o x.html) has everything" in ran.err
        assert "connection 1 of 2" in ran.err
    for others in (("--connection", 2, "-o", tmp_path / "x.svg"), ("-o", tmp_path / "x.html")):
        assert "no UDP" not in tcpviz("match", tmp_path / "mixed.pcap", *others).err
    assert "UDP flow" not in tcpviz("match", tmp_path / "udp.pcap", "-o", tmp_path / "x.svg").err


ASKED = (
    ("simulate", "syn-lost", "--steps", "steps", *(f"-osim{end}" for end in (*render.ENDINGS, *render.RECORDINGS))),
    ("simulate", "--quiz", "states,flags", *(f"-oquiz{end}" for end in (*PICTURES, GIF))),
    ("match", "MIXED", *(f"-omatch{end}" for end in (*render.ENDINGS, ".jsonl", ".toml"))),
    ("states", "--walk", "normal", *(f"-ostates{end}" for end in (*PICTURES, ".txt"))),
    ("segment", "normal", "1", *(f"-osegment{end}" for end in (*PICTURES, ".txt"))),
)


def test_the_same_question_the_same_bytes(tmp_path: Path) -> None:
    """In every format, in two processes with other hashes, another language, time zone and encoding."""
    mixed = tmp_path / "mixed.pcap"
    flows = simulate(library.load("tutorial-udp-both-ways")).flows
    frames.write(str(mixed), frames.frames_of(replace(simulate(library.load("data-lost")), flows=flows)))
    written: list[dict[Path, str]] = []
    for seed, language, zone in (("1", "C", "UTC"), ("2", "C.UTF-8", "Asia/Shanghai")):
        folder = tmp_path / seed
        folder.mkdir()
        for asked in ASKED:
            arguments = [str(mixed) if word == "MIXED" else word for word in asked]
            environment = {"PYTHONHASHSEED": seed, "LC_ALL": language, "TZ": zone, "PYTHONCOERCECLOCALE": "0"}
            subprocess.run(
                [sys.executable, "-X", "utf8=0", "-m", "tcpviz", *arguments],
                check=True, capture_output=True, cwd=folder, env={**os.environ, **environment},
            )  # fmt: skip
        files = (file for file in folder.rglob("*") if file.is_file())
        written.append({file.relative_to(folder): hashlib.sha256(file.read_bytes()).hexdigest() for file in files})
    assert written[0] == written[1]
    assert len(written[0]) > 50


@pytest.mark.parametrize(
    ("options", "pixels"),
    [
        ((), (1920, 1080)),
        (("--size", "4:3"), (1920, 1440)),
        (("--size", "A4", "--dpi", "100"), (1169, 827)),
        (("--size", "1000x800", "--dpi", "96"), (1000, 800)),
        (("--size", "1000×800"), (1000, 800)),
    ],
)
def test_size(tcpviz, tmp_path: Path, options: tuple[str, ...], pixels: tuple[int, int]) -> None:
    assert tcpviz("states", *options, "-o", tmp_path / "x.png").code == 0
    assert Image.open(tmp_path / "x.png").size == pixels


def test_transparent(tcpviz, tmp_path: Path) -> None:
    tcpviz("states", "--transparent", "-o", tmp_path / "x.png")
    assert Image.open(tmp_path / "x.png").getpixel((0, 0))[3] == 0


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--size", "300x200"), "300x200 pixels are too few to read: at least 480x270"),
        (("--size", "0x0"), "0x0 pixels are too few to read: at least 480x270"),
        (("--size", "A4", "--dpi", "36"), "421x298 pixels are too few to read: at least 480x270"),
        (("--size", "99999x99999"), "are too many: at most 100,000,000"),
        (("--size", "letter"), "expected 16:9, 4:3, A4, or pixels such as 1920x1080"),
        (("--theme", "drak"), "no theme 'drak': there are light, dark, print"),
        (("--lang", "fr"), "'fr' is not one of 'en', 'zh', 'both'"),
        (("--dpi", "0"), "0 is not in the range"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_written(
    tcpviz, tmp_path: Path, options: tuple[str, ...], complaint: str
) -> None:
    ran = tcpviz("simulate", *options, "-o", tmp_path / "x.png")
    assert ran.code == 2
    assert complaint in ran.err
    assert ran.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "twice"),
    [
        (("simulate", "-o", "a.png", "-o", "./a.png"), "a.png would be written twice"),
        (("simulate", "--quiz", "flags", "-o", "a.png", "-o", "a-answers.png"), "a-answers.png would be written twice"),
        (("simulate", "--pages", "3", "-o", "a.svg", "-o", "a-2.svg"), "a-2.svg would be written twice"),
        (("simulate", "--steps", ".", "-o", "03.png"), "03.png would be written twice: --steps numbers its pictures"),
        (("states", "--walk", "normal", "--steps", ".", "-o", "03.png"), "03.png would be written twice"),
        (("segment", "normal", "1", "-o", "a.png", "-o", "a.png"), "a.png would be written twice"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_no_file_is_written_twice(
    tcpviz, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], twice: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = tcpviz(*options)
    assert ran.code == 2
    assert twice in ran.err
    assert ran.out == ""
    assert list(tmp_path.iterdir()) == []


def test_pictures_of_other_formats_are_no_second_one(tcpviz, tmp_path: Path) -> None:
    ran = tcpviz("simulate", "--quiz", "flags", "-o", tmp_path / "a.svg", "-o", tmp_path / "a.tex")
    assert ran.code == 0
    assert len(list(tmp_path.iterdir())) == 4


def test_a_theme_of_ones_own(tcpviz, tmp_path: Path) -> None:
    theme = tmp_path / "mine.toml"
    theme.write_text('base = "dark"\n[colours]\nbackground = "#123456"\nmuted = "#444444"\n')
    ran = tcpviz("simulate", "--theme", theme, "-o", tmp_path / "x.svg")
    assert ran.code == 0
    assert "mine.toml: muted on the background has a contrast of" in ran.err
    assert "#123456" in (tmp_path / "x.svg").read_text()
    theme.write_text("[colours]\n\nsin = 3\n")
    ran = tcpviz("simulate", "--theme", theme, "-o", tmp_path / "y.svg")
    assert ran.code == 2
    assert "mine.toml, line 3, [colours], sin: unknown key: did you mean 'syn'?" in ran.err


def test_without_a_chinese_font_one_line_says_what_to_install(
    tcpviz, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faces, "_face", lambda char, bold: faces._latin(bold) if char.isascii() else None)
    ran = tcpviz("simulate", "--lang", "zh", "-o", tmp_path / "x.png")
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert "apt install fonts-noto-cjk" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_ladder_in_both_languages_says_everything_in_both(tcpviz) -> None:
    *_, chinese, english = tcpviz("simulate", "fin-timeout", "--lang", "both").out.splitlines()
    assert chinese.split() == ["CLOSED", "5.02", "s：用户超时", "ESTABLISHED"]
    assert english.strip() == "USER TIMEOUT at 5.02 s"


def test_the_ladder_speaks_the_language_in_eighty_columns(tcpviz) -> None:
    from tcpviz.language import columns

    told = tcpviz("simulate", "client-fin-lost", "--lang", "zh").out
    assert "客户端 10.0.0.1:50000" in told
    assert "重传" in told
    assert "241.2 s：2MSL 超时" in told
    assert max(map(columns, told.splitlines())) <= 80
    states = [line.rstrip().rpartition(" ")[2] for line in told.splitlines()[2:]]
    assert {columns(line) - len(state) for line, state in zip(told.splitlines()[2:], states, strict=True)} == {68}
    assert tcpviz("simulate", "--lang", "zh", "--ascii").out.isascii()


def test_a_picture_of_one_of_several_connections_says_which(tcpviz, tmp_path: Path) -> None:
    path = tmp_path / "x.svg"
    assert tcpviz("simulate", "tutorial-server-threads", "-o", path).code == 0
    assert "A server with one thread per client · Connection 1/3</title>" in path.read_text()
    assert tcpviz("simulate", "tutorial-server-threads", "--lang", "zh", "-o", path).code == 0
    assert " · 连接 1/3</title>" in path.read_text()
