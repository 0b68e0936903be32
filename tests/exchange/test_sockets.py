"""What programs meet at the sockets API: threads on one socket, a full backlog, an address in use, UDP."""

from __future__ import annotations

import pytest

from tcpviz.errors import InputError
from tcpviz.exchange import library
from tcpviz.exchange.errnos import errno_name
from tcpviz.exchange.exchange import Call, Exchange
from tcpviz.exchange.flow_ladder import flow_ladder
from tcpviz.exchange.policy import LINUX, RFC, Policy
from tcpviz.exchange.scenario_file import parse
from tcpviz.exchange.simulate import simulate
from tcpviz.model.transitions import State, Stimulus

MS = 10**6


def played(text: str) -> Exchange:
    return simulate(parse(text, "tried", where="tried.toml"))


def calls(found: tuple[Call, ...]) -> list[tuple[str, int, int | None, str]]:
    """(call, when it was made, when it returned, what) in milliseconds."""
    return [(str(c), c.time // MS, None if c.returned is None else c.returned // MS, c.result) for c in found]


def test_calls_return_when_sockets_do() -> None:
    (connection,) = played(
        '[client]\ncalls = ["connect", "send 5", "recv end", "close"]\n'
        '[server]\ncalls = ["listen", "accept", "recv some", "recv end", "close"]\n'
        '[network]\ndelay = "10 ms"\n'
    ).connections
    # connect() at ESTABLISHED, one round trip; accept() when the third segment has come
    assert calls(connection.client.calls)[:2] == [("connect", 0, 20, ""), ("send 5", 20, 20, "")]
    assert calls(connection.server.calls)[:3] == [
        ("listen", 0, 0, ""),
        ("accept", 0, 30, ""),
        ("recv 1024", 30, 30, "5 octets"),
    ]


def test_recv_returns_nothing_at_the_fin() -> None:
    (connection,) = played(
        '[client]\ncalls = ["connect", "close"]\n[server]\ncalls = ["listen", "accept", "recv some", "close"]\n'
    ).connections
    assert calls(connection.server.calls)[2] == ("recv 1024", 30, 30, "b''")


def test_threads_share_a_socket_and_block_each_for_itself() -> None:
    (connection,) = played(
        '[client]\ncalls = ["connect", "recv end", "close"]\nthreads = [["at 100 ms", "send 5", "shutdown"]]\n'
        '[server]\ncalls = ["listen", "accept", "recv end", "close"]\nthreads = [["at 50 ms", "send 3"]]\n'
    ).connections
    assert connection.outcome == "closed"
    assert calls(connection.client.calls) == [
        ("connect", 0, 20, ""),
        ("send 5", 100, 100, ""),
        ("shutdown", 100, 100, ""),
        ("recv", 20, 120, "b''"),
        ("close", 120, 120, ""),
    ]
    assert [(s.origin, s.segment.length) for s in connection.segments if s.segment.length] == [
        ("server", 3),
        ("client", 5),
    ]


def test_a_full_backlog_answers_no_syn_until_there_is_room() -> None:
    first, second = simulate(library.load("backlog-full")).connections
    syns = [s for s in second.segments if s.segment.syn and s.origin == "client"]
    assert [s.sent // MS for s in syns] == [100, 1100]
    assert [s.after for s in syns] == [State.LISTEN, State.SYN_RECEIVED]
    assert [(s.segment.syn, s.origin) for s in first.segments[:2]] == [(True, "client"), (True, "server")]
    assert second.client.calls[0].returned == 1120 * MS


def test_a_backlog_of_one_lets_two_wait() -> None:
    text = "".join(f'[[client]]\ncalls = ["at {n} ms", "connect"]\n' for n in (0, 100, 200))
    found = played(f'{text}[server]\nbacklog = 1\ncalls = ["listen", "at 500 ms", "accept"]\n').connections
    assert [c.client.calls[0].returned for c in found] == [20 * MS, 120 * MS, 1220 * MS]


SERVER = 'calls = ["listen", "accept", "close", "close-listener"]\n'
AGAIN = 'calls = ["at 300 ms", "listen"]\n'
CLIENT = '[client]\ncalls = ["connect", "recv end", "close"]\n'


@pytest.mark.parametrize(
    ("closer", "reuse", "result"),
    [("server", False, "EADDRINUSE"), ("server", True, ""), ("client", False, "")],
)
def test_a_restarted_server_meets_its_time_wait(closer: str, reuse: bool, result: str) -> None:
    client, server = CLIENT, SERVER
    if closer == "client":
        client = '[client]\ncalls = ["connect", "close"]\n'
        server = 'calls = ["listen", "accept", "recv end", "close", "close-listener"]\n'
    key = f"reuse_address = {str(reuse).lower()}\n"
    after = '[[client]]\nport = 50007\ncalls = ["at 400 ms", "connect"]\n'
    client = client.replace("[client]", "[[client]]")
    found = played(f"{client}{after}[[server]]\n{server}{key}[[server]]\n{AGAIN}{key}")
    later = found.connections[-1]
    assert later.outcome == ("refused" if result else "open")
    if result:
        (listen,) = [call for call in found.connections[0].server.calls if call.time == 300 * MS]
        assert (listen.name, listen.result, listen.error) == ("listen", result, result)


def test_two_servers_cannot_listen_at_once() -> None:
    found = played(f'[client]\ncalls = ["at 50 ms", "connect"]\n[[server]]\n{SERVER}[[server]]\ncalls = ["listen"]\n')
    assert found.connections[0].outcome == "open"


@pytest.mark.parametrize(
    ("scenario", "side", "call", "error"),
    [
        ("refused", "client", "connect", "ECONNREFUSED"),
        ("syn-timeout", "client", "connect", "ETIMEDOUT"),
        ("abort", "server", "recv", "ECONNRESET"),
        ("unread-data", "client", "recv", "ECONNRESET"),
        ("data-after-close", "server", "send 5", "EPIPE"),
        ("keep-alive-dead", "client", "recv", "ETIMEDOUT"),
    ],
)
def test_errors_have_the_names_that_programs_see(scenario: str, side: str, call: str, error: str) -> None:
    connection = simulate(library.load(scenario)).connections[0]
    party = connection.client if side == "client" else connection.server
    assert (str(party.calls[-1]), party.calls[-1].error) == (call, error)


def test_what_went_well_has_no_errno() -> None:
    assert errno_name("recv", "b''") == errno_name("recv", "5 octets") == errno_name("close", "") == ""
    assert errno_name("connect", "ECONNREFUSED") == "ECONNREFUSED"


UDP = (
    '[client]\ncalls = ["sendto hello", "at 100 ms", "sendto 3"]\n'
    '[server]\nport = 53\ncalls = ["bind", "recvfrom", "wait 5 ms", "sendto you", "recvfrom", "recvfrom"]\n'
)


def test_datagrams_arrive_whole_or_not_at_all() -> None:
    exchange = played(UDP)
    (flow,) = exchange.flows
    assert exchange.connections == ()
    assert [(d.origin, d.time // MS, (d.arrived or 0) // MS, d.payload) for d in flow.datagrams] == [
        (0, 0, 10, b"hello"),
        (1, 15, 25, b"you"),
        (0, 100, 110, b"tcp"),
    ]
    assert calls(flow.calls[1]) == [
        ("bind", 0, 0, ""),
        ("recvfrom", 0, 10, "5 octets"),
        ("sendto 3", 15, 15, ""),
        ("recvfrom", 15, 110, "3 octets"),
    ]


@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_flow_is_a_ladder_without_states(ascii_only: bool) -> None:
    text = flow_ladder(played(UDP).flows[0], ascii_only=ascii_only)
    assert text.isascii() == ascii_only
    assert {len(line) for line in text.splitlines()} == {80}
    assert text.splitlines()[0].split() == ["UDP", "10.0.0.1:50000", "UDP", "10.0.0.2:53"]
    assert [line.split()[2:4] for line in text.splitlines()[1:]] == [["5", "octets"], ["3", "octets"], ["3", "octets"]]


def test_a_scenario_of_udp_is_refused_what_it_has_not() -> None:
    with pytest.raises(InputError, match=r"calls: entry 1: 'send 5' comes before connect and accept"):
        played('[client]\ncalls = ["send 5"]\n')
    with pytest.raises(InputError, match=r"threads: expected a list of lists"):
        played('[client]\ncalls = ["connect"]\nthreads = "recv end"\n')
    with pytest.raises(InputError, match=r"entry 1: 'sent 5': expected one of the calls"):
        played('[client]\ncalls = ["connect"]\nthreads = [["sent 5"]]\n')


REOPENING = """
[client]
{options}
calls = ["connect", "close", "wait {pause} ms", "connect"]
[server]
{peer}
calls = ["listen", "accept", "recv end", "close", "accept"]
"""


@pytest.mark.parametrize(
    ("options", "peer", "pause", "incarnations"),
    [
        ("tw_reuse = true\ntimestamps = true", "timestamps = true", 1100, 2),
        ("tw_reuse = true\ntimestamps = true", "timestamps = true", 900, 1),
        ("tw_reuse = true\ntimestamps = true", "", 1100, 1),
        ("timestamps = true", "timestamps = true", 1100, 1),
    ],
)
def test_connect_cuts_its_time_wait_short_where_it_may(options: str, peer: str, pause: int, incarnations: int) -> None:
    found = played(REOPENING.format(options=options, peer=peer, pause=pause)).connections
    assert len(found) == incarnations
    assert str(found[0].client.states[-1].state) == "CLOSED"
    if incarnations == 2:
        over = found[0].client.states[-1]
        assert over.time == found[1].segments[0].sent
        assert over.row
        assert over.row.stimulus is Stimulus.ADDRESSES_TAKEN
        assert not next(t for t in found[0].client.timers if t.timer == "time-wait").fired
        assert str(found[1].client.states[-1].state) == "ESTABLISHED"
    else:
        last = found[0].client.calls[-1]
        assert errno_name(last.name, last.result) == "EADDRNOTAVAIL"


@pytest.mark.parametrize(
    ("policy", "retries", "moments"),
    [(RFC, 2, [0, 1, 3]), (LINUX, 2, [0, 1, 2, 3, 4, 5]), (RFC, 1, [0, 1]), (LINUX, 1, [0, 1, 2])],
)
def test_connect_gives_up_after_so_many_repetitions(policy: Policy, retries: int, moments: list[int]) -> None:
    """As long as so many take whose time-outs double; on Linux the first time-outs do not, and more find room."""
    text = f'[client]\nsyn_retries = {retries}\ncalls = ["connect"]\n[network]\nlose = ["every client SYN"]\n'
    (connection,) = simulate(parse(text, "tried", where="tried.toml"), policy).connections
    assert [sent.sent // (1000 * MS) for sent in connection.segments] == moments
    (call,) = connection.client.calls
    assert errno_name(call.name, call.result) == "ETIMEDOUT"
    assert call.returned == (2 ** (retries + 1) - 1) * 1000 * MS


def test_nothing_is_sent_by_a_socket_that_another_thread_has_closed() -> None:
    (flow,) = played(
        '[client]\ncalls = ["sendto 5", "at 200 ms", "sendto 6", "sendto 7"]\nthreads = [["at 100 ms", "close"]]\n'
        '[server]\ncalls = ["bind", "recvfrom"]\n'
    ).flows
    assert [datagram.length for datagram in flow.datagrams] == [5]
    assert [(call.name, call.result) for call in flow.calls[0]] == [("sendto", ""), ("close", ""), ("sendto", "EBADF")]
