"""Drawing -> PDF: vectors, and text that can be searched and copied. The only place that imports fpdf2.

Fonts are embedded, and only the glyphs that are used. Same drawing, same bytes: the file carries no date.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tcpviz.draw import faces
from tcpviz.draw.drawing import Circle, Drawing, Line, Polygon, Rect, Role, Shape, Text
from tcpviz.draw.page import Page
from tcpviz.draw.paths import Step, outline
from tcpviz.draw.theme import Theme, rgb

if TYPE_CHECKING:
    from fpdf import FPDF

_NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)
"""A file of the same content is the same file, whenever it is made."""


def render(drawing: Drawing, theme: Theme, page: Page) -> bytes:
    """One page, the drawing as large as it fits. OutputError when no font has its language."""
    faces.lack(drawing)
    return _Sheet(drawing, theme, page).bytes()


class _Sheet:
    def __init__(self, drawing: Drawing, theme: Theme, page: Page) -> None:
        from fpdf import FPDF

        self._theme = theme
        # the layout's points are the unit, so that coordinates stay as they are but for the margins
        self._unit = page.scale(drawing)
        self._left, self._top = (margin / self._unit for margin in page.margins(drawing))
        width, height = drawing.slide.width + 2 * self._left, drawing.slide.height + 2 * self._top
        self._pdf: FPDF = FPDF(unit=self._unit, format=(width, height))
        self._pdf.set_auto_page_break(False)
        self._pdf.set_creation_date(_NO_DATE)
        self._pdf.set_title(drawing.title)
        self._pdf.set_subject(drawing.description)
        self._pdf.set_lang(drawing.language)
        self._pdf.set_creator("tcpviz")
        self._pdf.add_page()
        self._fonts: dict[faces.Face, str] = {}
        if not page.transparent:
            self._path(outline(Rect(-self._left, -self._top, width, height, Role.HALO)), fill=theme.background)
        for shape in drawing.shapes:
            self._paint(shape)

    def bytes(self) -> bytes:
        return bytes(self._pdf.output())

    def _paint(self, shape: Shape) -> None:
        colours = self._theme.colours
        match shape:
            case Line():
                self._path(outline(shape), stroke=colours[shape.role], width=shape.width, dash=shape.dash)
            case Polygon():
                self._path(outline(shape), fill=colours[shape.role])
            case Rect():
                stroke = colours[shape.outline] if shape.outline else None
                self._path(outline(shape), fill=colours[shape.role], stroke=stroke, width=shape.stroke)
            case Circle():
                with self._pdf.new_path() as path:
                    path.style.fill_color, path.style.stroke_color = colours[shape.role], None
                    path.circle(shape.x + self._left, shape.y + self._top, shape.radius)
            case Text():
                self._text(shape)

    def _path(
        self,
        steps: Iterable[Step],
        *,
        fill: str | None = None,
        stroke: str | None = None,
        width: float = 0.0,
        dash: Sequence[float] = (),
    ) -> None:
        with self._pdf.new_path() as path:
            path.style.fill_color = fill
            path.style.stroke_color = stroke
            path.style.stroke_width = width
            path.style.stroke_join_style = "round"
            path.style.stroke_cap_style = "butt"
            path.style.stroke_dash_pattern = tuple(dash) or None
            path.style.auto_close = False
            for letter, points in steps:
                numbers = [n for x, y in points for n in (x + self._left, y + self._top)]
                match letter:
                    case "M":
                        path.move_to(*numbers)
                    case "L":
                        path.line_to(*numbers)
                    case "Q":
                        path.quadratic_curve_to(*numbers)
                    case "Z":
                        path.close()

    def _text(self, text: Text) -> None:
        x, y = text.begin()
        x, y = x + self._left, y + self._top
        self._pdf.set_text_color(*(round(255 * part) for part in rgb(self._theme.colours[text.role])))
        # a reader that copies by line would cut a label that climbs; this says what it reads (ISO 32000 14.9.4)
        said = text.text.encode("utf-16-be").hex() if text.angle else ""
        self._pdf._out(f"/Span <</ActualText <FEFF{said}>>> BDC") if said else None
        with self._pdf.rotation(-text.angle, x, y):
            for run in faces.runs(text):
                self._pdf.set_font(self._family(run.face), size=text.size * self._unit)
                self._pdf.text(x + run.offset, y, run.text)
        self._pdf._out("EMC") if said else None

    def _family(self, face: faces.Face) -> str:
        """The name under which the file knows a face; it is read when it is first used."""
        if face not in self._fonts:
            self._fonts[face] = f"face-{len(self._fonts)}"
            self._pdf.add_font(self._fonts[face], fname=face.file, collection_font_number=face.index)
        return self._fonts[face]
