"""Widths agree with the font that is drawn, and nothing that comes from outside breaks a line."""

from __future__ import annotations

import make_widths
import pytest

from tcpviz.draw.metrics import default, printable


def test_the_table_is_what_the_font_says() -> None:
    assert make_widths.TARGET.read_text(encoding="utf-8") == make_widths.module(), "python tests/draw/make_widths.py"


@pytest.mark.parametrize("bold", [False, True])
def test_a_line_is_no_wider_than_measured(bold: bool) -> None:
    from matplotlib import get_data_path
    from matplotlib.font_manager import get_font

    font = get_font(f"{get_data_path()}/fonts/ttf/DejaVuSans{'-Bold' if bold else ''}.ttf")
    font.set_size(100, 72)
    for text in ("SYN,ACK  seq=0 ack=1", "PSH,ACK  seq=3194751823 ack=1 len=1460", "2MSL = 240 s"):
        font.set_text(text, 0)
        width = font.get_width_height()[0] / 64
        assert width == pytest.approx(default().width(text, 100, bold), rel=0.02)


def test_what_the_table_lacks() -> None:
    measure = default().width
    assert measure("序号", 10) == 20
    assert measure("e\u0301", 10) == measure("e", 10)


def test_fit_keeps_both_ends() -> None:
    metrics = default()
    address = "[2001:db8:1234:5678:9abc:def0:1234:5678]:50000"
    fitted = metrics.fit(address, 150, 14)
    assert metrics.width(fitted, 14) <= 150
    assert fitted.startswith("[2001:db8")
    assert fitted.endswith(":50000"[-4:])
    assert metrics.fit("short", 150, 14) == "short"


def test_printable() -> None:
    assert printable("a\tb\x1b[0m\u202ec") == "a b[0mc"
