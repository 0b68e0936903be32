"""The page that a drawing is put on: how large, how finely, and with a background or without.

Lengths are points (1/72 inch); `dpi` says how many pixels a picture made of them has. Knows no format and no TCP.
"""

from __future__ import annotations

from tcpviz.draw.drawing import WIDE, Drawing, Slide
from tcpviz.value import Value

DPI, GIF_DPI = 144, 96
SIZES = {"16:9": WIDE, "4:3": Slide(WIDE.width, WIDE.width * 3 / 4), "A4": Slide(841.89, 595.28)}
"""By name: slides, and a sheet of paper lying down."""


class Page(Value):
    """`width` and `height` in points. `transparent`: nothing is painted behind the drawing."""

    width: float = WIDE.width
    height: float = WIDE.height
    dpi: int = DPI
    transparent: bool = False

    @property
    def slide(self) -> Slide:
        """What a layout has to fill: the page's shape, as large as text of the least size needs; the page scales it."""
        return Slide(self.width, self.height).shaped()

    @property
    def pixels(self) -> tuple[int, int]:
        return max(1, round(self.width * self.dpi / 72)), max(1, round(self.height * self.dpi / 72))

    def scale(self, drawing: Drawing) -> float:
        """How much larger the drawing becomes when it fills the page as far as its shape allows."""
        return min(self.width / drawing.slide.width, self.height / drawing.slide.height)

    def margins(self, drawing: Drawing) -> tuple[float, float]:
        """What is left beside and above it, in points of the page: it stands in the middle."""
        scale = self.scale(drawing)
        return (self.width - scale * drawing.slide.width) / 2, (self.height - scale * drawing.slide.height) / 2


SLIDE, MOVING = Page(), Page(dpi=GIF_DPI)
