"""The scenario behind a captured connection: what was called, and what the network did.

`calls` reads off the exchange what the ends called and brought along; `network` finds by playing what must have
happened on the way. Imports `simulate`, and no capture.
"""

from tcpviz.exchange.behind.network import Behind, behind

__all__ = ["Behind", "behind"]
