"""What to type when this user may not listen. Used in messages only."""

from __future__ import annotations

import os
import shlex
import shutil
import sys


def sudo_command() -> str:
    """The command as it was typed, under sudo, which wants the program's full path: its own PATH is another."""
    if os.path.basename(sys.argv[0]) == "tcpviz":
        program = os.path.abspath(shutil.which(sys.argv[0]) or sys.argv[0])
        return f"sudo {shlex.join([program, *sys.argv[1:]])}"
    beside = os.path.join(os.path.dirname(sys.executable), "tcpviz")
    program = beside if os.path.exists(beside) else shutil.which("tcpviz") or "tcpviz"
    return f"sudo {shlex.quote(program)} capture ..."
