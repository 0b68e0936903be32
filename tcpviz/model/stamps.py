"""What the timestamps of an arriving segment say (RFC 7323): is it too old, which is echoed, whose echo is it?"""

from __future__ import annotations

from tcpviz.model.control import ControlBlock
from tcpviz.model.deviations import Deviation
from tcpviz.model.segment import Segment
from tcpviz.model.sequence import before, later
from tcpviz.value import replace


def paws(tcb: ControlBlock, segment: Segment) -> bool:
    """RFC 7323 section 5.3, R1: an older timestamp than the last one is an old duplicate's."""
    stamps = segment.options.timestamps
    return tcb.timestamps_on and stamps is not None and not segment.rst and before(stamps[0], tcb.ts_recent)


def take_timestamp(tcb: ControlBlock, segment: Segment) -> ControlBlock:
    """RFC 7323 section 4.3: the one to echo is that of the segment at the left edge of what we acknowledged."""
    stamps = segment.options.timestamps
    if not tcb.timestamps_on or stamps is None or before(tcb.rcv_acked, segment.seq):
        return tcb
    return replace(tcb, ts_recent=later(tcb.ts_recent, stamps[0]))


def echoes_another(tcb: ControlBlock, segment: Segment) -> bool:
    """It tells of a timestamp from before the first SYN, or from after the last; an echo of 0 tells of none."""
    ours, theirs = tcb.options.timestamps, segment.options.timestamps
    if Deviation.FOREIGN_ECHO not in tcb.deviations or ours is None or theirs is None or not theirs[1]:
        return False
    return before(theirs[1], ours[0]) or before(tcb.timestamp, theirs[1])
