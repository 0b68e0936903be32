"""Which files are meant, and a capture read frame by frame."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tcpviz.errors import InputError
from tcpviz.frames import Reading, capture_files, read

NORMAL = Path(__file__).parents[2] / "captures" / "normal.pcapng"


def test_a_folder_stands_for_its_captures_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("b/2.PCAP", "b/1.pcapng.gz", "a.cap", "a.txt", "pcap", "c.pcap.part"):
        (tmp_path / name).touch()
    (tmp_path / "d.pcap").mkdir()
    found = [str(Path(name).relative_to(tmp_path)) for name in capture_files([str(tmp_path)])]
    assert found == ["a.cap", "b/1.pcapng.gz", "b/2.PCAP"]


def test_files_are_taken_as_they_are_named_each_once(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").touch()
    inside = str(tmp_path / "a.pcap")
    assert capture_files(["no-ending", inside, str(tmp_path), "no-ending"]) == ("no-ending", inside)


def test_a_folder_without_captures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no capture.*\.pcapng"):
        capture_files([str(tmp_path)])


def test_a_folder_that_may_not_be_looked_into_is_told_of_by_who_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "a.pcap").touch()
    inside, closed, scan = str(tmp_path / "a.pcap"), str(tmp_path / "closed"), os.scandir

    def scandir(path: str) -> object:
        if path == closed:
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert capture_files([str(tmp_path)]) == (inside, closed)
    assert capture_files([closed]) == (closed,)
    with pytest.raises(InputError, match="closed may not be read by this user"):
        read(closed)


def test_a_file_in_a_folder_that_may_not_be_entered(monkeypatch: pytest.MonkeyPatch) -> None:
    def stat(path: str, *_: object, **__: object) -> object:
        raise PermissionError(13, "Permission denied", path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", stat)
        assert capture_files(["closed/a.pcap"]) == ("closed/a.pcap",)


def test_frames_come_as_they_are_read_and_are_not_kept() -> None:
    reading = Reading(str(NORMAL))
    frames = reading.frames()
    first = next(frames)
    assert first.number == 1
    rest = list(frames)
    whole = read(str(NORMAL))
    assert (first, *rest) == whole.frames
    capture = reading.capture()
    assert (capture.frames, capture.records, capture.skipped) == ((), whole.records, whole.skipped)


def test_what_is_wrong_is_said_as_by_read(tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(NORMAL.read_bytes()[:-20])
    reading = Reading(str(cut))
    assert len(list(reading.frames())) == 10
    assert reading.capture().warnings == read(str(cut)).warnings != ()
    with pytest.raises(InputError, match="there is no file"):
        next(Reading(str(tmp_path / "none.pcap")).frames())
