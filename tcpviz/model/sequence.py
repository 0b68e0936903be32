"""Sequence numbers: 32 bits, compared around the circle (RFC 9293 section 3.4).

Numbers are plain integers in 0..2**32-1; an order between two of them means something only when they
lie within 2**31 of each other.
"""

MODULUS = 2**32
_HALF = 2**31


def add(number: int, octets: int) -> int:
    """The sequence number `octets` further along (or back, when negative)."""
    return (number + octets) % MODULUS


def distance(start: int, end: int) -> int:
    """Signed octets from `start` to `end`, the shorter way round: -2**31 .. 2**31-1."""
    return (end - start + _HALF) % MODULUS - _HALF


def before(a: int, b: int) -> bool:
    """a < b on the circle."""
    return distance(a, b) > 0


def at_or_before(a: int, b: int) -> bool:
    """a =< b on the circle."""
    return distance(a, b) >= 0


def lies_in(number: int, block: tuple[int, int]) -> bool:
    """In the half-open range."""
    return at_or_before(block[0], number) and before(number, block[1])


def later(a: int, b: int) -> int:
    """Whichever of the two is further along."""
    return b if before(a, b) else a
