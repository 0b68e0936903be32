"""How pictures look, as the options say it, and painting them in the format of a file's ending."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tcpviz.cli.speech import echo
from tcpviz.errors import InputError
from tcpviz.language import ENGLISH, Language
from tcpviz.value import Value

if TYPE_CHECKING:
    from tcpviz.draw import Drawing, Page, Setting, Theme, Words

PICTURES = (".png", ".svg", ".pdf", ".tex")
_FONTLESS = (".svg", ".tex")
"""Formats that leave fonts to whoever shows them."""
GIF = ".gif"
"""Of a story only: a picture in which nothing travels has no such format."""
THEME, SIZE = "light", "16:9"
_LEAST_SCALE = 0.5
"""Half of the layout's 960 by 540: below that nobody can read a label."""
_MOST_PIXELS = 10**8


class Look(Value):
    """The options as they were given. Nothing of `draw` is loaded before something is drawn or must be checked."""

    theme: str = THEME
    language: Language = ENGLISH
    size: str = SIZE
    dpi: int | None = None
    """As was asked for; else as fine as the format is usually."""
    transparent: bool = False

    def check(self) -> None:
        """Refuse what cannot be used before any work is done; warn of a theme that is hard to read."""
        if (self.theme, self.size, self.dpi) == (THEME, SIZE, None):
            return
        from tcpviz.draw import theme

        self.page()
        mine = self.colours()
        for fault in theme.faults(mine) if mine.name not in theme.THEMES else ():
            echo(f"tcpviz: warning: {mine.name}: {fault}", err=True)

    def spoken(self, ascii_only: bool) -> Language:
        """The language of text; plain ASCII speaks English."""
        return ENGLISH if ascii_only else self.language

    def words(self) -> Words:
        from tcpviz.draw import words_in

        return words_in(self.language)

    def setting(self) -> Setting:
        """What a layout is to know of it."""
        return {"words": self.words(), "slide": self.page().slide}

    def colours(self) -> Theme:
        from tcpviz.draw import theme_file

        return theme_file.load(self.theme)

    def page(self, kind: str = ".png") -> Page:
        """What a picture in the format `kind` is put on."""
        from tcpviz.draw.page import DPI, GIF_DPI, SIZES, SLIDE, Page

        pixels = re.fullmatch(r"(\d{1,6})[x×](\d{1,6})", self.size)
        dpi = self.dpi or (GIF_DPI if kind == GIF and not pixels else DPI)
        if pixels:
            width, height = (int(number) * 72 / dpi for number in pixels.groups())
        elif self.size in SIZES:
            width, height = SIZES[self.size]
        else:
            raise InputError(f"--size {self.size}: expected {', '.join(SIZES)}, or pixels such as 1920x1080")
        page = Page(width, height, dpi, self.transparent)
        across, down = map(int, pixels.groups()) if pixels else page.pixels
        least = round(SLIDE.width * _LEAST_SCALE), round(SLIDE.height * _LEAST_SCALE)
        if across < least[0] or down < least[1]:
            raise InputError(
                f"--size {self.size}: {across}x{down} pixels are too few to read: at least {least[0]}x{least[1]}"
            )
        if across * down > _MOST_PIXELS:
            raise InputError(f"--size {self.size}: {across}x{down} pixels are too many: at most {_MOST_PIXELS:,}")
        return page

    def paint(self, path: Path, drawing: Drawing) -> bytes:
        """The drawing in the format that the path's ending says."""
        import tcpviz.draw as draw

        kind = path.suffix.lower()
        if kind not in _FONTLESS and (lack := draw.lack_of_fonts(drawing)):
            _warn(lack)
        render = {".png": draw.png, ".svg": draw.svg, ".pdf": draw.pdf, ".tex": draw.tex, GIF: draw.gif}[kind]
        return render(drawing, self.colours(), self.page(kind))


@cache
def _warn(text: str) -> None:
    """Once, however many files are written."""
    echo(f"tcpviz: warning: {text}", err=True)
