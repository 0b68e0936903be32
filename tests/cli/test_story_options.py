"""What pictures tell: details, further slides, steps, comparison, coverage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tcpviz.cli import group
from tcpviz.errors import InputError
from tcpviz.frames import read

CAPTURES = Path(__file__).parents[2] / "captures"


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(group, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_further_slides_are_numbered(tmp_path: Path) -> None:
    run("simulate", "zero-window", "--pages", "2", "-o", tmp_path / "x.svg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x-1.svg", "x-2.svg"]


def test_details_are_shown(tmp_path: Path) -> None:
    run("simulate", "--show", "window,why", "-o", tmp_path / "x.svg")
    text = (tmp_path / "x.svg").read_text()
    assert "win=65535" in text
    assert "ESTABLISHED</text>" not in text


def test_a_scenario_says_how_it_is_best_seen_and_options_say_otherwise(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    known = 'numbers = "absolute"\nshow = ["options"]\n[client]\ncalls = ["connect"]\n[server]\ncalls = ["listen"]\n'
    mine.write_text(known)
    svg = tmp_path / "x.svg"
    ladder = run("simulate", mine, "-o", svg)
    assert "seq=5000 ack=1001" in ladder
    assert "mss=1460" in svg.read_text()
    ladder = run("simulate", mine, "--numbers", "relative", "--show", "states,calls,times", "-o", svg)
    assert "seq=0 ack=1" in ladder
    assert "mss=1460" not in svg.read_text()


@pytest.mark.parametrize("arguments", [["--show", "nonsense"], ["--pages", "0"], ["--scale", "cubic"]])
def test_what_cannot_be_shown_is_refused_with_what_can(arguments: list[str]) -> None:
    result = CliRunner().invoke(group, ["simulate", *arguments])
    assert result.exit_code == 2
    assert "Invalid value" in result.output


def test_a_capture_against_the_model(tmp_path: Path) -> None:
    told = run("match", CAPTURES / "normal.pcapng", "--against", "normal", "-o", tmp_path / "both.svg")
    assert "The same story as Model: normal.\n" in told
    assert (tmp_path / "both.svg").read_text().count(">=</text>") == 11


@pytest.mark.parametrize("ending", ["png", "svg", "pdf", "tex", "gif", "txt"])
def test_two_are_told_at_once_in_every_format_that_can(tmp_path: Path, ending: str) -> None:
    both = tmp_path / f"both.{ending}"
    told = run("match", CAPTURES / "normal.pcapng", "--against", "normal", "-o", both, "--size", "480x270")
    assert both.stat().st_size > 1000
    if ending == "txt":
        assert told == both.read_text() + f"wrote {both}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        *(
            (["--against", "normal", "-o", f"both.{ending}"], "known with --against are .gif .pdf .png .svg .tex .txt")
            for ending in ("html", "json", "jsonl", "mmd", "puml", "toml")
        ),
        (["--against", "normal", "--json"], "--json and --jsonl tell of one capture"),
        (["--against", "normal", "--jsonl"], "--json and --jsonl tell of one capture"),
        (["--against", "normal", "--steps", "slides"], "one or the other"),
        (["--against", "normal", "--explain", "1"], "goes with --port and --side only"),
        (["--against", "nothing.toml", "-o", "both.svg"], "nothing.toml"),
        (["--against", "tutorial-udp-one-way"], "tutorial-udp-one-way: there is no TCP connection to compare"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_tell_two_is_refused_before_anything_is_done(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(group, ["match", str(CAPTURES / "normal.pcapng"), *arguments])
    assert result.exit_code != 0
    assert said in result.output + str(result.exception)
    assert "SYN-SENT" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_coverage_of_a_folder(tmp_path: Path) -> None:
    """Each SYN with a number of its own is an active OPEN, unless it was forged."""
    opened = 0
    for path in CAPTURES.glob("*.pcapng"):
        (tmp_path / path.name).symlink_to(path)
        forged = json.loads(path.with_suffix(".json").read_text())["forged"]
        honest = [frame for frame in read(str(path)).frames if frame.segment and frame.number not in forged]
        syns = [frame for frame in honest if frame.segment.syn and not frame.segment.has_ack]
        opened += len({(frame.source, frame.destination, frame.segment.seq) for frame in syns})
    lines = run("states", "--cover", tmp_path).splitlines()
    [active] = [line for line in lines if line.startswith("CLOSED       active OPEN")]
    assert int(active.split()[-1]) == opened > 60


def test_a_folder_without_captures_is_no_coverage(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no capture"):
        run("states", "--cover", tmp_path)


def test_steps_need_a_way(tmp_path: Path) -> None:
    result = CliRunner().invoke(group, ["states", "--steps", str(tmp_path)])
    assert result.exit_code == 2
    assert "--walk" in result.output
