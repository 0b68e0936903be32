"""A header's figure: real values where the RFC has its names, legible whatever comes, side by side too."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from odd_frames import FRAMES, HOSTILE
from overlaps import overlaps

from tcpviz import draw
from tcpviz.draw.drawing import LEAST_SIZE, WIDE, Drawing, Rect, Role, Slide, Text
from tcpviz.draw.page import SIZES, Page
from tcpviz.draw.theme import LEAST_CONTRAST, PRINT, STANDS_ON, THEMES, contrast, dress
from tcpviz.exchange.headers import Dissection
from tcpviz.frames import Reading, dissect
from tcpviz.language import LANGUAGES

CAPTURES = sorted((Path(__file__).parents[2] / "captures").glob("*.pcapng"))
DISSECTED = {name: dissect(record, 1, "x.pcap") for name, record in FRAMES.items()}
PAIRS = [
    ("SYN", "UDP"), ("everything", "UDP"), ("SYN over IPv6", "two tags and extension headers"), ("raw", "BSD loopback"),
    ("forty octets of options", "options of wrong lengths"), ("cut in the fixed header", "header too long"),
]  # fmt: skip


def shape_of(frame: Dissection) -> object:
    """Frames of one shape are drawn alike but for their numbers."""
    options = tuple((option.kind, option.fault) for option in frame.segment.options)
    notes = tuple(field.note for field in frame.segment.fields)
    return frame.what, options, notes, frame.length > 20, [header.name for header in frame.headers]


def of_captures() -> dict[str, Dissection]:
    """One frame of each shape that kernels' captures hold."""
    found: dict[str, tuple[str, Dissection]] = {}
    for path in CAPTURES:
        for number, record in enumerate(Reading(str(path)).records(), 1):
            frame = dissect(record, number, path.name)
            found.setdefault(repr(shape_of(frame)), (f"{path.stem} {number}", frame))
    return dict(found.values())


def drawn(*names: str, language: str = "en", slide: Slide = WIDE) -> Drawing:
    return draw.segment([DISSECTED[name] for name in names], words=draw.words_in(LANGUAGES[language]), slide=slide)


def legible(drawing: Drawing) -> None:
    assert overlaps(drawing) == []
    assert overlaps(dress(drawing, PRINT)) == []
    for text in drawing.texts():
        assert text.size >= LEAST_SIZE, text


def said(drawing: Drawing, part: str) -> list[str]:
    return [shape.text for shape in drawing.of(part) if isinstance(shape, Text)]


# Legible


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", FRAMES)
def test_nothing_touches(name: str, language: str) -> None:
    legible(drawn(name, language=language))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("names", PAIRS, ids=" and ".join)
def test_nothing_touches_side_by_side(names: tuple[str, str], language: str) -> None:
    legible(drawn(*names, language=language))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", ["4:3", "A4", "upright"])
@pytest.mark.parametrize("names", [*((name,) for name in FRAMES), *PAIRS], ids=" and ".join)
def test_nothing_touches_on_other_slides(names: tuple[str, ...], size: str, language: str) -> None:
    slide = Slide(960, 1280) if size == "upright" else Page(*SIZES[size]).slide
    drawing = drawn(*names, language=language, slide=slide)
    assert drawing.slide == slide
    legible(drawing)


def test_nothing_touches_in_what_kernels_sent() -> None:
    frames = list(of_captures().values())
    assert len(frames) > 20
    for number, frame in enumerate(frames):
        language = list(LANGUAGES.values())[number % len(LANGUAGES)]
        legible(draw.segment([frame], words=draw.words_in(language)))


@pytest.mark.parametrize("theme", THEMES)
def test_text_has_contrast(theme: str) -> None:
    """By what it may stand on, which the themes' own tests prove legible."""
    colours = THEMES[theme].colours
    for name in ("everything", "options of wrong lengths", "wrong checksum"):
        drawing = drawn(name)
        for text in drawing.texts():
            under = [s for s in drawing.shapes[: drawing.shapes.index(text)] if isinstance(s, Rect) and _holds(s, text)]
            ground = under[-1].role if under else Role.HALO
            assert ground in STANDS_ON[text.role], text
            assert contrast(colours[text.role], colours[ground]) >= LEAST_CONTRAST, text


def _holds(rect: Rect, text: Text) -> bool:
    return all(
        rect.x <= x <= rect.x + rect.width and rect.y <= y <= rect.y + rect.height for x, y in text.corners()
    )  # fmt: skip


# What it shows


def test_names_values_and_bytes_stand_where_the_rfc_has_them() -> None:
    drawing = drawn("everything")
    assert said(drawing, "field-source-port") == ["Source Port", "50000", "c3 50"]
    assert said(drawing, "field-sequence-number") == ["Sequence Number", "4294967295", "ff ff ff ff"]
    assert said(drawing, "field-window")[:2] == ["Window", "8192"]
    assert said(drawing, "field-checksum")[-1] == "✓ correct"
    middles = {part: _middle(drawing, part) for part in ("source-port", "window", "checksum", "urgent-pointer")}
    assert middles["source-port"] == pytest.approx(middles["checksum"], abs=1)
    assert middles["window"] == pytest.approx(middles["urgent-pointer"], abs=1)
    assert said(drawing, "ruler") == list(map(str, range(32)))


def _middle(drawing: Drawing, field: str) -> float:
    texts = [s for s in drawing.of(f"field-{field}") if isinstance(s, Text) and s.part == f"field-{field}"]
    corners = [corner for text in texts for corner in text.corners()]
    return (min(x for x, _ in corners) + max(x for x, _ in corners)) / 2


def test_flags_are_single_bits_and_those_set_stand_out_without_colour() -> None:
    drawing = drawn("everything")
    for flag in ("CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN"):
        shapes = drawing.of(f"field-{flag.lower()}")
        texts = [s for s in shapes if isinstance(s, Text) and not s.part.endswith("bytes")]
        set_ = flag in ("CWR", "ECE", "URG", "ACK", "PSH")
        assert "".join(text.text for text in texts) == flag + str(int(set_))
        assert all(text.bold == set_ for text in texts)
        assert any(isinstance(shape, Rect) for shape in shapes) == set_, "a filled box, in print too"


def test_options_are_decoded_one_by_one() -> None:
    drawing = drawn("SYN")
    assert said(drawing, "option-1") == ["Maximum Segment Size", "1460", "kind 2  length 4  02 04 05 b4"]
    assert said(drawing, "option-2") == ["SACK Permitted", "kind 4  length 2  04 02"]
    assert said(drawing, "option-4") == ["No-Operation", "kind 1  01"]
    assert said(drawing, "option-5")[:2] == ["Window Scale", "14 (×16384)"]
    wrong = said(drawn("options of wrong lengths"), "option-1")
    assert wrong[-1] == "kind 2  length 3  02 03 05  ✗ its length is wrong"


def test_no_octet_of_options_is_kept_back_in_silence() -> None:
    drawing = drawn("forty octets of options")
    assert any("…" in text or "more octets" in text or text.startswith("kind 3") for text in said(drawing, "option-2"))
    assert said(drawing, "options") == ["Options", "40 octets"]


def test_a_higher_slide_holds_more() -> None:
    names = ("forty octets of options", "options of wrong lengths")
    more = [[text for text in drawn(*names, slide=s).texts() if text.text == "…"] for s in (WIDE, Slide(960, 1280))]
    assert more[0]
    assert not more[1]


def test_a_value_in_half_a_slide_is_whole() -> None:
    """`TSecr 29…815` is no number: rather than that, what its kind says below need not be said above."""
    frame = next(
        f for f in of_captures().values() if any(o.text.startswith("TSval 2898980815") for o in f.segment.options)
    )
    texts = [text.text for text in draw.segment([frame, frame], slide=Slide(960, 720)).texts()]
    assert texts.count("TSval 2898980815 TSecr 902145590") == 2


def test_chinese_is_broken_into_lines_of_equal_length() -> None:
    for language in ("zh", "both"):
        assert said(drawn("SYN", "UDP", language=language), "frame-1/field-data-offset")[:2] == ["数据", "偏移"]


def test_a_set_flag_is_filled_as_high_as_its_letters() -> None:
    shapes = drawn("SYN", language="both", slide=Slide(960, 1280)).of("field-syn")
    letters = [shape for shape in shapes if isinstance(shape, Text)]
    [filled] = [shape for shape in shapes if isinstance(shape, Rect)]
    assert filled.height < 1.13 * len(letters) * letters[0].size


def test_boxes_nest_from_the_link_to_the_segment() -> None:
    drawing = drawn("SYN")
    boxes = [s for part in ("box-1", "box-2", "segment") for s in drawing.of(part) if isinstance(s, Rect)]
    assert len(boxes) == 3
    for outer, inner in pairwise(boxes):
        assert outer.x < inner.x
        assert outer.y < inner.y
        assert outer.x + outer.width > inner.x + inner.width
        assert outer.y + outer.height > inner.y + inner.height
    assert {"Ethernet", "14 octets", "02:00:00:00:00:02"} <= set(said(drawing, "header-ethernet"))
    assert {"IPv4", "Time to Live", "64", "6 (TCP)", "10.0.0.1"} <= set(said(drawing, "header-ipv4"))
    assert not drawn("raw").of("box-2")


def test_long_data_ends_in_a_count() -> None:
    drawing = drawn("everything")
    [more] = said(drawing, "data/more")
    shown = len(said(drawing, "data/bytes"))
    assert more == f"… {1480 - shown} more octets"
    assert "".join(said(drawing, "data/text")).startswith("GET/HTTP/1.1··Host:")
    assert said(drawn("cut in the text"), "data/more")[0].startswith("…")
    assert said(drawn("SYN"), "data") == ["Data", "0 octets"]


def test_what_was_not_captured_is_a_question_mark() -> None:
    drawing = drawn("cut in the fixed header")
    assert said(drawing, "field-window") == ["Window", "?", "·· ··"]
    assert said(drawing, "segment/fault") == ["… cut off"]
    cut = drawn("cut in the options")
    assert said(cut, "option-2")[-1] == "kind 8  length 10  08 0a c5 db  … cut off"
    assert said(cut, "options") == ["Options", "32 octets"]


def test_side_by_side_equal_fields_are_equally_high_and_wide() -> None:
    drawing = drawn("SYN", "UDP")
    one, two = (
        next(s for s in drawing.of(f"frame-{n}/field-source-port") if isinstance(s, Text) and s.text == "Source Port")
        for n in (1, 2)
    )
    assert one.size == two.size
    panels = [s for n in (1, 2) for s in drawing.of(f"frame-{n}/segment") if isinstance(s, Rect)]
    assert panels[0].width == panels[1].width
    assert panels[0].height > panels[1].height, "TCP's header is the longer one"


def test_hostile_text_comes_out_inert() -> None:
    frame = DISSECTED["UDP"]
    assert frame.data == HOSTILE
    svg = draw.svg(draw.segment([frame], title=HOSTILE.decode())).decode()
    assert not set(svg) & set("\x1b\x07\u202e")
    assert "<script" not in svg


def test_chinese_names_the_fields_and_both_names_them_twice() -> None:
    assert said(drawn("SYN", language="zh"), "field-sequence-number")[0] == "序号"
    assert said(drawn("SYN", language="both"), "field-sequence-number")[0] == "序号 Sequence Number"
    assert said(drawn("SYN", language="zh"), "data") == ["数据", "0 字节"]


def test_the_description_says_all_fields() -> None:
    lines = drawn("SYN").description.splitlines()
    assert [line.split(":")[0] for line in lines] == ["Ethernet", "IPv4", "TCP", "Data"]
    assert "Sequence Number 4294967295" in lines[2]
    assert "Maximum Segment Size 1460" in lines[2]
