"""The sandbox is tried once; where this user may not have one, tests that need it are skipped."""

from __future__ import annotations

import pytest

from tcpviz.errors import PermissionMissing
from tcpviz.lab import run_command


@pytest.fixture(scope="session")
def sandbox() -> None:
    try:
        with run_command(["true"]) as run:
            list(run.frames())
    except PermissionMissing as error:
        pytest.skip(str(error))
