"""Regenerates the catalogues of tcpviz/locale from the program's English: python tests/language/catalogue.py

New texts come into every .po file without a translation, texts that are gone leave it, and the .mo files that the
program reads are compiled. Translations themselves are written in the .po files, by hand.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages import mofile, pofile
from babel.messages.catalog import Catalog

from tcpviz import draw
from tcpviz.draw.header_figure import EXPLAINED
from tcpviz.draw.web.phrases import Phrases
from tcpviz.draw.words import ANSWERS, KINDS
from tcpviz.exchange import headers, ladder, library, segment_text
from tcpviz.exchange.policy import POLICIES
from tcpviz.exchange.simulate import simulate
from tcpviz.model.transitions import TABLE, Reply, State, Stimulus
from tcpviz.value import fields

LOCALE = Path(__file__).parents[2] / "tcpviz" / "locale"
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
    yield from ((word, "a word of a ladder") for word in ladder.WORDS)
    yield from ((why, "why a segment was sent; a number stands at {}") for why in sorted(_whys()))
    yield from ((word, "a word of a header, or what is said of one") for word in (*headers.WORDS, *segment_text.WORDS))
    yield EXPLAINED, "below a header's figure"
    yield draw.MACHINE_TITLE, "a title"
    yield from ((library.load(name).title, f"the title of the scenario {name}") for name in library.names())


def _whys() -> set[str]:
    """What the model and the matcher say, learned from all that the library can play."""
    found = {ANSWERS, "captured twice", "no run of TCP sends this", "is not judged"}
    found |= {"a copy that the network made", "was sent a moment before, and captured late"}
    for name in library.names():
        for policy in POLICIES.values():
            for connection in simulate(library.load(name), policy).connections:
                found |= {re.sub(r"\d+", "{}", sent.why) for sent in connection.segments}
    return {why for why in found if why == ANSWERS or not why.startswith("answers: ")}


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
