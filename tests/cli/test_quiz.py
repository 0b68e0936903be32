"""Exercises: what is asked for stands nowhere in the file, and the answers are in the one beside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tcpviz.cli import group

NORMAL = Path(__file__).parents[2] / "captures" / "normal.pcapng"
STATES = "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "CLOSE-WAIT", "LAST-ACK", "TIME-WAIT", "2MSL"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(group, [str(argument) for argument in arguments])


def exercise(tmp_path: Path, *arguments: str | Path) -> tuple[str, str]:
    result = run(*arguments, "-o", tmp_path / "x.svg")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x-answers.svg", "x.svg"]
    return untitled(tmp_path / "x.svg"), untitled(tmp_path / "x-answers.svg")


def untitled(picture: Path) -> str:
    """All but the title, which is the lecturer's own."""
    text = picture.read_text()
    title = re.search("<title[^>]*>(.*?)</title>", text)
    return text.replace(title[1], "") if title else text


@pytest.mark.parametrize("source", [("simulate", "normal"), ("match", NORMAL)], ids=["model", "capture"])
def test_numbers_are_blank(tmp_path: Path, source: tuple[str | Path, ...]) -> None:
    asked, answered = exercise(tmp_path, *source, "--quiz", "numbers")
    assert re.search(r"(seq|ack)=\w*\d", answered)
    assert not re.search(r"(seq|ack)=\w*\d", asked)
    assert "SYN" in asked
    assert "ESTABLISHED" in asked


@pytest.mark.parametrize("source", [("simulate", "normal"), ("match", NORMAL)], ids=["model", "capture"])
def test_states_are_blank(tmp_path: Path, source: tuple[str | Path, ...]) -> None:
    asked, answered = exercise(tmp_path, *source, "--quiz", "states")
    assert "ESTABLISHED" in answered
    assert [state for state in STATES if state in asked] == []
    assert "seq=" in asked


@pytest.mark.parametrize("name", ["fin-timeout", "time-wait-rst", "blind-ack"])
def test_no_mark_timer_or_reason_tells_a_state(tmp_path: Path, name: str) -> None:
    asked, _ = exercise(tmp_path, "simulate", name, "--quiz", "states", "--show", "states,calls,times,why")
    assert [state for state in STATES if state in asked] == []


@pytest.mark.parametrize("source", [("simulate", "normal"), ("match", NORMAL)], ids=["model", "capture"])
def test_flags_are_blank(tmp_path: Path, source: tuple[str | Path, ...]) -> None:
    asked, answered = exercise(tmp_path, *source, "--quiz", "flags,states")
    labels = re.findall(r">([^<]*seq=[^<]*)<", asked)
    assert labels
    assert all("ack=_" in label for label in labels)
    for flag in ("SYN", "FIN", "PSH", "handshake"):
        assert re.search(rf">[^<]*\b{flag}\b", answered)
        assert not re.search(rf">[^<]*\b{flag}\b", asked)
    assert "dasharray" in answered
    assert "dasharray" not in asked


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("simulate", "--quiz", "colours", "-o", "x.svg"), "'colours' is none of numbers, states, flags"),
        *(
            (("simulate", "--quiz", "flags", "-o", f"x{ending}"), f"x{ending}: --quiz leaves blanks in .png .svg")
            for ending in (".html", ".txt", ".json", ".mmd", ".puml", ".pcap")
        ),
        (("simulate", "--quiz", "flags", "--steps", "slides"), "one or the other"),
        (("match", NORMAL, "--quiz", "flags", "--against", "normal", "-o", "x.svg"), "cannot do both"),
        (("simulate", "tutorial-udp-one-way", "--quiz", "states", "-o", "x.svg"), "a UDP flow has no states"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_what_cannot_be_asked_is_refused(
    arguments: tuple[str | Path, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code != 0
    assert told in result.output + str(result.exception)
    assert list(tmp_path.iterdir()) == []
