"""Interfaces that cannot be listened on. Needs no permission, since it is about not having it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import scapy.arch.linux

from tcpviz.errors import InputError, PermissionMissing
from tcpviz.frames import Listener


def test_an_unknown_interface_gets_the_names_of_the_known() -> None:
    with pytest.raises(InputError, match=r"there is no interface eth9999: there are .*lo"), Listener("eth9999"):
        pass


def test_without_permission_both_ways_out_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(scapy.arch.linux, "L2ListenSocket", refuse)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "tcpviz"), "capture", "--port", "8080"])
    with pytest.raises(PermissionMissing) as caught, Listener("lo"):
        pass
    assert f"`sudo {tmp_path}/tcpviz capture --port 8080`" in str(caught.value)
    assert "`tcpviz capture --scenario normal`" in str(caught.value)
    assert caught.value.exit_code == 3
