"""What the matcher still blames wrongly: the kernel has done what the scenario says. To be emptied."""

from __future__ import annotations

NOT_EXPLAINED_YET = {
    "blind-rst": "a forged reset that was refused",
    "crash-client-opens": "an end that has forgotten the connection",
    "duplicated-syn": "the answer to a segment that the network has doubled",
    "paws": "forged text that was refused",
    "reordered-fin": "segments that overtook each other",
    "rfc9293-figure-7": "the ACK that Linux sends in a simultaneous open",
    "rfc9293-figure-9": "a connection from before the capture",
    "self-connect": "a socket that is both ends",
    "simultaneous-open": "the ACK that Linux sends in a simultaneous open",
}
