"""Which files are meant: a folder stands for all captures under it.

Goes by the endings of names; what a file really holds is found out by reading it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from tcpviz.errors import InputError

_ENDINGS = tuple(f"{ending}{packed}" for ending in (".pcap", ".pcapng", ".cap") for packed in ("", ".gz"))


def capture_files(names: Iterable[str]) -> tuple[str, ...]:
    """Files as they are named, each once; in place of a folder all captures under it, sorted.

    A folder that may not be looked into stays among them: whoever reads it is told. InputError when there is no
    capture in a folder.
    """
    found: dict[str, None] = {}
    for name in names:
        if not os.path.isdir(name):
            found[name] = None
            continue
        inside = sorted(_under(name))
        if not inside:
            raise InputError(f"{name}: this directory holds no capture, no file ending in {' '.join(_ENDINGS)}")
        found |= dict.fromkeys(inside)
    return tuple(found)


def _under(folder: str) -> Iterator[str]:
    closed: list[OSError] = []
    for where, _, files in os.walk(folder, onerror=closed.append):
        paths = (Path(where, file) for file in files if file.lower().endswith(_ENDINGS))
        yield from (str(path) for path in paths if os.path.isfile(path))
    yield from (str(error.filename) for error in closed)
