"""Accounts of a connection compete: each captured segment extends them, and the cheapest stay.

Where no run explains a segment, each gives way to others that assume more: that the capture lacks frames, or that the
segment breaks the rules. What comes later decides which was cheaper.
"""

from __future__ import annotations

from collections.abc import Iterator

from tcpviz.exchange.capture import OFFSET, Flaw
from tcpviz.exchange.exchange import SIDES
from tcpviz.exchange.matching.account import SWAPPED, Account, Unseen, counted
from tcpviz.exchange.matching.assume import assume
from tcpviz.exchange.matching.difference import Difference, Miss
from tcpviz.exchange.matching.explain import explain, nearly, nobodys, unwanted
from tcpviz.exchange.matching.guess import NOT_CAPTURED, VIOLATION
from tcpviz.exchange.matching.observation import Observation
from tcpviz.exchange.matching.opening import shifted
from tcpviz.exchange.matching.past import (
    LATE,
    End,
    Entry,
    Pending,
    aborted_first,
    extremes,
    instead,
    lags,
    same,
    sent_instead,
    was_first,
    was_sent,
)
from tcpviz.model.commands import Emit, Kind
from tcpviz.model.segment import ACK, FIN, RST, SYN, Segment
from tcpviz.model.sentence import Sentence
from tcpviz.model.sequence import distance
from tcpviz.model.transitions import UNCONNECTED
from tcpviz.value import replace

_MOST_ACCOUNTS, _FEW_ACCOUNTS = 6, 3
"""So many are kept, the cheapest; fewer where much is missing or wrong. Here, too, the search is cut."""
_MOST_BLAMES = 3
NO_LIMIT = 1_000_000
_MARGIN = VIOLATION + NOT_CAPTURED
"""An account that costs so much more than the best will not become the best any more."""
_PATIENCE = 64
"""After so many segments a blame that has not become the cheapest explanation is given up."""
_COPY = 10
"""The cost of a copy that the network made."""
_NOTHING, _FLAGS = 4, 3
"""How much more it costs to say only that nothing of the kind was to be sent, or something with several other flags."""
_FORGED, _RECOUNTED = 2, 25
"""After a violation: a third party sent it; the sender counts from there on."""
_AGAIN = 15
"""The cost of another reset in somebody's name, where there was one, besides `_NOTHING`."""
SHOWN = 20
"""So much less costs a fault where what follows shows what had been sent."""
_LEAST_OFFSET = 5
"""What a header without options says (RFC 9293 section 3.1)."""
_ONE_WAY = 5
"""The cost of an unseen segment from an end of which nothing was captured."""
_COPIED, _OVERTAKEN = Sentence("a copy that the network made"), Sentence("was sent before, and captured late")
_SWAPPED_WHY = Sentence("was sent a moment before, and captured late")
_RARER = (100, 100, 70, 50, 35)
"""In percent, what the first, second ... frame costs that the capture lacks."""


def extend(accounts: list[Account], seen: Observation, *, alone: bool, limit: int = NO_LIMIT) -> list[Account]:
    """All accounts, extended by a captured segment. `alone`: nothing is known of the other end.

    Accounts that cost `limit` are of no use; there may be none left.
    """
    accounts = [account.counted(seen).requested(seen) for account in accounts]
    if seen.was_sent and (late := [_late(account, seen) for account in accounts if _may_be_late(account, seen)]):
        return _cheapest(late, limit, seen.index)
    ways = _explained(accounts, seen)
    grown = [
        account.repeated(seen).having(seen.side, found).receives(seen.peer, *seen.versions)
        for account, found in zip(accounts, ways, strict=True)
        if found
    ]
    best = _least(grown)
    for account, found in sorted(zip(accounts, ways, strict=True), key=lambda pair: pair[0].total):
        grown += _late_for_sure(account, seen, explained=bool(found))
        if _is_forged_again(account, seen):
            grown.append(_blamed(account, seen, [unwanted(account.best(seen.side), seen.segment)], _AGAIN - VIOLATION))
        if found or account.total > best:
            continue
        grown += _late_or_copied(account, seen)
        assumed = _assuming(account, seen, alone=alone)
        grown += assumed
        if assumed and seen.is_ahead:
            continue
        if account.total + VIOLATION < limit and account.total + VIOLATION <= _least(grown) + _MARGIN:
            grown += _blaming(account, seen)
    return _cheapest(grown, limit, seen.index)


def _is_forged_again(account: Account, seen: Observation) -> bool:
    """Another reset without ACK, where one was somebody else's: a packet filter answers whatever comes again."""
    forged = (seen.earlier[index].segment for index, _ in account.blames)
    return _is_bare(seen.segment) and any(_is_bare(segment) for segment in forged)


def _is_bare(segment: Segment) -> bool:
    return segment.flags & (RST | ACK | SYN | FIN) == RST


def _late_for_sure(account: Account, seen: Observation, *, explained: bool) -> Iterator[Account]:
    """A clock says that it was captured late, or it is what was missing, and can have been sent no later."""
    own = account.best(seen.side)
    sent = seen.is_repeated or was_sent(own, seen.segment)
    known = seen.is_stale and (sent or (own.state in UNCONNECTED and seen.has_outlived_its_sender))
    if known and (seen.age or not explained):
        yield _known(account, seen, _OVERTAKEN, "out-of-order", LATE)
    if aborted_first(own, seen.segment) and seen.is_tied:
        yield _known(account, seen, _SWAPPED_WHY, "out-of-order", SWAPPED)
    missing = [account.unseen[n].emit.segment for n in account.missing if account.is_missing(n, seen)]
    # after a reset only what had been missing exactly
    whole = own.state in UNCONNECTED and any(segment.end == seen.segment.end for segment in missing)
    if missing and not explained and (seen.is_outdated or whole):
        yield _known(account.repeated(seen), seen, _OVERTAKEN, "out-of-order", LATE, account)


def _late_or_copied(account: Account, seen: Observation) -> Iterator[Account]:
    """Nothing but what it says itself tells when it was sent, or that the network has copied it."""
    if seen.was_overtaken:
        yield _known(account, seen, _OVERTAKEN, "out-of-order", _COPY)
    if seen.is_repeated or _repeats_blamed(account, seen):
        # of bare ACKs a stack may send two alike, but not for nothing
        cost = _COPY if seen.segment.span or seen.segment.rst else NOT_CAPTURED
        yield _known(account, seen, _COPIED, "duplicate", cost)
    own = account.best(seen.side)
    outlived = own.state in UNCONNECTED and seen.has_outlived_its_sender
    if seen.is_tied and (outlived or was_first(own, seen.segment)):
        yield _known(account, seen, _SWAPPED_WHY, "out-of-order", SWAPPED)


def _repeats_blamed(account: Account, seen: Observation) -> bool:
    """A copy of what was sent before somebody changed it."""
    emits = [sent_instead(miss.end, index) for index, miss in account.blames if seen.earlier[index].side == seen.side]
    sent = [(emit.segment.seq, emit.segment.ack, emit.segment.flags, emit.segment.length) for emit in emits if emit]
    return (seen.segment.seq, seen.segment.ack, seen.segment.flags, seen.segment.length) in sent


def _explained(accounts: list[Account], seen: Observation) -> list[list[End]]:
    """For each account the pasts that end in this segment."""
    answers: dict[int, list[End]] = {}
    ways: list[list[End]] = []
    for account in accounts:
        found: list[End] = []
        explaining: list[End] = []
        for end in sorted(account.ends(seen.side), key=lambda end: len(end.pending)):
            # accounts share most of their pasts
            if id(end) not in answers:
                lagging = any(other.cost <= end.cost and lags(end, other) for other in explaining)
                answers[id(end)] = explain(end, seen.index, seen.segment, lagging=lagging)
            if answers[id(end)]:
                explaining.append(end)
                found += answers[id(end)]
        ways.append(found)
    return ways


def blame(
    accounts: list[Account], seen: Observation, meant: tuple[Segment, ...], limit: int, *, foreign: bool = False
) -> list[Account]:
    """All accounts, had this segment been wrong though runs explain it; `meant`: what else it may have been.

    `foreign`: it is shown to have been nobody's.
    """
    found = [new for account in accounts for new in _blaming(account, seen, meant)]
    if foreign:
        likely = [(account, account.best(seen.side)) for account in accounts]
        # but first what it may have been
        found += [_blamed(account, seen, [nobodys(end, seen.segment)], _MOST_BLAMES - SHOWN) for account, end in likely]
    return _cheapest(found, limit, seen.index)


def likelier(accounts: list[Account], seen: Observation) -> list[Account]:
    """Those of these accounts that can still become the best, after this segment."""
    return _cheapest(accounts, NO_LIMIT, seen.index)


def _may_be_late(account: Account, seen: Observation) -> bool:
    """Nothing in it speaks against what its sender's count says."""
    sent = (end.state in UNCONNECTED or was_sent(end, seen.segment) for end in account.ends(seen.side))
    return seen.is_repeated or any(sent)


def _late(account: Account, seen: Observation) -> Account:
    """Its sender's count says that it was sent before: the network's doing, which costs nothing."""
    if seen.is_repeated:
        return _known(account, seen, _COPIED, "duplicate", 0)
    return _known(account.repeated(seen), seen, _OVERTAKEN, "out-of-order", 0, account)


def _known(
    account: Account, seen: Observation, why: Sentence, kind: Kind, cost: int, before: Account | None = None
) -> Account:
    """A segment that changes nothing for its sender. `before`: the account that may still be missing it."""
    # old duplicates are discarded, and "further processing is done in SEG.SEQ order"
    emit = Emit(seen.segment, why, "3.4" if kind == "duplicate" else "3.10.7.4", kind)
    ends = [
        end.noted(Entry(seen.index, True, end.state, end.state, emit=emit), end.endpoint)
        for end in account.ends(seen.side)
    ]
    # that a bare ACK is a copy is a guess
    known = account.disturbed() if cost <= _COPY else account
    grown = known._replace(cost=known.cost + cost).having(seen.side, ends)
    found = [-1 - n for n in before.missing if before.is_missing(n, seen)] if before else []
    if found:
        return grown.having(seen.peer, [instead(end, found[0], seen.pending) for end in grown.ends(seen.peer)])
    return grown.receives(seen.peer, seen.pending)


def _assuming(account: Account, seen: Observation, *, alone: bool) -> list[Account]:
    """Frames that the capture lacks are likelier the more it lacks, and where it lacks all from one end."""
    side, peer = seen.side, seen.peer
    receiver = account.best(peer)
    found: list[Account] = []
    ends = extremes(account.ends(side))
    for n, end in enumerate(ends):
        # who has processed more explains it already
        lagging = any(lags(end, other) for other in ends[:n]) and bool(found)
        first = -1 - len(account.unseen)
        guesses = assume(end, receiver, first, seen.index, seen.segment, lagging=lagging, alone=alone)
        for guess, ways in guesses:
            unseen, cost = [*account.unseen], guess.cost
            for ours, emit, price in guess.unseen:
                origin = side if ours else peer
                if ours and (seen.is_ahead or seen.adjoins):
                    paid = counted(seen, emit, price)
                elif origin == peer and seen.is_one_way:
                    paid = _ONE_WAY
                else:
                    paid = price * _RARER[min(len(unseen), 4)] // 100
                unseen.append(Unseen(seen.index, origin, emit, paid, seen.time, sooner=ours, counted=ours))
                cost += paid
            missing = (*account.missing, *range(len(account.unseen), len(unseen)))
            grown = account
            if guess.copy:
                # it was sent once, and captured
                unseen.append(Unseen(seen.index, peer, guess.copy[0], 0, seen.time))
                grown = account.disturbed(guess.copy[1])
            grown = grown._replace(cost=grown.cost + cost, unseen=tuple(unseen), missing=missing)
            grown = grown.having(side, ways).having(peer, [guess.receiver])
            found.append(grown.receives(peer, seen.pending))
    return found


def _blaming(account: Account, seen: Observation, meant: tuple[Segment, ...] = ()) -> list[Account]:
    """The segment breaks the rules; the likeliest ways in which it does."""
    ends = account.ends(seen.side)
    likely = sorted(ends, key=lambda end: end.cost)[:_MOST_BLAMES]
    misses = [miss for end in likely for miss in nearly(end, seen.index, seen.segment, meant)]
    misses += [unwanted(end, seen.segment) for end in ends]
    if seen.frame.offset is not None:
        # no run may send what was meant either; or all but the offset is right
        sent = [Miss(way, (), "") for end in likely for way in explain(end, seen.index, seen.segment)]
        known = [miss for miss in misses if miss.meant] or [*sent, *misses]
        misses = [_at_offset(miss, seen, seen.frame.offset) for miss in known]
    elif seen.frame.flaw and seen.frame.flaw.field == OFFSET:
        misses = [_too_early(miss, seen.segment.length, seen.frame.flaw) for miss in misses]
    different: dict[tuple[Difference, ...], list[Miss]] = {}
    for miss in sorted(misses, key=lambda miss: miss.severity):
        different.setdefault(miss.differences, []).append(miss)
    return [_blamed(account, seen, alike, rank) for rank, alike in enumerate(list(different.values())[:_MOST_BLAMES])]


def _at_offset(miss: Miss, seen: Observation, told: int) -> Miss:
    """Whatever else there is to say, its header ends nowhere, or goes on where IP says that all ends."""
    length = seen.segment.length if miss.meant is None else miss.meant.length
    if seen.frame.held is not None:
        section = "RFC 8200 3" if ":" in seen.frame.source.host else "RFC 791 3.1"
        short = Difference(Sentence("length"), Sentence("below zero"), length)
        return miss._replace(differences=(short,), section=section)
    allowed = (seen.segment.length - length) // 4 + _LEAST_OFFSET
    return miss._replace(differences=(Difference(Sentence("data offset"), told, allowed),), section="RFC 9293 3.1")


def _too_early(miss: Miss, length: int, flaw: Flaw) -> Miss:
    """Where the header's end was meant to be, the text is as much shorter."""
    less = 4 * (int(flaw.right) - flaw.told)
    if miss.differences[0][:3] != ("length", length, length - less):
        return miss
    return miss._replace(differences=(Difference(flaw.field, flaw.told, flaw.right),), section=flaw.section)


def _blamed(account: Account, seen: Observation, alike: list[Miss], rank: int) -> Account:
    """What follows may answer what was sent or what should have been. `alike`: with the same differences."""
    observed, miss = seen.segment, alike[0]
    senders = [*(one.end for one in alike[:_MOST_BLAMES]), *_recounted(miss, miss.end, ours=True)]
    senders += [end._replace(cost=end.cost + _FORGED) for end in account.ends(seen.side)]
    nothing = any(difference.reason for difference in miss.differences)
    vague = _NOTHING if nothing else _FLAGS * (miss.flags > 1)
    cost = account.cost + VIOLATION + rank + vague - (SHOWN if miss.meant else 0)
    grown = account._replace(cost=cost, blames=(*account.blames, (seen.index, miss)))
    grown = grown.having(seen.side, senders)
    emit = sent_instead(miss.end, seen.index)
    instead = miss.meant or (emit and replace(emit.segment, options=observed.options, window=observed.window))
    versions = (seen.pending, Pending(seen.index, instead)) if instead else (seen.pending,)
    if miss.meant:
        versions = versions[::-1]  # of two that explain the same the one that what follows has shown
    untouched: list[End] = []
    if seen.peer != seen.side and account.ends(seen.peer):
        recounted = [new for end in account.ends(seen.peer) for new in _recounted(miss, end, ours=False)]
        grown = grown.having(seen.peer, [*account.ends(seen.peer), *recounted])
        if instead is None:
            untouched = [end._replace(cost=end.cost + LATE) for end in account.ends(seen.peer)]
    grown = grown.receives(seen.peer, *versions)
    return grown.having(seen.peer, [*grown.ends(seen.peer), *untouched]) if untouched else grown


def _recounted(miss: Miss, end: End, *, ours: bool) -> list[End]:
    """For a wrong number: the same end, had that number been right all along. `ours`: the segment's sender."""
    for name, observed, allowed, _ in miss.differences:
        if name in ("seq", "ack") and isinstance(observed, int) and isinstance(allowed, int):
            offset = distance(allowed, observed)
            if (name == "seq") == ours:
                return [shifted(end, send=offset, cost=_RECOUNTED)]
            return [shifted(end, receive=offset, cost=_RECOUNTED)]
        if name == "length" and ours and isinstance(observed, int) and isinstance(allowed, int):
            return [shifted(end, send=observed - allowed, cost=_RECOUNTED)]
    return []


def _least(accounts: list[Account]) -> int:
    return min((account.total for account in accounts), default=NO_LIMIT)


def _cheapest(accounts: list[Account], limit: int, index: int) -> list[Account]:
    """The few that can still become the best, after segment `index`."""
    if len(accounts) == 1:
        return accounts if accounts[0].total < limit else []
    totals = sorted((account.total, -account.waiting, n) for n, account in enumerate(accounts))
    if not totals:
        return []
    most = totals[0][0] + _MARGIN
    best = accounts[totals[0][2]]
    count = _MOST_ACCOUNTS if totals[0][0] < 2 * _MARGIN else _FEW_ACCOUNTS
    kept: list[Account] = []
    for total, _, n in totals:
        if total > most or total >= limit or len(kept) == count:
            break
        if total >= totals[0][0] + NOT_CAPTURED and _is_refuted(accounts[n], best, index):
            continue
        if not any(_outdoes(other, accounts[n]) for other in kept):
            kept.append(accounts[n])
    return kept


def _is_refuted(account: Account, best: Account, index: int) -> bool:
    """It blames a segment that the best does not, and nothing that came since has spoken for that.

    Here the search is cut: what would need more segments to show is not found.
    """
    known = {at for at, _ in best.blames}
    return any(at < index - _PATIENCE and at not in known for at, _ in account.blames)


def _outdoes(account: Account, other: Account) -> bool:
    """Whatever comes, the other explains no more of it, and never at less: nor can its copies become likelier."""
    return (
        account.open == other.open
        and account.copies >= other.copies
        and all(
            any(
                end.cost + account.cost <= theirs.cost + other.cost and (same(end, theirs) or lags(end, theirs))
                for end in account.ends(side)
            )
            for side in SIDES
            for theirs in other.ends(side)
        )
    )
