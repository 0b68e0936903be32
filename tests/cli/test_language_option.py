"""--lang reaches whatever a command tells a person, and nothing that a program reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from english import OCTETS, left

from tcpviz.language import columns

CAPTURES = Path(__file__).parents[2] / "captures"
NORMAL, VIOLATING = CAPTURES / "normal.pcapng", CAPTURES / "blind-ack.pcapng"
TELLING = (
    ("simulate", "abort", "--explain"),
    ("match", VIOLATING),
    ("match", VIOLATING, "--side", "client"),
    ("match", VIOLATING, "--explain", "6"),
    ("match", NORMAL, "--against", "three-segment-close"),
    ("match", NORMAL, VIOLATING, CAPTURES / "refused.pcapng", CAPTURES / "syn-timeout.pcapng"),
    ("segment", NORMAL, "1"),
    ("states", "--walk", "normal"),
    ("scenarios",),
)
EACH = pytest.mark.parametrize("command", TELLING, ids=lambda command: " ".join(getattr(c, "stem", c) for c in command))


@EACH
def test_in_chinese_nothing_is_left_in_english(tcpviz, command: tuple[object, ...]) -> None:
    ran = tcpviz(*command, "--lang", "zh")
    names = [name for word in command if isinstance(word, Path) for name in (str(word), word.name)]
    assert left(OCTETS.sub("", ran.out + ran.err), *names) == []


@EACH
def test_in_both_every_english_line_is_there(tcpviz, command: tuple[object, ...]) -> None:
    """Ladders, tables and headers have both languages on one line."""
    both = tcpviz(*command, "--lang", "both").out
    missing = [word for word in tcpviz(*command).out.split() if word not in both]
    assert [word for word in missing if not set(word) & set("─-|+")] == []


@pytest.mark.parametrize("language", ["en", "zh", "both"])
def test_tables_stand_in_columns(tcpviz, language: str) -> None:
    files = [CAPTURES / f"{name}.pcapng" for name in ("normal", "refused", "abort", "syn-timeout")]
    head, *rows, _ = tcpviz("match", *files, "--lang", language).out.splitlines()
    servers = ["server" if language == "en" else "服务器", *(["127.0.0.1:80"] * 3), "10.0.0.2:80"]
    rows = [row for row in rows if ".pcapng " in row]
    assert len({columns(row[: row.rindex(server)]) for row, server in zip([head, *rows], servers, strict=True)}) == 1


@pytest.mark.parametrize("command", [("simulate", "syn-lost"), ("match", VIOLATING)])
def test_json_speaks_english_whatever_is_asked(tcpviz, command: tuple[object, ...]) -> None:
    documents = {tcpviz(*command, "--json", "--lang", language).out for language in ("en", "zh", "both")}
    assert len(documents) == 1


@pytest.mark.parametrize("command", [TELLING[0], *TELLING[1:6]])
def test_plain_ascii_speaks_english(tcpviz, command: tuple[object, ...]) -> None:
    assert tcpviz(*command, "--ascii", "--lang", "zh").out == tcpviz(*command, "--ascii").out
