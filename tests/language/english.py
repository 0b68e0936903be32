"""English that is left over in Chinese text.

A word with a small letter may stand only where a translation has it too (`connect()`, `root`), or as a name: of a
field, a unit, a call, a scenario, a deviation, a dialect, a header, or of whatever the caller has named.
"""

from __future__ import annotations

import re
from functools import cache

import catalogue

from tcpviz.exchange import headers, library
from tcpviz.exchange.notation import VERBS
from tcpviz.exchange.policy import POLICIES
from tcpviz.model.deviations import Deviation

WORD = re.compile(r"(?<!\w)[A-Za-z](?:[A-Za-z'-]*[A-Za-z])?(?![\w…])", re.ASCII)
NOTATION = "seq ack len win mss wscale sack sack-permitted tsval tsecr TSval TSecr fast-open s ms µs ns kB MB tcp"
"""Names of fields and units, as ladders and pictures write them in any language."""
OCTETS = re.compile(r"^  [0-9a-f]{4}  .*$|\b(?:[0-9a-f]{2} ?)+(?=\s|\||$)", re.MULTILINE)
"""What a dump of octets says is the sender's affair."""


@cache
def known() -> frozenset[str]:
    """What is no English left over: words of the translations themselves, and names."""
    translations = [str(message.string) for message in catalogue.read("zh") if message.id]
    kinds = [value.name for value in vars(headers).values() if isinstance(value, headers.Kind)]
    names = [*VERBS, *(d.label for d in Deviation), *POLICIES, *library.names(), *kinds, NOTATION]
    return frozenset(word for text in (*translations, *names) for word in (*WORD.findall(text), *text.split()))


def left(text: str, *named: str) -> list[str]:
    for name in named:
        text = text.replace(name, "")
    return [word for word in WORD.findall(text) if not word.isupper() and len(word) > 1 and word not in known()]
