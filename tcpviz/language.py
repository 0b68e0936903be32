"""The languages that tcpviz speaks, and the one catalogue of their words.

English is written in the code and is every text's key; the others are gettext catalogues in `tcpviz/locale`. Of a
sentence the key is its pattern. Knows nothing of what a text is for. A text that no catalogue has stays as it is:
nobody sees a gap. Words that come from files and from the wire are no language of ours: `printable` makes them inert.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from unicodedata import category, east_asian_width

from tcpviz.model.sentence import Sentence
from tcpviz.value import Value


class Language(Value):
    """`name` is what users call it, `tag` what BCP 47 does; `bilingual` puts the English beside the translation."""

    name: str
    tag: str
    bilingual: bool = False

    def translated(self, english: str) -> str:
        """`english` in this language alone; itself where there is no translation."""
        if self.tag == "en" or not english:
            return english
        if isinstance(english, Sentence) and english.parts:
            said = (self.translated(part) if isinstance(part, Sentence) else part for part in english.parts)
            return _catalogue(self.tag)(english.pattern).format(*said)
        return _catalogue(self.tag)(english)

    def say(self, english: str, between: str = " ") -> str:
        """`english` as this language shows it: translated, and when bilingual followed by itself."""
        translated = self.translated(english)
        return f"{translated}{between}{english}" if self.bilingual and translated != english else translated

    def lines(self, english: str) -> Iterator[str]:
        """A line of running text: translated, and when bilingual the English as a line of its own below."""
        translated = self.translated(english)
        yield translated
        if self.bilingual and translated != english:
            yield english

    def text(self, sentences: Iterable[str]) -> str:
        """Each as its lines, all ended."""
        return "".join(f"{line}\n" for each in sentences for line in self.lines(each))


ENGLISH = Language("en", "en")
CHINESE = Language("zh", "zh-CN")
BOTH = Language("both", "zh-CN", bilingual=True)
LANGUAGES = {language.name: language for language in (ENGLISH, CHINESE, BOTH)}


@cache
def _catalogue(tag: str) -> Callable[[str], str]:
    import gettext
    from pathlib import Path

    file = Path(__file__).with_name("locale") / tag.partition("-")[0] / "LC_MESSAGES" / "tcpviz.mo"
    with file.open("rb") as stream:
        return gettext.GNUTranslations(stream).gettext


def columns(text: str) -> int:
    """How many columns of a terminal `text` takes: a Chinese character takes two."""
    return len(text) + sum(text.count(char) for char in set(text) if east_asian_width(char) in "WF")


def padded(text: str, width: int) -> str:
    """`text`, and blanks up to so many columns."""
    return text + " " * (width - columns(text))


def printable(text: str) -> str:
    """Without control and formatting characters: what comes from files must steer neither page nor terminal."""
    if text.isprintable():
        return text
    return "".join(" " if char in "\t\n\r" else char for char in text if char in "\t\n\r" or _visible(char))


def _visible(char: str) -> bool:
    return category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
