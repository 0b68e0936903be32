"""Text in lines: broken between words, and where even that is not enough, ended by an ellipsis after a word."""

from __future__ import annotations

from itertools import pairwise

from tcpviz.draw.metrics import Metrics


def wrap(
    text: str, room: float, size: float, metrics: Metrics, *, bold: bool = False, most: int = 1
) -> tuple[str, ...]:
    """`text` in at most `most` lines no wider than `room`. A word that is too wide for itself loses its middle."""
    words = _tied(text[:4000].split(" "), room, size, metrics, bold)
    lines: list[str] = []
    at = 0
    while at < len(words) and len(lines) < most:
        taken = 1
        while at + taken < len(words) and _fits(" ".join(words[at : at + taken + 1]), room, size, metrics, bold):
            taken += 1
        lines.append(" ".join(words[at : at + taken]))
        at += taken
    if at < len(words):
        last = lines[-1].split(" ")
        while len(last) > 1 and not _fits(" ".join(last) + " …", room, size, metrics, bold):
            last.pop()
        lines[-1] = " ".join(last) + " …"
    return tuple(metrics.fit(line, room, size, bold) for line in lines)


def _tied(words: list[str], room: float, size: float, metrics: Metrics, bold: bool) -> list[str]:
    """A number stays with the word before it and with its unit, where they fit on a line: `40 ms`, `RFC 9293 3.10`."""
    tied = words[:1]
    for before, word in pairwise(words):
        together = f"{tied[-1]} {word}"
        number = word[:1].isdigit() or (before.isdigit() and not word.startswith("("))
        if number and _fits(together, room, size, metrics, bold):
            tied[-1] = together
        else:
            tied.append(word)
    return tied


def _fits(text: str, room: float, size: float, metrics: Metrics, bold: bool) -> bool:
    return metrics.width(text, size, bold) <= room
