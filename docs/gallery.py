"""Makes the gallery: a page with every kind of picture that tcpviz draws, each below the command that draws it.

    python docs/gallery.py [FOLDER]

FOLDER is `gallery/` unless said otherwise; open FOLDER/index.html. The commands are run as they stand on the page.
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

from tcpviz.cli import group
from tcpviz.exchange import library

ROOT = Path(__file__).parents[1]
CAPTURES = ROOT / "captures"
_TITLE = "{http://www.w3.org/2000/svg}title"
_LOOKS = [(theme, language) for theme in ("light", "dark", "print") for language in ("en", "zh", "both")]

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Themes and languages": tuple(f"simulate normal --theme {theme} --lang {lang}" for theme, lang in _LOOKS),
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
        "simulate --quiz numbers",
        "simulate --quiz states,flags",
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
        file = folder / f"{_anchor(command)}.svg"
        _run([*shlex.split(command), "-o", str(file)])
        answers = file.with_stem(f"{file.stem}-answers")
        pictures = "".join(_picture(drawn) for drawn in (file, answers) if drawn == file or drawn.exists())
        yield f"<figure>{pictures}<figcaption><code>tcpviz {escape(command)}</code></figcaption></figure>\n"


def _run(arguments: list[str]) -> None:
    """What the command says is nothing to look at here."""
    with chdir(ROOT), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        group.main(arguments, standalone_mode=False)


def _picture(drawn: Path) -> str:
    title = ElementTree.parse(drawn).findtext(_TITLE, "")
    return f'<a href="{drawn.name}"><img loading="lazy" src="{drawn.name}" alt="{escape(title)}"></a>'


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
img {{ border: 1px solid #8888; box-sizing: border-box; display: block; width: 100%; }}
figcaption {{ margin-top: .3rem; overflow-wrap: anywhere; }}
</style>
<h1>tcpviz: gallery</h1>
<p>Each picture stands above the command that drew it, which becomes <code>-o x.png</code>, <code>.svg</code> or
<code>.pdf</code>; a click shows it alone.</p>
<ul>{contents}</ul>
{body}</html>
"""


if __name__ == "__main__":
    print(build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "gallery"))
