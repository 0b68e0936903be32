"""Themes: what colour each role has. Data only; text keeps a contrast of 4.5:1 wherever a layout may put it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tcpviz.draw.drawing import Role


@dataclass(frozen=True, slots=True)
class Theme:
    name: str
    background: str
    colours: Mapping[Role, str]


LIGHT = Theme(
    "light",
    "#FFFFFF",
    {
        # Okabe and Ito's palette; its green and vermilion are darkened, for they are too light as text
        Role.TEXT: "#141414",
        Role.MUTED: "#555555",
        Role.FRAME: "#333333",
        Role.FAINT: "#A6A6A6",
        Role.HALO: "#FFFFFF",
        Role.SYN: "#0067A3",
        Role.DATA: "#00785A",
        Role.ACK: "#454545",
        Role.FIN: "#B54E00",
        Role.RESET: "#8E2F77",
        Role.LOST: "#B54E00",
        Role.WARNING: "#8A5A00",
        Role.VIOLATION: "#B3002D",
        Role.CLIENT: "#0067A3",
        Role.SERVER: "#B54E00",
        Role.ON_BADGE: "#FFFFFF",
        Role.BAND_CLOSED: "#ECECEC",
        Role.BAND_LISTEN: "#FAF3C0",
        Role.BAND_OPENING: "#D3E8F8",
        Role.BAND_ESTABLISHED: "#CFEBE0",
        Role.BAND_CLOSING: "#FBE3C6",
        Role.BAND_TIME_WAIT: "#E9DDF2",
    },
)


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
