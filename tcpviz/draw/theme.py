"""Themes: what colour each role has, and in print what dash and weight. Text keeps a contrast of 4.5:1 on all it may
lie on (`STANDS_ON`); colours that must be told apart stay apart for colour-blind readers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tcpviz.draw.drawing import Drawing, Line, Rect, Role, Shape
from tcpviz.value import Value, field, replace

LEAST_CONTRAST = 4.5
"""Of text, by WCAG 2.2, success criterion 1.4.3."""


class Stroke(Value):
    """How lines of a role are drawn: `weight` times as thick, dashed where they were not. A state's edge has the weight
    in points.
    """

    weight: float = 1.0
    dash: tuple[float, ...] = ()


class Theme(Value):
    """`strokes` are for themes in which colour alone says too little."""

    name: str
    colours: Mapping[Role, str]
    strokes: Mapping[Role, Stroke] = field(default_factory=dict)

    @property
    def background(self) -> str:
        return self.colours[Role.HALO]


BANDS = (
    Role.BAND_CLOSED,
    Role.BAND_LISTEN,
    Role.BAND_OPENING,
    Role.BAND_ESTABLISHED,
    Role.BAND_CLOSING,
    Role.BAND_TIME_WAIT,
)

STANDS_ON: Mapping[Role, tuple[Role, ...]] = {
    **dict.fromkeys(
        (
            Role.MUTED, Role.SYN, Role.DATA, Role.ACK, Role.FIN, Role.RESET, Role.LOST,
            Role.WARNING, Role.VIOLATION, Role.CLIENT, Role.SERVER,
        ),
        (Role.HALO,),
    ),
    Role.TEXT: (Role.HALO, *BANDS),
    Role.ON_BADGE: (Role.CLIENT, Role.SERVER, Role.RESET),
}  # fmt: skip
"""The roles that text has, and what may lie beneath it."""

# Near Okabe and Ito's palette, moved until dichromats can tell apart what must be (tests/draw/test_theme.py).

LIGHT = Theme(
    "light",
    {
        Role.TEXT: "#141414",
        Role.MUTED: "#555555",
        Role.FRAME: "#333333",
        Role.FAINT: "#A6A6A6",
        Role.HALO: "#FFFFFF",
        Role.SYN: "#0074D5",
        Role.DATA: "#007652",
        Role.ACK: "#454545",
        Role.FIN: "#B84D00",
        Role.RESET: "#8E2F73",
        Role.LOST: "#B84D00",
        Role.WARNING: "#9E6400",
        Role.VIOLATION: "#A30029",
        Role.CLIENT: "#0074D5",
        Role.SERVER: "#B84D00",
        Role.ON_BADGE: "#FFFFFF",
        Role.BAND_CLOSED: "#F0F0F0",
        Role.BAND_LISTEN: "#F8F0BC",
        Role.BAND_OPENING: "#C7E2F5",
        Role.BAND_ESTABLISHED: "#99DEC5",
        Role.BAND_CLOSING: "#F8C181",
        Role.BAND_TIME_WAIT: "#CEAFE7",
    },
)

DARK = Theme(
    "dark",
    {
        Role.TEXT: "#F4F4F4",
        Role.MUTED: "#B4BAC2",
        Role.FRAME: "#D5D9DE",
        Role.FAINT: "#5C646E",
        Role.HALO: "#14181D",
        Role.SYN: "#0A93F9",
        Role.DATA: "#2CCC92",
        Role.ACK: "#CCCCCC",
        Role.FIN: "#FF8B37",
        Role.RESET: "#D193C1",
        Role.LOST: "#FF8B37",
        Role.WARNING: "#F0C419",
        Role.VIOLATION: "#FF7A8A",
        Role.CLIENT: "#0A93F9",
        Role.SERVER: "#FF8B37",
        Role.ON_BADGE: "#14181D",
        Role.BAND_CLOSED: "#3A3F45",
        Role.BAND_LISTEN: "#675F11",
        Role.BAND_OPENING: "#173B59",
        Role.BAND_ESTABLISHED: "#0D5D47",
        Role.BAND_CLOSING: "#5F380E",
        Role.BAND_TIME_WAIT: "#5B4982",
    },
)

_BLACK, _WHITE = "#000000", "#FFFFFF"

PRINT = Theme(
    "print",
    dict.fromkeys(Role, _BLACK) | dict.fromkeys((Role.HALO, Role.ON_BADGE, *BANDS), _WHITE) | {Role.FAINT: "#808080"},
    {
        # a copier keeps dashes and weights, and nothing else: the busier the state, the heavier its edge
        Role.BAND_CLOSED: Stroke(0.8, (1.2, 3.6)),
        Role.BAND_LISTEN: Stroke(1.2, (4.0, 3.0)),
        Role.BAND_OPENING: Stroke(1.4, (10.0, 3.0)),
        Role.BAND_ESTABLISHED: Stroke(2.6),
        Role.BAND_CLOSING: Stroke(1.4, (10.0, 3.0, 1.5, 3.0)),
        Role.BAND_TIME_WAIT: Stroke(2.4, (2.4, 2.4)),
        Role.SYN: Stroke(1.3),
        Role.DATA: Stroke(0.8),
        Role.FIN: Stroke(1.3, (14.0, 3.0, 3.0, 3.0)),
        Role.RESET: Stroke(1.5, (3.0, 2.5)),
    },
)

THEMES = {theme.name: theme for theme in (LIGHT, DARK, PRINT)}


def dress(drawing: Drawing, theme: Theme) -> Drawing:
    """The drawing with the theme's dashes and weights, as plain shapes that every renderer knows."""
    if not theme.strokes:
        return drawing
    return replace(drawing, shapes=tuple(dressed for shape in drawing.shapes for dressed in _dressed(shape, theme)))


def _dressed(shape: Shape, theme: Theme) -> Iterator[Shape]:
    stroke = theme.strokes.get(shape.role)
    match shape:
        case Line() if stroke:
            yield replace(shape, width=shape.width * stroke.weight, dash=shape.dash or stroke.dash)
        case Rect() if stroke and shape.role in BANDS:
            yield replace(shape, outline=None)
            yield _edge(shape, max(stroke.weight, shape.stroke if shape.outline else 0), stroke.dash)
        case _:
            yield shape


def _edge(rect: Rect, width: float, dash: tuple[float, ...]) -> Line:
    """Within the surface, so that neighbours do not run into each other."""
    inset = width / 2
    x, y, right, bottom = rect.x + inset, rect.y + inset, rect.x + rect.width - inset, rect.y + rect.height - inset
    middle = (x + right) / 2, y
    corners = middle, (right, y), (right, bottom), (x, bottom), (x, y), middle
    return Line(corners, rect.outline or Role.FRAME, width, dash, rect.radius, f"{rect.part}/edge")


def faults(theme: Theme) -> Iterator[str]:
    """What text of a theme is hard to read, and on what."""
    for role, grounds in STANDS_ON.items():
        for ground in grounds:
            ratio = contrast(theme.colours[role], theme.colours[ground])
            if ratio < LEAST_CONTRAST:
                where = "the background" if ground is Role.HALO else ground.value
                yield f"{role.value} on {where} has a contrast of {ratio:.1f}:1; text needs {LEAST_CONTRAST}:1"


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2 between two colours, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def rgb(colour: str) -> tuple[float, float, float]:
    """`#RRGGBB` as three numbers from 0 to 1."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _luminance(colour: str) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
