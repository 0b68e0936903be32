"""The RFC's answers to a user's calls, in the words of the sockets API: `connection refused` is ECONNREFUSED.

Only names: RFC 9293 section 3.9.1 leaves to each system how it tells its users.
"""

from __future__ import annotations

import re

_NAMES = (
    ("refused", "ECONNREFUSED"),
    ("reset", "ECONNRESET"),
    ("user timeout", "ETIMEDOUT"),
    ("already exists", "EADDRNOTAVAIL"),
)
_BY_CALL = (
    ("does not exist", "ENOTCONN"),
    ("closing", "ENOTCONN"),
)
_SENDS = ("send", "send-urgent")


def errno_name(call: str, result: str) -> str:
    """`result` is an errno's name already when a kernel was asked, an RFC's sentence when the model was."""
    if re.fullmatch("E[A-Z0-9]+", result):
        return result
    for words, name in (*_NAMES, *_BY_CALL):
        if words in result:
            # whoever sends on what is closed gets a signal besides, SIGPIPE
            return "EPIPE" if name == "ENOTCONN" and call in _SENDS else name
    return ""
