"""Fixtures for files and interfaces."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tcpviz.errors import PermissionMissing
from tcpviz.frames import Listener


@pytest.fixture
def save(tmp_path: Path) -> Callable[[bytes, str], str]:
    def write(content: bytes, name: str = "x.pcap") -> str:
        path = tmp_path / name
        path.write_bytes(content)
        return str(path)

    return write


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A listening socket on a port nobody else has."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


@pytest.fixture(scope="session")
def may_listen() -> None:
    try:
        with Listener("lo"):
            pass
    except PermissionMissing as error:
        pytest.skip(str(error))
