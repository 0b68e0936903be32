"""The languages that tcpviz speaks, and the one catalogue of their words.

English is written in the code and is every text's key; the others are gettext catalogues in `tcpviz/locale`.
Knows nothing of what a text is for. A text that no catalogue has stays as it is: nobody sees a gap.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from unicodedata import east_asian_width

from tcpviz.value import Value


class Language(Value):
    """`name` is what users call it, `tag` what BCP 47 does; `bilingual` puts the English beside the translation."""

    name: str
    tag: str
    bilingual: bool = False

    def translated(self, english: str) -> str:
        """`english` in this language alone; itself where there is no translation."""
        return english if self.tag == "en" or not english else _catalogue(self.tag)(english)

    def say(self, english: str, between: str = " ") -> str:
        """`english` as this language shows it: translated, and when bilingual followed by itself."""
        translated = self.translated(english)
        return f"{translated}{between}{english}" if self.bilingual and translated != english else translated


ENGLISH = Language("en", "en")
CHINESE = Language("zh", "zh-CN")
BOTH = Language("both", "zh-CN", bilingual=True)
LANGUAGES = {language.name: language for language in (ENGLISH, CHINESE, BOTH)}


@cache
def _catalogue(tag: str) -> Callable[[str], str]:
    import gettext
    from importlib import resources

    file = resources.files("tcpviz").joinpath("locale", tag.partition("-")[0], "LC_MESSAGES", "tcpviz.mo")
    with file.open("rb") as stream:
        return gettext.GNUTranslations(stream).gettext


def columns(text: str) -> int:
    """How many columns of a terminal `text` takes: a Chinese character takes two."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)
