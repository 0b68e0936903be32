"""Makes the gallery: a page with every kind of picture that tcpviz draws, in every format, each above its command.

    python docs/gallery.py [FOLDER]

FOLDER is `gallery/` unless said otherwise; open FOLDER/index.html. The commands are run as they stand on the page; one
that names no file draws an SVG.
"""

from __future__ import annotations

import io
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from html import escape
from pathlib import Path
from xml.etree import ElementTree

import tcpviz
from tcpviz.cli import group
from tcpviz.exchange import library

ROOT = Path(__file__).parents[1]
CAPTURES = ROOT / "captures"
_TITLE = "{http://www.w3.org/2000/svg}title"
_LOOKS = [(theme, language) for theme in ("light", "dark", "print") for language in ("en", "zh", "both")]

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Themes and languages": tuple(f"simulate normal --theme {theme} --lang {lang}" for theme, lang in _LOOKS),
    "Formats": (
        *(f"simulate syn-lost -o syn-lost.{ending}" for ending in ("png", "svg", "pdf", "gif", "html")),
        *(f"simulate syn-lost -o syn-lost.{ending}" for ending in ("tex", "mmd", "puml", "txt", "json")),
        "match captures/data-lost.pcapng -o data-lost.html",
        "match captures/data-lost.pcapng --against normal -o both.gif",
        "simulate tutorial-udp-both-ways --theme dark -o udp.gif",
        "simulate tutorial-udp-both-ways -o udp.html",
    ),
    "What a diagram shows": (
        "simulate --numbers symbolic",
        "simulate --numbers absolute",
        "simulate --scale even",
        "simulate --scale linear",
        "simulate --show states,calls,times,why,window,options",
        "simulate --size 4:3",
        "simulate --size A4",
        "simulate --send client:200000",
        "simulate --lose 'server FIN 1'",
    ),
    "Exercises, and their answers": (
        "simulate --quiz numbers",
        "simulate --quiz states,flags",
        "match captures/data-lost.pcapng --quiz flags -o exercise.png",
    ),
    "Captures, explained": (
        "match captures/normal.pcapng",
        "match captures/data-lost.pcapng",
        "match captures/blind-rst.pcapng",
        "match captures/two-connections.pcapng",
        "match captures/normal.pcapng --against normal",
    ),
    "Headers, bit by bit": (
        *(f"segment captures/normal.pcapng 1 --theme {theme} --lang {language}" for theme, language in _LOOKS),
        "segment captures/normal.pcapng 4",
        "segment captures/tutorial-udp-one-way.pcapng 1",
        "segment normal 4 tutorial-udp-one-way 1",
        "segment captures/all-options.pcapng 1 2",
        "segment captures/urgent.pcapng 6",
    ),
    "The state machine": (
        *(f"states --walk normal --theme {theme} --lang {language}" for theme, language in _LOOKS),
        "states",
        "states --walk simultaneous-close",
        "states --walk simultaneous-open",
        "states --cover captures",
    ),
    "In a notebook": (
        "tcpviz.simulate('normal')",
        "tcpviz.draw(tcpviz.match('captures/data-lost.pcapng'), theme='dark')",
        "tcpviz.draw(tcpviz.simulate('simultaneous-open'), language='zh', show=['states', 'why'], size='4:3')",
    ),
    "Every scenario": tuple(f"simulate {name}" for name in library.names()),
}


def build(folder: Path, sections: Mapping[str, Iterable[str]] = SECTIONS) -> Path:
    """Draws everything into `folder`, and returns the page."""
    folder.mkdir(parents=True, exist_ok=True)
    body = "".join(_section(folder.resolve(), name, commands) for name, commands in sections.items())
    contents = "".join(f'<li><a href="#{_anchor(name)}">{escape(name)}</a></li>' for name in sections)
    page = folder / "index.html"
    page.write_text(_PAGE.format(contents=contents, body=body), encoding="utf-8")
    return page


def _section(folder: Path, name: str, commands: Iterable[str]) -> str:
    figures = "".join(_figures(folder, commands))
    return f'<h2 id="{_anchor(name)}">{escape(name)}</h2>\n<div class="pictures">\n{figures}</div>\n'


def _figures(folder: Path, commands: Iterable[str]) -> Iterator[str]:
    for command in commands:
        if command.startswith("tcpviz."):
            yield _figure(_cell(folder, command), command)
            continue
        arguments = shlex.split(command)
        if "-o" not in arguments:
            arguments += ["-o", f"{_anchor(command)}.svg"]
        file = folder / arguments[-1]
        _run([*arguments[:-1], str(file)])
        answers = file.with_stem(f"{file.stem}-answers")
        yield _figure("".join(_shown(drawn) for drawn in (file, answers) if drawn.exists()), f"tcpviz {command}")


def _figure(shown: str, command: str) -> str:
    return f"<figure>{shown}<figcaption><code>{escape(command)}</code></figcaption></figure>\n"


def _run(arguments: list[str]) -> None:
    """What the command says is nothing to look at here."""
    with chdir(ROOT), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        group.main(arguments, standalone_mode=False)


def _cell(folder: Path, code: str) -> str:
    """What a notebook shows of a value: of its representations the richest."""
    with chdir(ROOT):
        shown = eval(code, {"tcpviz": tcpviz})._repr_mimebundle_()
    file = folder / f"{_anchor(code)}.svg"
    file.write_text(shown["image/svg+xml"], encoding="utf-8")
    return _shown(file)


def _shown(file: Path) -> str:
    """Pictures as such, pages in a frame, and what people edit as text."""
    name, kind = escape(file.name), file.suffix
    link = f'<a href="{name}">'
    if kind in (".png", ".svg", ".gif"):
        title = ElementTree.parse(file).findtext(_TITLE, "") if kind == ".svg" else file.name
        return f'{link}<img loading="lazy" src="{name}" alt="{escape(title)}"></a>'
    if kind in (".html", ".pdf"):
        begun = "#9" if kind == ".html" else ""
        return f'<iframe loading="lazy" src="{name}{begun}" title="{name}"></iframe>{link}{name} alone</a>'
    return f'<pre tabindex="0">{escape(file.read_text(encoding="utf-8"))}</pre>{link}{name}</a>'


def _anchor(text: str) -> str:
    return "-".join("".join(char if char.isalnum() else " " for char in text.lower()).split())


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>tcpviz: gallery</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 100rem; padding: 0 1rem; }}
.pictures {{ display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); }}
figure {{ margin: 0; }}
a + a {{ display: block; margin-top: .3rem; }}
img, iframe, pre {{ border: 1px solid #8888; box-sizing: border-box; display: block; width: 100%; }}
iframe, pre {{ aspect-ratio: 16 / 9; }}
iframe[src*=html] {{ zoom: .4; }}
pre {{ font-size: .8rem; margin: 0; overflow: auto; padding: .5rem; }}
figcaption {{ margin-top: .3rem; overflow-wrap: anywhere; }}
</style>
<h1>tcpviz: gallery</h1>
<p>Each picture stands above the command that drew it; where none says otherwise, with <code>-o x.svg</code>, and every
other format of a picture has the same shapes in the same places. A click shows it alone.</p>
<ul>{contents}</ul>
{body}</html>
"""


if __name__ == "__main__":
    print(build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "gallery"))
