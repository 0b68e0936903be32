"""An application in the simulation: makes its calls one after another, each blocking as a socket's does."""

from __future__ import annotations

from collections.abc import Callable

from tcpviz.exchange.exchange import Call
from tcpviz.exchange.machine import Machine
from tcpviz.exchange.scenario import Action, Host
from tcpviz.exchange.socket import OPEN, Socket
from tcpviz.model import events
from tcpviz.model.transitions import ALREADY_EXISTS, CLOSING_ERROR, NO_CONNECTION, State
from tcpviz.value import replace

_ADDRESS_IN_USE = "EADDRINUSE"
_FATAL = ("error", "connection refused", "connection reset", "connection aborted")


_EVENTS: dict[str, events.Event] = {
    "listen": events.PassiveOpen(),
    "connect": events.ActiveOpen(),
    "recv": events.Receive(0),
    "shutdown": events.Close(),
    "close": events.Close(full=True),
    "abort": events.Abort(),
    "status": events.Status(),
    "timeout": events.UserTimeout(),
}


class Application:
    """`connect` gives it a socket and `accept` takes one from the machine; the calls that follow are about that."""

    def __init__(
        self,
        plan: Host,
        machine: Machine,
        opens: Callable[[], Socket | None],
        socket: Socket | None = None,
        thread_of: Application | None = None,
    ) -> None:
        self._plan, self._machine, self._opens, self._socket = plan, machine, opens, socket
        self._thread_of = thread_of
        self._has_connection = socket is not None
        self._lost: Socket | None = None
        """The socket that a crash has taken."""
        self._left = list(plan.calls)
        self._complaint = ""
        """What the last listen() had to say."""
        self._lacking = 0
        """Octets that a recv still waits for."""
        self._waiting: Call | None = None
        self._early: list[Call] = []
        """Calls made before there was a connection to note them with."""

    @property
    def listens_first(self) -> bool:
        return bool(self._left) and self._left[0].verb == "listen"

    def run(self) -> bool:
        """Make calls until one blocks or none is left. True when something happened."""
        progress = False
        if self._thread_of and self._socket is None and self._thread_of._has_connection:
            self._socket = self._thread_of._socket
        if self._thread_of and self._socket is None:
            return False
        while self._left:
            action = self._left[0]
            if self._waiting is None:
                progress = True
                self._lacking = action.octets or 0
                self._waiting = self._start(action)
            result = self._finished(action)
            if result is None:
                return progress
            progress = True
            self._left.pop(0)
            self._has_connection |= action.verb in ("connect", "accept") and not result
            self._note(replace(self._waiting, returned=self._machine.world.now, result=result))
            self._waiting = None
            if result.startswith(_FATAL) or result == _ADDRESS_IN_USE:
                # as an exception nobody caught would end the program
                self._left.clear()
        return progress

    def _note(self, call: Call) -> None:
        if call.name in ("wait", "at"):
            return
        self._early.append(call)
        socket = self._socket or (self._lost if call.name == "crash" else None)
        if socket is None and call.result == _ADDRESS_IN_USE:
            # it will never have a connection: this is the story of the one that is in its way
            socket = next(reversed(self._machine.sockets.values()), None)
        if socket:
            socket.story.calls += self._early
            self._early = []

    def _start(self, action: Action) -> Call:
        world = self._machine.world
        now = world.now
        octets = len(action.data) if action.data or action.verb.startswith("send") else action.octets
        match action.verb:
            case "listen" if self._socket is None:
                self._complaint = self._machine.listen(self._plan)
            case "close-listener":
                self._machine.listening = False
            case "connect" if self._may_open():
                self._socket = self._opens()
                if self._socket:
                    self._socket.connect(action.data)
            case "wait" | "at":
                due = action.time if action.verb == "at" else now + action.time
                world.at(max(due, now), lambda: self._wake(action))
            case "accept":
                pass
            case _:
                self._call(action)
        return Call(action.verb, now, octets)

    def _may_open(self) -> bool:
        """A new socket, since the last one is gone, or makes room."""
        if self._socket:
            self._socket.make_room()
        return self._socket is None or self._socket.state is State.CLOSED

    def _call(self, action: Action) -> None:
        if self._socket is None:
            return
        socket = self._socket
        socket.news.clear()
        match action.verb:
            case "send" | "send-urgent":
                socket.send(action.data, urgent=action.verb == "send-urgent")
            case "crash":
                # as a program that is started again: it has its calls, and no socket
                self._machine.crash()
                self._socket, self._lost = None, socket
            case _:
                socket.step(_EVENTS[action.verb])

    def _wake(self, action: Action) -> None:
        if self._left and self._left[0] is action:
            self._left.pop(0)
            self._waiting = None

    def _finished(self, action: Action) -> str | None:
        """What the call returns; None while it blocks."""
        match action.verb:
            case "wait" | "at":
                return None
            case "listen" if self._socket is None:
                return self._complaint
            case "close-listener":
                return ""
            case "accept":
                return self._accepted()
        if action.verb == "crash":
            return ""
        if self._socket is None:
            return ALREADY_EXISTS if action.verb == "connect" else NO_CONNECTION
        match action.verb:
            case "connect":
                return self._connected(self._socket)
            case "recv":
                return self._received(self._socket, action)
        told = next((text for text in self._socket.news if text.startswith(("error", "state"))), "")
        # 3.10.4: a CLOSE that comes after a CLOSE may as well be answered "ok"
        return "" if action.verb in ("shutdown", "close") and told == CLOSING_ERROR else told

    def _accepted(self) -> str | None:
        if not self._machine.arrived:
            return None
        self._socket = self._machine.arrived.pop(0)
        return ""

    @staticmethod
    def _connected(socket: Socket) -> str | None:
        error = next((text for text in socket.news if text.startswith("error")), None)
        if socket.state is State.CLOSED:
            return socket.news[-1] if socket.news else NO_CONNECTION
        return error or ("" if socket.state in OPEN else None)

    def _received(self, socket: Socket, action: Action) -> str | None:
        tcb = socket.endpoint.tcb
        if socket.state is State.CLOSED:
            return socket.news[-1] if socket.news else NO_CONNECTION
        if action.some:
            taken = min(tcb.unread, action.octets or 0)
            if taken:
                socket.receive(taken)
            return f"{taken} octets" if taken else "b''" if tcb.fin_received else None
        if action.octets is None:
            if tcb.unread:
                socket.receive(tcb.unread)
            return "b''" if tcb.fin_received else None
        # take what there is, so that the window opens again, until enough has come
        ready = min(tcb.unread, self._lacking)
        if ready:
            socket.receive(ready)
            self._lacking -= ready
        if not self._lacking:
            return ""
        return "b''" if tcb.fin_received else None
