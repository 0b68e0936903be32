"""Pixels -> image files: PNG, and GIF that moves. The only place that imports Pillow.

Knows nothing of what is painted. Same pixels, same bytes: a file says nothing of when and with what it was made.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tcpviz.value import Value

if TYPE_CHECKING:
    from PIL.Image import Image

_SURFACES, _EDGES = 24, 40
"""Colours of a GIF: those that cover most stay as they are, others are made of what is left. More only make it larger.
"""
_ALIKE = 24
"""How far apart two colours are at most, over red, green and blue, that nobody tells apart."""


class Pixels(Value):
    """Red, green, blue and opacity of each pixel, row by row; (left, top) is where they are on their page."""

    width: int
    height: int
    rgba: bytes
    left: int = 0
    top: int = 0


def png(pixels: Pixels, dpi: int, transparent: bool) -> bytes:
    image = _image(pixels)
    out = io.BytesIO()
    # level 3 is where flat colours stop getting smaller and only take longer
    kept = image if transparent else image.convert("RGB")
    kept.save(out, "PNG", compress_level=3, dpi=(dpi, dpi))
    return out.getvalue()


def gif(changes: Iterable[Iterable[Pixels]], times: Sequence[int], last: Pixels) -> bytes:
    """Frames that are shown for so many milliseconds each, over and over, in the colours of `last`.

    Of each frame there is what is new in it; in the first one that is everything.
    """
    from PIL import Image

    palette = Image.new("P", (1, 1))
    palette.putpalette(_palette(_opaque(last)))
    frame = Image.new("P", (last.width, last.height))
    frame.putpalette(palette.getpalette() or [])
    frames: list[Image.Image] = []
    for parts in changes:
        frame = frame.copy()
        for part in parts:
            flat = _opaque(part).quantize(palette=palette, dither=Image.Dither.NONE)
            frame.paste(flat, (part.left, part.top))
        frames.append(frame)
    out = io.BytesIO()
    first, *others = frames
    first.save(
        out, "GIF", save_all=True, append_images=others, duration=list(times), loop=0, disposal=1, optimize=False
    )
    return out.getvalue()


def _palette(image: Image) -> list[int]:
    from PIL import Image

    found = image.getcolors(image.width * image.height) or []
    surfaces = [_parts(colour) for _, colour in sorted(found, key=lambda counted: (-counted[0], counted[1]))]
    coarse = image.quantize(_EDGES, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).getpalette() or []
    palette: list[tuple[int, ...]] = []
    for colour in (*surfaces[:_SURFACES], *(tuple(coarse[at : at + 3]) for at in range(0, 3 * _EDGES, 3))):
        # Pillow takes any of those that are nearly the same
        if all(sum(abs(a - b) for a, b in zip(colour, other, strict=True)) > _ALIKE for other in palette):
            palette.append(colour)
    return [part for colour in palette for part in colour]


def _parts(colour: object) -> tuple[int, ...]:
    """Red, green and blue."""
    assert isinstance(colour, tuple)
    return colour


def _image(pixels: Pixels) -> Image:
    from PIL import Image

    return Image.frombuffer("RGBA", (pixels.width, pixels.height), pixels.rgba)


def _opaque(pixels: Pixels) -> Image:
    return _image(pixels).convert("RGB")
