"""What all tests share: in CI nothing is skipped, and hypothesis draws the same examples every time."""

import os
from collections.abc import Generator
from typing import Any, TypeVar

import pytest
from hypothesis import settings

from tcpviz.errors import PermissionMissing
from tcpviz.lab import run_command

IN_CI = os.environ.get("CI") == "true"

settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if IN_CI else "desk")

AGAIN = 4
"""A machine that stands still for 200 ms makes TCP repeat itself: a live test has failed when it fails each time."""

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.fixture(scope="session")
def sandbox() -> None:
    """Tried once; where this user may not have one, tests that need it are skipped."""
    try:
        with run_command(["true"]) as run:
            list(run.frames())
    except PermissionMissing as error:
        pytest.skip(str(error))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("live"):
            item.add_marker(pytest.mark.flaky(reruns=AGAIN))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _forbid_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _forbid_skip((yield))


def _forbid_skip(report: Report) -> Report:
    """A machine that lacks a privilege or a program may skip a test, unless it is CI."""
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI=true forbids: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What tests have recorded for people to read."""
    for report in terminalreporter.stats.get("passed", []):
        for name, value in getattr(report, "user_properties", ()):
            terminalreporter.write_line(f"{name}: {value}")
