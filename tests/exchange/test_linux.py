"""What Linux was captured doing, each cut down to the segments that matter; beside each a neighbour that is wrong."""

from __future__ import annotations

import pytest
from wire import blamed, peer, stack

from tcpviz.model.segment import ACK, FIN, PSH, RST, SYN

OPEN = (peer(SYN, 0), stack(SYN | ACK, 0, 1), peer(ACK, 1, 1))


@pytest.mark.parametrize(("text", "wrong"), [(5, []), (0, [8])])
@pytest.mark.parametrize("flags", [RST, RST | ACK])
def test_close_resets_after_shutdown_too_where_text_is_unread(text: int, wrong: list[int], flags: int) -> None:
    """In LAST-ACK: shutdown() has sent the FIN, close() then leaves unread what had come."""
    heard = (peer(PSH | ACK, 1, 1, 5), stack(ACK, 1, 6)) if text else (peer(ACK, 0, 1), stack(ACK, 1, 1))
    closing = (peer(FIN | ACK, 1 + text, 1), stack(FIN | ACK, 1, 2 + text))
    reset = stack(flags, 2, 2 + text if flags & ACK else None)
    assert blamed(*OPEN, *heard, *closing, reset) == wrong
