"""What this process may do: what to type when it may not listen, and giving up what it needs no more.

A capture needs root to open its socket and for nothing after that. Nothing here is done unless a program asks for it.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shlex
import shutil
import struct
import sys
from collections.abc import Iterable
from ctypes import create_string_buffer
from pathlib import Path
from typing import NamedTuple

# linux/capability.h: twice effective, permitted, inheritable; the low 32 bits of each first
_SETS = struct.Struct("@6I")
_HEADER = struct.pack("@Ii", 0x20080522, 0)
"""_LINUX_CAPABILITY_VERSION_3, this thread."""
_CAP_CHOWN, _CAP_DAC_OVERRIDE = 0, 1
_PR_SET_NO_NEW_PRIVS = 38  # linux/prctl.h


def sudo_command() -> str:
    """The command as it was typed, under sudo, which wants the program's full path: its own PATH is another."""
    if os.path.basename(sys.argv[0]) == "tcpviz":
        program = os.path.abspath(shutil.which(sys.argv[0]) or sys.argv[0])
        return f"sudo {shlex.join([program, *sys.argv[1:]])}"
    beside = os.path.join(os.path.dirname(sys.executable), "tcpviz")
    program = beside if os.path.exists(beside) else shutil.which("tcpviz") or "tcpviz"
    return f"sudo {shlex.quote(program)} capture ..."


def lay_down(folders: Iterable[Path] = ()) -> None:
    """Give up, for good, what is not needed to write into `folders`.

    Under sudo the process becomes the invoking user. Where that user may not write there, or not even read this
    program, and for root without sudo, it gives up root's capabilities instead, save those for writing if need be
    and for handing files over to the invoking user.
    """
    folders = tuple(folders)
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)  # nor may a program that we start have more
    invoker = _invoker()
    if invoker and _suffices(invoker, folders):
        invoker.become()
        return
    permitted = _permitted()
    _set_capabilities(effective=0, permitted=permitted)
    needed = (0 if _writable(folders) else 1 << _CAP_DAC_OVERRIDE) | (1 << _CAP_CHOWN if invoker else 0)
    needed &= permitted
    _set_capabilities(effective=needed, permitted=needed)


class _User(NamedTuple):
    user: int
    group: int
    groups: list[int]
    home: str

    def become(self) -> None:
        os.setgroups(self.groups)
        os.setresgid(self.group, self.group, self.group)
        os.setresuid(self.user, self.user, self.user)
        os.environ["HOME"] = self.home  # for the caches of what we import


def _invoker() -> _User | None:
    """Whoever called sudo; None when nobody did, or when it was root."""
    user, group = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
    if os.geteuid() != 0 or not (user.isdecimal() and group.isdecimal() and int(user)):
        return None
    try:
        known = pwd.getpwuid(int(user))
    except KeyError:
        return _User(int(user), int(group), [int(group)], "/")
    return _User(int(user), int(group), os.getgrouplist(known.pw_name, int(group)), known.pw_dir)


def _suffices(invoker: _User, folders: Iterable[Path]) -> bool:
    """Tried, with a way back."""
    before = os.getgroups(), os.getegid()
    modules = [place for place in sys.path if os.path.isdir(place)]
    try:
        os.setgroups(invoker.groups)
        os.setegid(invoker.group)
        os.seteuid(invoker.user)
        return _writable(folders) and all(os.access(place, os.R_OK | os.X_OK, effective_ids=True) for place in modules)
    finally:
        os.seteuid(0)
        os.setegid(before[1])
        os.setgroups(before[0])


def _writable(folders: Iterable[Path]) -> bool:
    return all(os.access(folder, os.W_OK | os.X_OK, effective_ids=True) for folder in folders)


def _permitted() -> int:
    sets = create_string_buffer(_SETS.size)
    ctypes.CDLL(None).capget(_HEADER, sets)
    _, low, _, _, high, _ = _SETS.unpack(sets.raw)
    return int(low) | int(high) << 32


def _set_capabilities(effective: int, permitted: int) -> None:
    low, high = ((effective >> shift & 0xFFFFFFFF, permitted >> shift & 0xFFFFFFFF, 0) for shift in (0, 32))
    if ctypes.CDLL(None, use_errno=True).capset(_HEADER, _SETS.pack(*low, *high)):
        raise OSError(ctypes.get_errno(), "capabilities cannot be given up")
