"""Contrast and colour vision, by computation: of every theme, for every text in pictures that use every role."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import combinations

import pytest
from colour_vision import VISIONS, apart, ciede2000
from connections import CONNECTIONS
from overlaps import holds

from tcpviz import draw, graph
from tcpviz.draw import theme_file
from tcpviz.draw.drawing import Drawing, Line, Rect, Role, Text
from tcpviz.draw.theme import BANDS, LIGHT, PRINT, STANDS_ON, THEMES, Theme, contrast, dress, faults
from tcpviz.errors import InputError
from tcpviz.exchange import library
from tcpviz.exchange.simulate import simulate
from tcpviz.model.transitions import TABLE

NAMES = ("library normal", "library abort", "lost data", "violation", "long")
DRAWINGS = {
    **{name: draw.sequence(CONNECTIONS[name], title=name) for name in NAMES},
    "machine": draw.machine(graph.edges()),
    "walk": draw.machine(graph.edges(), {"client": [r for r in TABLE if r.figure][:4], "server": TABLE[:1]}),
    "quiz": draw.sequence(CONNECTIONS["library normal"], title="quiz", quiz=draw.BLANKS),
    "verdicts": draw.sequence(CONNECTIONS["violation on loopback"], title="verdicts", clocks=1, show=draw.DETAILS),
    "two": draw.pair(simulate(library.load("crash-and-restart"))),
    "compared": draw.pair(simulate(library.load("three-segment-close")), simulate(library.load("normal"))),
    "udp": draw.flow(simulate(library.load("tutorial-udp-both-ways")).flows[0], title="udp"),
}
ALL = pytest.mark.parametrize("theme", THEMES.values(), ids=list(THEMES))
ARROWS = (Role.SYN, Role.DATA, Role.ACK, Role.FIN, Role.RESET)
ENDS = (Role.CLIENT, Role.SERVER)
VERDICTS = (Role.MUTED, Role.WARNING, Role.VIOLATION)
"""Allowed, odd, not allowed."""


@ALL
def test_every_role_has_a_colour(theme: Theme) -> None:
    assert set(theme.colours) == set(Role)


# Contrast


@ALL
@pytest.mark.parametrize("name", DRAWINGS)
def test_text_contrast(theme: Theme, name: str) -> None:
    drawing = dress(DRAWINGS[name], theme)
    for text in drawing.texts():
        assert contrast(theme.colours[text.role], theme.colours[below(drawing, text)]) >= 4.5, text


@pytest.mark.parametrize("name", DRAWINGS)
def test_what_text_stands_on_is_known(name: str) -> None:
    """So that a theme can be judged without a picture."""
    for text in DRAWINGS[name].texts():
        assert below(DRAWINGS[name], text) in STANDS_ON[text.role], text


@ALL
def test_no_theme_of_ours_is_hard_to_read(theme: Theme) -> None:
    assert list(faults(theme)) == []


@ALL
def test_text_contrast_on_the_page(theme: Theme) -> None:
    """Of every rule of its style that gives text a colour, on the background that the rule gives, or the page's."""
    rules = re.findall(r"\{([^{}]*)\}", files("tcpviz.draw.web").joinpath("page.css").read_text())
    roles = {role.value: role for role in Role}
    told = 0
    for rule in rules:
        given = dict(re.findall(r"(?<![-\w])(color|background): *var\(--([\w-]+)\)", rule))
        if given:
            ink, paper = (roles[given.get(name, usual)] for name, usual in (("color", "text"), ("background", "halo")))
            assert contrast(theme.colours[ink], theme.colours[paper]) >= 4.5, rule
            told += 1
    assert told > 10


def below(drawing: Drawing, text: Text) -> Role:
    """The role of what a text stands on; of the background, where it stands on nothing."""
    shapes = drawing.shapes[: drawing.shapes.index(text)]
    holders = [s for s in shapes if not isinstance(s, Text) and holds(s, text.corners())]
    return holders[-1].role if holders else Role.HALO


def test_contrast_is_the_known_one() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


# Colour vision


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("roles", "least"),
    [(ARROWS, 12), (ENDS, 40), (BANDS, 8), (VERDICTS, 12)],
    ids=["arrows", "ends", "states", "verdicts"],
)
def test_colours_that_must_be_told_apart_can_be(theme: str, roles: tuple[Role, ...], least: float, vision: str) -> None:
    """A difference of 2 or 3 can just be seen side by side; these are further apart than that in any eyes."""
    colours = THEMES[theme].colours
    near = {(a, b): apart(colours[a], colours[b], vision) for a, b in combinations(roles, 2)}
    assert min(near.values()) >= least, min(near, key=near.__getitem__)


def test_the_distance_is_the_published_one() -> None:
    """Pairs 1, 17 and 25 of Sharma, Wu and Dalal's table."""
    assert ciede2000((50, 2.6772, -79.7751), (50, 0, -82.7485)) == pytest.approx(2.0425, abs=1e-4)
    assert ciede2000((50, 2.5, 0), (73, 25, -18)) == pytest.approx(27.1492, abs=1e-4)
    assert ciede2000((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387)) == pytest.approx(1.2644, abs=1e-4)


def test_a_dichromat_confuses_what_dichromats_confuse() -> None:
    """The simulation does something: a red and a green of one lightness, far apart for others."""
    assert apart("#C06050", "#808040") > 25 > 10 > apart("#C06050", "#808040", "deuteranopia")


# Print


def test_print_is_black_and_white() -> None:
    assert {PRINT.colours[role] for role in Role} - {"#000000", "#FFFFFF"} == {PRINT.colours[Role.FAINT]}


def test_in_print_no_two_kinds_of_state_look_alike() -> None:
    assert len({PRINT.strokes[role] for role in BANDS}) == len(BANDS)


def test_in_print_no_two_kinds_of_segment_look_alike() -> None:
    """By the line that is drawn in the end."""
    plain = {role: Line(((0, 0), (9, 0)), role, 1.6 if role is Role.ACK else 2.0, (6, 4) if role is Role.ACK else ())
             for role in ARROWS}  # fmt: skip
    drawn = dress(Drawing(tuple(plain.values()), ""), PRINT).shapes
    assert len({(s.width, s.dash) for s in drawn if isinstance(s, Line)}) == len(ARROWS)


def test_in_print_a_state_is_told_by_its_edge_and_keeps_its_name() -> None:
    drawing = dress(DRAWINGS["library normal"], PRINT)
    bands = [s for s in drawing.shapes if isinstance(s, Rect) and s.part == "band-client-2"]
    edges = [s for s in drawing.of("band-client-2/edge") if isinstance(s, Line)]
    assert [PRINT.colours[s.role] for s in bands] == ["#FFFFFF"]
    assert [(s.width, s.dash) for s in edges] == [(2.6, ())]
    assert {s.text for s in drawing.of("band-client-2") if isinstance(s, Text)} == {"ESTABLISHED"}


@pytest.mark.parametrize("name", ["light", "dark"])
def test_other_themes_change_nothing_but_colours(name: str) -> None:
    assert dress(DRAWINGS["walk"], THEMES[name]) is DRAWINGS["walk"]


# Theme files


def test_a_theme_file_says_what_differs_from_its_base() -> None:
    text = 'base = "dark"\n[colours]\nsyn = "#abc"\nbackground = "#101010"\n[strokes]\nfin = { dash = [14, 3] }\n'
    theme = theme_file.parse(text, "mine.toml")
    assert theme.colours[Role.SYN] == "#AABBCC"
    assert theme.background == "#101010"
    assert theme.colours[Role.DATA] == THEMES["dark"].colours[Role.DATA]
    assert theme.strokes[Role.FIN].dash == (14.0, 3.0)
    assert theme_file.parse("", "mine.toml").colours == LIGHT.colours


def test_a_theme_that_is_hard_to_read_says_where() -> None:
    told = list(faults(theme_file.parse('[colours]\nmuted = "#AAAAAA"', "mine.toml")))
    assert told == ["muted on the background has a contrast of 2.3:1; text needs 4.5:1"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("base = dark", r"mine.toml: not TOML: .*line 1"),
        ('base = "drak"', r"mine.toml, line 1, base: expected one of light, dark, print, not 'drak'"),
        ("colors = {}", r"mine.toml, line 1, colors: unknown key: did you mean 'colours'\?"),
        ("colours = 3", r"mine.toml, line 1, colours: expected a table \[colours\], not 3"),
        ("[colours]\n\nsin = '#111111'", r"mine.toml, line 3, \[colours\], sin: unknown key: did you mean 'syn'\?"),
        ("[colours]\nsyn = 'blue'", r"line 2, \[colours\], syn: expected a colour such as '#0A93F9', not 'blue'"),
        ("[colours]\nsyn = '#12345'", r"line 2, \[colours\], syn: expected a colour"),
        ("[strokes]\nfin = 2", r"line 2, \[strokes\], fin: expected a table such as"),
        ("[strokes]\nfin = { thick = 2 }", r"line 2, \[strokes\], fin: unknown key 'thick': known are weight, dash"),
        ("[strokes]\nfin = { weight = -1 }", r"line 2, \[strokes\], fin: weight: expected a number above 0"),
        ("[strokes]\nfin = { weight = nan }", r"line 2, \[strokes\], fin: weight: expected a number above 0"),
        ("[strokes]\nfin = { dash = [3] }", r"line 2, \[strokes\], fin: dash: expected lengths of dash and gap"),
        ("[strokes]\nfin = { dash = [0, 0] }", r"line 2, \[strokes\], fin: dash: expected lengths of dash and gap"),
    ],
)
def test_what_is_wrong_with_a_theme_file(text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        theme_file.parse(text, "mine.toml")


def test_no_such_theme() -> None:
    with pytest.raises(InputError, match=r"no theme 'drk': there are light, dark, print, and a path"):
        theme_file.load("drk")
    with pytest.raises(InputError, match=r"none\.toml: cannot be read as a theme: No such file"):
        theme_file.load("none.toml")
