"""Where results go: the endings that say the format, and files written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tcpviz.cli.speech import echo, inert
from tcpviz.errors import OutputError
from tcpviz.language import ENGLISH, Language
from tcpviz.model.sentence import Sentence

if TYPE_CHECKING:
    from tcpviz.frames import Writer

STANDARD_OUTPUT = "-"


def targets(paths: Iterable[str], known: Collection[str], where: str = "here") -> tuple[Path, ...]:
    """The files to write, checked before any work is done. `-` is standard output, where data goes anyway."""
    checked = []
    for name in paths:
        if name == STANDARD_OUTPUT:
            continue
        path = Path(name)
        if path.suffix.lower() not in known:
            raise OutputError(f"{name}: the ending says the format; known {where} are {' '.join(sorted(known))}")
        if path.is_dir():
            raise OutputError(f"{name}: cannot be written: it is a directory")
        folder = path.parent
        if not folder.is_dir():
            raise OutputError(f"{name}: cannot be written: there is no directory {folder}")
        if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
            raise OutputError(f"{name}: cannot be written: permission denied")
        checked.append(path)
    distinct((str(path), path) for path in checked)
    return tuple(checked)


def distinct(claims: Iterable[tuple[str, Path]]) -> None:
    """Refuse to write a file twice: each claim is an output, as it was asked for, and a file that it may write."""
    asked: dict[Path, str] = {}
    for name, path in claims:
        file = path.resolve()
        if file in asked:
            raise OutputError(f"{path} would be written twice: for -o {asked[file]} and for -o {name}")
        asked[file] = name


def unnumbered(folder: Path | None, paths: Iterable[Path]) -> None:
    """Refuse what a numbered picture in `folder` may be called."""
    if folder is None:
        return
    for path in paths:
        if path.parent.resolve() == folder.resolve() and path.suffix.lower() == ".png" and path.stem.isdecimal():
            raise OutputError(f"{path} would be written twice: --steps numbers its pictures there")


def tell(sentence: Sentence, language: Language = ENGLISH) -> None:
    """A message, which goes to standard error."""
    echo(language.text([sentence]), err=True, nl=False)


def warn(sentence: Sentence, language: Language) -> None:
    """What is not as it should be, and stops nothing."""
    tell(Sentence("tcpviz: warning: {}", sentence), language)


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write beside the target and rename at the end, so that nobody ever sees half of it."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                yield stream
            hand_over(temporary)
            os.replace(temporary, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error
    echo(f"wrote {path}", err=True)


def write_whole(path: Path, data: bytes) -> None:
    with whole(path) as stream:
        stream.write(data)


def write_text(path: Path, text: str) -> None:
    """Lines that somebody will look at in a terminal."""
    write_whole(path, inert(text).encode())


def hand_over(path: str) -> None:
    """Give a new file the usual permissions and, under sudo, to the user who called it."""
    mask = os.umask(0)
    os.umask(mask)
    os.chmod(path, 0o666 & ~mask)
    user, group = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if os.geteuid() == 0 and user and group:
        os.chown(path, int(user), int(group))


@contextmanager
def recording(path: Path) -> Iterator[Writer]:
    """A capture that grows as NAME.part and gets its name at the end; a kill leaves the readable part.

    Without a single record there is nothing to keep.
    """
    from tcpviz.frames import Writer

    part = path.with_name(f"{path.name}.part")
    with Writer(str(part), "pcapng" if path.suffix.lower() == ".pcapng" else "pcap") as writer:
        hand_over(str(part))
        empty = part.stat().st_size
        yield writer
        writer.flush()
        kept = part.stat().st_size > empty
    if kept:
        os.replace(part, path)
        echo(f"wrote {path}", err=True)
    else:
        part.unlink()
