"""Regenerates tcpviz/draw/dejavu.py from the font that matplotlib ships: python tests/draw/make_widths.py"""

from __future__ import annotations

import textwrap
from itertools import groupby
from pathlib import Path

import matplotlib
from fontTools.ttLib import TTFont

TARGET = Path(__file__).parents[2] / "tcpviz" / "draw" / "dejavu.py"
RANGES = (
    (0x20, 0x7E), (0xA0, 0x17F), (0x391, 0x3C9), (0x400, 0x45F), (0x2010, 0x2027),
    (0x2030, 0x205E), (0x2190, 0x21FF), (0x2200, 0x22FF), (0x25A0, 0x25FF), (0x2713, 0x2718),
)  # fmt: skip
HEADER = '''"""Advance widths of DejaVu Sans, in units of 1/2048 em. By tests/draw/make_widths.py; do not edit.

Measured from the font files that matplotlib ships. DejaVu fonts are (c) Bitstream, Inc. and in part by the
DejaVu project (public domain); their licence, LICENSE_DEJAVU beside the fonts, permits use and
redistribution. Only measurements are kept here, no outlines. A 0 stands for a missing glyph.
"""

from __future__ import annotations

UNITS = 2048
# fmt: off
'''


def blocks(name: str) -> str:
    font = TTFont(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name)
    names, advances = font.getBestCmap(), font["hmtx"].metrics
    lines = []
    for first, last in RANGES:
        widths = [advances[names[code]][0] if code in names else 0 for code in range(first, last + 1)]
        runs = ((width, len(list(run))) for width, run in groupby(widths))
        text = " ".join(str(width) if count == 1 else f"{width}*{count}" for width, count in runs)
        parts = textwrap.wrap(text, 105, break_on_hyphens=False)
        body = "\n".join(f'        "{part} "' for part in parts)
        lines.append(f"    0x{first:04X}: (\n{body}\n    ),\n")
    return "".join(lines)


def module() -> str:
    """The whole text of the generated file."""
    return (
        HEADER
        + "\nREGULAR = {\n" + blocks("DejaVuSans.ttf") + "}\n"
        + "\nBOLD = {\n" + blocks("DejaVuSans-Bold.ttf") + "}\n"
    )  # fmt: skip


if __name__ == "__main__":
    TARGET.write_text(module(), encoding="utf-8")
