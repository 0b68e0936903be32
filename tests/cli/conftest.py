"""`tcpviz(...)`: the program, run in this process, with its exit code and both outputs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from tcpviz.cli import main


class Ran(NamedTuple):
    code: int
    out: str
    err: str


Program = Callable[..., Ran]


@pytest.fixture
def tcpviz(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Program:
    # giving up root is for good, and this process has other tests to run; those of it run in a process of their own
    monkeypatch.setattr("tcpviz.frames.permission.lay_down", lambda _: None)

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["tcpviz", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        assert isinstance(end.value.code, int)
        return Ran(end.value.code, *capfd.readouterr())

    return run
