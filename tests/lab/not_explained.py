"""What the matcher still blames wrongly: the kernel has done what the scenario says. To be emptied."""

from __future__ import annotations

NOT_EXPLAINED_YET = {
    "crash-client-opens": "an end that has forgotten the connection",
    "paws": "forged text that was refused",
    "rfc9293-figure-9": "a connection from before the capture",
    "self-connect": "a socket that is both ends",
    "time-wait-rst": "a reset after both FINs are acknowledged, which changes no outcome",
    "time-wait-rst-ignored": "a reset after both FINs are acknowledged, which changes no outcome",
}
