"""Which files are meant: a folder stands for all captures under it.

Goes by the endings of names; what a file really holds is found out by reading it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tcpviz.errors import InputError

_ENDINGS = tuple(f"{ending}{packed}" for ending in (".pcap", ".pcapng", ".cap") for packed in ("", ".gz"))


def capture_files(names: Iterable[str]) -> tuple[str, ...]:
    """Files as they are named, each once; in place of a folder all captures under it, sorted.

    InputError when there is none in a folder.
    """
    found: dict[str, None] = {}
    for name in names:
        if not Path(name).is_dir():
            found[name] = None
            continue
        inside = sorted(str(path) for path in Path(name).rglob("*") if _is_capture(path))
        if not inside:
            raise InputError(f"{name}: this directory holds no capture, no file ending in {' '.join(_ENDINGS)}")
        found |= dict.fromkeys(inside)
    return tuple(found)


def _is_capture(path: Path) -> bool:
    return path.name.lower().endswith(_ENDINGS) and path.is_file()
