"""Regenerates the catalogues of tcpviz/locale from the program's English: python tests/language/catalogue.py

Sentences are found in the source, where their patterns stand as they are; other texts are values of the program. New
texts come into every .po file without a translation, texts that are gone leave it, and the .mo files that the program
reads are compiled. Translations themselves are written in the .po files, by hand.
"""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from babel.messages import mofile, pofile
from babel.messages.catalog import Catalog

from tcpviz import draw
from tcpviz.draw.header_figure import EXPLAINED
from tcpviz.draw.web.phrases import Phrases
from tcpviz.draw.words import KINDS
from tcpviz.exchange import headers, library, segment_text
from tcpviz.exchange.exchange import SIDES, DeedName, Outcome, Verdict
from tcpviz.exchange.freedoms import Freedom
from tcpviz.model.transitions import TABLE, Reply, State, Stimulus
from tcpviz.value import fields

SOURCE = Path(__file__).parents[2] / "tcpviz"
LOCALE = SOURCE / "locale"
_NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)


def texts() -> Iterator[tuple[str, str]]:
    """Every text that a reader may see, and what it is."""
    for name in fields(type(draw.ENGLISH)):
        value = getattr(draw.ENGLISH, name)
        if isinstance(value, tuple):
            yield " ".join(value), "the name of a phase, along its bracket"
        elif isinstance(value, str):
            yield value, "a word of a picture"
    yield from ((getattr(Phrases(), name), "what the page says") for name in fields(Phrases))
    yield from ((str(state), "a state: what stands below the RFC's name") for state in State)
    yield from ((str(stimulus), "what happens, on an arrow of the state diagram") for stimulus in Stimulus)
    yield from ((str(reply), "what is sent, on an arrow of the state diagram") for reply in Reply if str(reply))
    yield from (
        (signal, "what a call returns, at most nine characters")
        for signal in sorted({r.signal for r in TABLE})
        if signal
    )
    yield from ((kind, "what a segment is besides new") for kind in KINDS.values())
    yield from ((word, "what something is called") for word in (*SIDES, *get_args(Outcome), *get_args(Verdict)))
    yield from ((deed, "what the kernel did") for deed in get_args(DeedName))
    yield from ((freedom.label, "the name of a freedom that two TCPs have") for freedom in Freedom)
    yield from sentences()
    yield from ((word, "a word of a header, or what is said of one") for word in (*headers.WORDS, *segment_text.WORDS))
    yield EXPLAINED, "below a header's figure"
    yield draw.MACHINE_TITLE, "a title"
    scenarios = [library.load(name) for name in library.names()]
    yield from ((theme, "a theme of scenarios") for theme in dict.fromkeys(s.theme for s in scenarios))
    for scenario in scenarios:
        yield scenario.title, f"the title of the scenario {scenario.name}"
        yield scenario.summary, f"what the scenario {scenario.name} shows"
        yield from ((forged.why, f"who forged a segment in {scenario.name}") for forged in scenario.injections)


def sentences() -> Iterator[tuple[str, str]]:
    """The patterns of all sentences of the program, and where they stand; what holds no word is none."""
    for path in sorted(SOURCE.rglob("*.py")):
        where = path.relative_to(SOURCE.parent).as_posix()
        for pattern, line in patterns(path):
            if pattern is None:
                raise ValueError(f"{where}:{line}: a sentence's pattern must stand there as it is, to be translated")
            if re.search(r"[A-Za-z,;:]", re.sub(r"{.*?}", "", pattern)):
                yield pattern, where


def patterns(path: Path) -> Iterator[tuple[str | None, int]]:
    """What `Sentence` is called with, and in which line. None where that is known only when the program runs; for
    `str(...)`, by which the program says that it is a word of another list, nothing."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id="Sentence" | "Refused"), args=[pattern, *_]):
                yield from ((text, node.lineno) for text in _patterns(pattern))
            case ast.Call(
                func=ast.Name(id="say") | ast.Attribute(attr="say" | "translated"),
                args=[ast.Constant(value=str(text)), *_],
            ):
                yield text, node.lineno


def _patterns(node: ast.expr) -> Iterator[str | None]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from (*_patterns(one), *_patterns(other))
        case ast.Call(func=ast.Name(id="str")) | ast.Starred():
            pass
        case _:
            yield None


def languages() -> tuple[str, ...]:
    return tuple(sorted(folder.name for folder in LOCALE.iterdir() if folder.is_dir()))


def file(language: str, ending: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"tcpviz.{ending}"


def read(language: str) -> Catalog:
    with file(language, "po").open("rb") as stream:
        return pofile.read_po(stream, language, "tcpviz")


def brought_up_to_date(language: str) -> Catalog:
    """The catalogue as it should be: today's texts, with the translations that there are."""
    known, fresh = read(language), Catalog(language, "tcpviz", project="tcpviz", fuzzy=False)
    for text, comment in texts():
        old = known.get(text)
        fresh.add(text, old.string if old else "", auto_comments=[] if fresh.get(text) else [comment])
    return fresh


def po(catalog: Catalog) -> bytes:
    """Without dates and versions, so that only texts make a difference."""
    out = io.BytesIO()
    pofile.write_po(out, catalog, width=110, omit_header=True, sort_output=False)
    header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    return header.encode() + out.getvalue()


def mo(catalog: Catalog) -> bytes:
    plain = Catalog(catalog.locale, fuzzy=False, creation_date=_NO_DATE, revision_date=_NO_DATE)
    for message in catalog:
        if message.id and message.string:
            plain.add(message.id, message.string)
    out = io.BytesIO()
    mofile.write_mo(out, plain)
    return out.getvalue()


if __name__ == "__main__":
    for name in languages():
        catalog = brought_up_to_date(name)
        file(name, "po").write_bytes(po(catalog))
        file(name, "mo").write_bytes(mo(catalog))
        print(name, *(f"has no {message.id!r}" for message in catalog if message.id and not message.string), sep="\n")
