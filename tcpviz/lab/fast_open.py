"""TCP Fast Open as the kernel has it (RFC 7413): a cookie is known because there was a connection before.

A scenario whose client knows its cookie begins after that connection, which nobody records.
"""

from __future__ import annotations

import socket
import time

from tcpviz.exchange.exchange import Side
from tcpviz.exchange.scenario import Scenario
from tcpviz.lab.stage import Stage

_QUEUE = 16
PORT = 9
"""Of the earlier connection: the cookie is the same for all ports."""
_PATIENCE, _PAUSE = 10.0, 0.01


def allow(listener: socket.socket) -> None:
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, _QUEUE)


def acquaint(scenario: Scenario, side: Side, stage: Stage) -> None:
    """Both sides call this at once, each on its machine."""
    if not scenario.client.fast_open:
        return
    address = stage.address(scenario.server)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    if side == "server":
        with socket.create_server((address, PORT), family=family) as listener:
            allow(listener)
            connection, _ = listener.accept()
            with connection:
                connection.recv(1)
        return
    until = time.monotonic() + _PATIENCE
    while True:
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            try:
                sock.sendto(b"!", socket.MSG_FASTOPEN, (address, PORT))
                return
            except ConnectionRefusedError:  # the other side is not that far yet
                if time.monotonic() > until:
                    raise
        time.sleep(_PAUSE)  # another machine tells nobody that it has begun to listen: one can only try
