"""What a caller can do wrong, as exceptions; a capture that breaks TCP's rules is no error but a result.

The command line turns each into one line on standard error and the exit code given here.
"""

from __future__ import annotations


class TcpvizError(Exception):
    """What is wrong, where, and what to do next, in one or two sentences."""

    exit_code = 2


class InputError(TcpvizError):
    """A file, a scenario or an option that cannot be used."""


class OutputError(TcpvizError):
    """A file that cannot be written."""


class PermissionMissing(TcpvizError):
    """The system does not let this user do it."""

    exit_code = 3


class NothingCaptured(TcpvizError):
    """A live capture ended without a matching segment."""

    exit_code = 4
