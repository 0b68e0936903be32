"""One connection, being explained: takes its segments one by one, and goes back where hindsight explains more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy

from tcpviz.exchange.capture import OFFSET, OPTIONS, Address, Frame
from tcpviz.exchange.exchange import SIDES, Connection, Side, other
from tcpviz.exchange.matching.account import Account
from tcpviz.exchange.matching.competition import NO_LIMIT, SHOWN, blame, extend, likelier
from tcpviz.exchange.matching.guess import VIOLATION
from tcpviz.exchange.matching.haste import haste
from tcpviz.exchange.matching.hindsight import is_foreign, meant, outlives
from tcpviz.exchange.matching.observation import Observation
from tcpviz.exchange.matching.oddities import Oddities
from tcpviz.exchange.matching.opening import opening, uncut
from tcpviz.exchange.matching.order import Order
from tcpviz.exchange.matching.outliers import looked_again
from tcpviz.exchange.matching.verdicts import Verdicts
from tcpviz.exchange.story import PartyStory
from tcpviz.model.segment import ACK, FIN, RST, SYN, Segment
from tcpviz.model.sequence import add, before
from tcpviz.model.transitions import UNCONNECTED, State
from tcpviz.value import replace

_OVER = (*UNCONNECTED, State.TIME_WAIT)
_HINDSIGHT = 8
"""How far before the first blame another may be looked for."""
_MOST_REMEMBERED, _MOST_RECONSIDERED, _MOST_DOUBTS = 2000, 60, 12
"""How many segments back it is possible to go; how many, and after how many doubts, it is worth while in the end."""
_CASCADE, _PATIENCE, _FARTHEST = 3, 64, 256
"""So many blames, each so many segments after the one before at most, may all be the fault of an earlier segment; it is
looked for no farther back than that."""
_SETTLED = 16
"""So many segments after a blame, what follows shows as a rule whether it was another's fault; else, if text is not
acknowledged sooner, after `_PATIENCE`."""
_WORTHWHILE, _DOUBT = 15, 20 + SHOWN
"""A single blame that leaves nothing else to be assumed is reconsidered only where what follows shows another fault."""


class Tracker:
    """`judges`: the ends that are held to the rules; the other's segments are only what arrives."""

    def __init__(self, frame: Frame, segment: Segment, judges: tuple[Side, ...] = SIDES) -> None:
        """`segment` is what opens the story: as a rule the frame's, but see `reconsidered`."""
        sender, receiver = map(tuple, opening(segment))
        answers = segment.syn and segment.has_ack
        # without a SYN, the receiver of a SYN,ACK is the client, else the first sender
        addresses: dict[Side, Address] = {"client": frame.source, "server": frame.destination}
        if answers:
            addresses = {"client": frame.destination, "server": frame.source}
        self.to_itself = frame.source == frame.destination
        """A socket that was connected to itself: there is one end."""
        self._judges = judges
        account = Account(receiver, sender) if answers else Account(sender, receiver)
        self._accounts = [account._replace(server=()) if self.to_itself else account]
        self.saw_start = segment.syn and not answers
        self._parties: dict[Side, PartyStory] = {
            "client": PartyStory(addresses["client"], account.client[0].state),
            "server": PartyStory(addresses["server"], account.server[0].state),
        }
        self._oddities = Oddities()
        self._orders: dict[Side, Order] = {side: Order() for side in SIDES}
        self.began: dict[Side, int] = {}
        """What each end's numbers were counted from when it was first heard of."""
        self.farthest: dict[Side, Observation] = {}
        """Where each end's numbers have come to."""
        self._bounced: dict[Side, int] = {}
        """When each end was told of a loss by ICMP."""
        self._doubts: dict[int, Callable[[Account], Account]] = {}
        """What casts doubt upon an account after each of these segments."""
        self._resets: dict[Side, int] = {}
        """The newest reset and in whose name it came, if nobody has opened since."""
        self._reordered: set[Side] = set()
        """Whose segments were seen in another order than they were sent."""
        self._history: dict[int, list[Account]] = {}
        """The accounts before each of the last segments, to go back to."""
        self._looks_back, self._looks_again = _CASCADE, (0, 0)
        """At so many blames, and at these segments."""
        self.judged: list[Observation] = []

    def side_of(self, frame: Frame) -> Side:
        return "client" if frame.source == self._parties["client"].address else "server"

    def is_judged(self, side: Side) -> bool:
        return side in self._judges

    def judges_with(self, client: Address) -> tuple[Side, ...]:
        """Under which names the same ends are judged in another connection between them, which `client` opens."""
        same = client == self._parties["client"].address
        return self._judges if same else tuple(other(side) for side in self._judges)

    def peer_of(self, side: Side) -> Side:
        return side if self.to_itself else other(side)

    def feed(self, frame: Frame, segment: Segment) -> None:
        """Explain the segment by its sender, then let its receiver have it."""
        side, index = self.side_of(frame), len(self.judged)
        # where a header ends nowhere, nobody knows which options were in it
        unread = frame.cut or (frame.flaw is not None and frame.flaw.field in (OPTIONS, OFFSET))
        unread = unread or (frame.offset is not None and frame.held is None and segment.syn)
        if unread and segment.syn:
            segment = replace(segment, options=uncut(segment.options))
        reorders = side in self._reordered
        last = self.judged[-1] if index else None
        seen = Observation(
            index,
            frame,
            segment,
            side,
            self.peer_of(side),
            doubles=last.doubles + last.is_double if last else 0,
            reorders=reorders,
            place=self._orders[side].place(frame),
            earlier=self.judged,
        )
        if seen.age:
            self._reordered.add(side)
        self._learn(side, segment)
        if unread and not frame.cut:
            self._oddities.unread(side)
            seen = replace(seen, oddity=self._oddities.in_header(frame))
        elif not unread and not seen.is_twin:
            kept = self._oddities.kept_window(side, segment)
            seen = replace(seen, oddity=self._oddities.of(side, segment, frame), kept_window=kept)
        self.judged.append(seen)
        if unread and not segment.syn:
            self._accounts = [account.untold(side) for account in self._accounts]
        self._history[index] = self._accounts
        self._history.pop(index - _MOST_REMEMBERED, None)
        self._explain(seen)
        self._doubt(seen)
        if any(account.blames or account.cost > VIOLATION for account in self._accounts):
            self._look_back(index)

    def _doubt(self, seen: Observation) -> None:
        """Where what comes too soon was wrong, or what it follows on; or a reset was, which its receiver outlives."""
        side, segment = seen.side, seen.segment
        farthest = self.farthest.get(side)
        if farthest is None or segment.syn or not before(segment.end, farthest.segment.end):
            self.farthest[side] = seen
        hasty = farthest if side in self._judges else None
        if hasty and (cost := haste(self.judged, hasty, seen, self._bounced.get(side))):
            suspects = (hasty.index, seen.index) if segment.length else (seen.index,)
            self._suspect(seen, suspects, lambda account: account.doubted(seen, cost))
        if segment.flags & (SYN | RST):
            self._resets = {side: seen.index} if segment.rst else {}
            return
        reset = self._resets.get(seen.peer)
        if reset is not None and seen.peer in self._judges and outlives(self.judged, reset, seen):
            self._resets.clear()
            self._suspect(seen, (reset,), lambda account: account.doubting(reset))

    def _suspect(self, seen: Observation, suspects: Sequence[int], doubt: Callable[[Account], Account]) -> None:
        """Whoever has not blamed one of those does so dearly now; and both may become the likeliest."""
        self._doubts[seen.index] = doubt
        found = [doubt(account) for account in self._accounts]
        for index in suspects:
            start = copy(self)
            start._accounts = self._history.get(index, [])
            if guilty := self._had_been_guilty(start, index, NO_LIMIT):
                found += guilty._accounts
        self._accounts = likelier(found, seen)

    def undelivered(self, frame: Frame, number: int) -> None:
        """An ICMP error tells that the segment with that number, which this frame quotes, has not arrived."""
        side, last = self.side_of(frame), len(self.judged) - 1
        self._bounced[side] = frame.time
        self._accounts = [account.undelivered(side, self.peer_of(side), number, last) for account in self._accounts]

    def _learn(self, side: Side, segment: Segment) -> None:
        self._parties[side].learn(segment)
        if segment.has_ack and self._parties[other(side)].base is None:
            self._parties[other(side)].base = add(segment.ack, -1)
        for end in SIDES:
            base = self._parties[end].base
            if base is not None:
                self.began.setdefault(end, base)

    def _explain(self, seen: Observation, *, guilty: bool = False, limit: int = NO_LIMIT) -> None:
        if seen.is_twin:
            return
        if guilty or (seen.frame.offset is not None and seen.side in self._judges):
            hints, foreign = meant(self.judged, seen.index), is_foreign(self.judged, seen.index)
            self._accounts = blame(self._accounts, seen, hints, limit, foreign=foreign)
        elif seen.side in self._judges:
            alone = self.to_itself or len(self._judges) == 1
            self._accounts = extend(self._accounts, seen, alone=alone, limit=limit)
        elif seen.peer in self._judges:
            self._accounts = [account.receives(seen.peer, seen.pending) for account in self._accounts]

    @property
    def over(self) -> bool:
        """All ends that are judged have let go of the connection, or wait out TIME-WAIT."""
        return self._are_in(*_OVER)

    @property
    def forgotten(self) -> bool:
        """Nobody knows of the connection any more; a socket that was connected to itself may wait out TIME-WAIT."""
        return self._are_in(*(_OVER if self.to_itself else UNCONNECTED))

    def _are_in(self, *states: State) -> bool:
        account = self.best
        judged = [side for side in self._judges if account.ends(side)]
        return bool(self.judged) and all(account.final(side).state in states for side in judged)

    @property
    def best(self) -> Account:
        """The account that explains all so far at the least cost."""
        return min(self._accounts, key=lambda account: (account.total, len(account.blames)))

    def reconsidered(self) -> Tracker:
        """The same connection, had an earlier segment been to blame: whoever's guilt leaves least to explain.

        A wrong flag or length may look right where it stands and make everything after it look wrong.
        """
        account = self.best
        doubtful = [index for index, _ in account.blames] + [unseen.at for unseen in account.unseen]
        doubtful = doubtful or self._crossing()
        steps = len(self.judged) - min(doubtful, default=0)
        # a reset that another has sent in an end's name costs as much as what that end sends after it
        reset = any(self._goes_on_after_reset(self.judged[index]) for index, _ in account.blames)
        margin = _WORTHWHILE if reset else 0
        if not doubtful or account.total < VIOLATION:
            return self
        # a single blame is no doubt, unless what follows shows another fault
        single = account.total + margin < VIOLATION + _WORTHWHILE
        if last := steps > _MOST_RECONSIDERED or len(doubtful) > _MOST_DOUBTS:
            # what came just before the end has not been looked back at
            doubtful = [index for index, _ in account.blames if index >= len(self.judged) - _SETTLED]
        if not doubtful:
            return self
        best = self
        # without a blame, only what leaves much less to be assumed makes one
        limit = account.total if account.blames else account.total - _DOUBT
        blamed = min((index for index, _ in account.blames), default=-1)
        for index in self._suspects(min(doubtful)):
            shown = self._is_shown(index)
            if (single or last) and not shown:
                continue
            flags = self.judged[index].segment.flags
            bound = limit + margin if flags & RST else limit
            if index < blamed and not shown and not flags & (SYN | RST):
                # the first that no run explains is to blame, unless that leaves much more to be assumed
                bound -= _DOUBT
            for start in self._before(index):
                if guilty := self._had_been_guilty(start, index, bound):
                    best, limit = guilty, min(limit, guilty.best.total)
        return best

    def _crossing(self) -> list[int]:
        """A SYN that meets another where nothing confirms that both ends had called connect(): it was a SYN,ACK."""
        first = self.judged[:2]
        return [o.index for o in first[1:] if o.segment.flags & first[0].segment.flags & (SYN | ACK | RST) == SYN]

    def _suspects(self, first: int) -> Iterator[int]:
        """The segments that may be to blame for what begins there."""
        for index in range(max(0, first - _FARTHEST), first + 1):
            seen = self.judged[index]
            # a wrong flag may take as long to show as what was under way then
            near = first - index <= _HINDSIGHT or seen.segment.flags & (SYN | FIN | RST)
            if near and index in self._history and not seen.is_twin and seen.side in self._judges:
                yield index

    def _is_shown(self, index: int) -> bool:
        """What follows tells what the segment should have been, or that it was nobody's."""
        return bool(meant(self.judged, index)) or is_foreign(self.judged, index)

    def _look_back(self, now: int) -> None:
        """Where blame follows blame, an earlier segment may have been to blame for them all: go on from there."""
        best = self.best
        # that so few octets are missing is no likelier
        blamed = sorted([index for index, _ in best.blames] + [u.at for u in best.unseen if u.cost > VIOLATION])
        if blamed[-1:] == [now]:
            self._looks_again = now + _SETTLED, now + _PATIENCE
        if len(blamed) < self._looks_back and now not in self._looks_again:
            return
        first, number = now, 0
        for index in reversed(blamed):
            if first - index > _PATIENCE or now - index > _FARTHEST:
                break
            first, number = index, number + 1
        for index in self._suspects(first) if number else ():
            if number < _CASCADE and not self._is_shown(index):
                continue
            for start in self._before(index):
                if guilty := self._had_been_guilty(start, index, best.total):
                    self._become(guilty)
                    best = self.best
        if len(blamed) >= self._looks_back:
            self._looks_back = max(len(best.blames) + _CASCADE, 2 * len(best.blames))

    def _become(self, guilty: Tracker) -> None:
        self._accounts = guilty._accounts
        if guilty._parties is not self._parties:
            # the story began the other way round
            vars(self).update(vars(guilty))

    def _goes_on_after_reset(self, seen: Observation) -> bool:
        """Its sender had reset the connection: likelier that was somebody else, in its name."""
        earlier = self.judged[max(0, seen.index - _HINDSIGHT) : seen.index]
        goes_on = bool(seen.segment.span) or (seen.segment.has_ack and not seen.segment.rst)
        return goes_on and any(o.side == seen.side and o.segment.rst for o in earlier)

    def _before(self, index: int) -> Iterator[Tracker]:
        """This tracker as it was before that segment."""
        earlier = copy(self)
        earlier._accounts, earlier._history = self._history[index], {}
        yield earlier
        # the first segment decides where the story starts
        for flags in _openings(self.judged[0].segment) if index == 0 else ():
            yield self._opened_by(replace(self.judged[0].segment, flags=flags))

    def _opened_by(self, first: Segment) -> Tracker:
        """The same segments, none of them explained yet, had the first of them been that."""
        other_way = Tracker(self.judged[0].frame, first, self._judges)
        other_way._judges = self.judges_with(other_way._parties["client"].address)
        other_way._doubts = self._doubts
        for judgement in self.judged:
            side = other_way.side_of(judgement.frame)
            seen = replace(judgement, side=side, peer=other_way.peer_of(side), earlier=other_way.judged)
            other_way.judged.append(seen)
            other_way._learn(side, seen.segment)
            other_way._oddities.of(side, seen.segment, seen.frame)
            other_way._orders[side].place(seen.frame)
        return other_way

    def accounts_before(self, index: int) -> list[Account]:
        """What was thought possible before that segment, by who knew no more than what came before it."""
        return self._history[index] if index in self._history else self.until(index)._accounts

    def until(self, index: int) -> Tracker:
        """The connection as if it had ended before that segment."""
        tracker = Tracker(self.judged[0].frame, self.judged[0].segment, self._judges)
        for judgement in self.judged[:index]:
            tracker.feed(judgement.frame, judgement.segment)
        return tracker

    def was_over(self, index: int) -> bool:
        """So it was before that segment, as far as is remembered."""
        earlier = copy(self)
        earlier._accounts = self._history.get(index, [])
        return bool(earlier._accounts) and earlier.over

    @staticmethod
    def _had_been_guilty(start: Tracker, guilty: int, limit: int) -> Tracker | None:
        """Everything from that segment on once more; None when it comes out no cheaper than `limit`."""
        for seen in start.judged[guilty:]:
            start._explain(seen, guilty=seen.index == guilty, limit=limit)
            if doubt := start._doubts.get(seen.index):
                start._accounts = [doubt(account) for account in start._accounts]
            if not start._accounts:
                return None
        return start

    def connection(self, epoch: int) -> Connection:
        """All that is known so far, taking what was captured as having arrived."""
        best = self.reconsidered()
        return best._verdicts(epoch, looked_again(best.judged)).connection(self.saw_start)

    def newest(self, epoch: int) -> Connection:
        """Only the last segment, for whoever watches live: the cost does not grow with the connection."""
        return self._verdicts(epoch, self.judged).newest(self.saw_start)

    def _verdicts(self, epoch: int, judged: list[Observation]) -> Verdicts:
        return Verdicts(self.best, judged, self._parties, self._judges, epoch)


def _openings(first: Segment) -> Iterator[int]:
    """With what flags the first segment would tell another story."""
    if first.flags & (SYN | ACK) != SYN:
        yield SYN
    if first.syn and first.has_ack and first.flags & (FIN | RST):
        yield first.flags & ~SYN
    if not first.has_ack and first.ack:
        yield first.flags | ACK
