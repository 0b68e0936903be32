"""`tcpviz match` on many captures at once: which connections, in which form, and with which exit code."""

from __future__ import annotations

import fcntl
import html
import json
import re
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tcpviz import frames
from tcpviz.exchange import library
from tcpviz.exchange.exchange import Connection, Exchange, Side
from tcpviz.exchange.simulate import simulate
from tcpviz.value import replace

CAPTURES = Path(__file__).parents[2] / "captures"
NORMAL = CAPTURES / "normal.pcapng"


def write(path: Path, *connections: Connection) -> Path:
    with path.open("wb") as file:
        frames.write(file, frames.frames_of(Exchange("test", connections)), format="pcapng")
    return path


def simulated(name: str = "normal", port: int = 50000, server: int = 80, later: int = 0, wrong: int = 0) -> Connection:
    """A scenario from another port, so much later, with SEG.ACK of its `wrong`th segment one too high."""
    connection = simulate(library.load(name)).connections[0]
    segments = [
        replace(sent, sent=sent.sent + later, arrived=None if sent.arrived is None else sent.arrived + later)
        for sent in connection.segments
    ]
    if wrong:
        segments[wrong - 1] = replace(
            segments[wrong - 1], segment=replace(segments[wrong - 1].segment, ack=segments[wrong - 1].segment.ack + 1)
        )
    return replace(
        connection,
        client=replace(connection.client, address=replace(connection.client.address, port=port)),
        server=replace(connection.server, address=replace(connection.server.address, port=server)),
        segments=tuple(segments),
    )


@pytest.fixture
def four(tmp_path: Path) -> Path:
    """Four connections, of which the third violates at its fifth segment; the fourth is on another port."""
    return write(
        tmp_path / "four.pcapng",
        simulated(port=50001),
        simulated("abort", port=50002, later=10**9),
        simulated(port=50003, later=2 * 10**9, wrong=5),
        simulated(port=50004, server=8080, later=3 * 10**9),
    )


@pytest.fixture
def folder(tmp_path: Path, four: Path) -> Path:
    (tmp_path / "all" / "inner").mkdir(parents=True)
    (tmp_path / "all" / "b.pcapng").write_bytes(four.read_bytes())
    (tmp_path / "all" / "a.pcapng").write_bytes(NORMAL.read_bytes())
    (tmp_path / "all" / "inner" / "c.cap").write_bytes(NORMAL.read_bytes())
    (tmp_path / "all" / "notes.txt").write_text("no capture")
    return tmp_path / "all"


def test_more_than_a_few_connections_are_a_table(tcpviz, four: Path) -> None:
    ran = tcpviz("match", four)
    assert ran.code == 1
    assert ran.out.splitlines()[:-1] == [
        "       client          segments  outcome    verdict   server",
        "    1  10.0.0.1:50001        11  closed     conforms  10.0.0.2:80",
        "    2  10.0.0.1:50002         8  reset      conforms  10.0.0.2:80",
        "    3  10.0.0.1:50003        11  closed     VIOLATES  10.0.0.2:80",
        f"       frame {24}: expected ack=6, not 7 (RFC 9293 3.10.7.4)",
        "    4  10.0.0.1:50004        11  closed     conforms  10.0.0.2:8080",
    ]
    assert ran.out.splitlines()[-1].endswith("four.pcapng: 41 frames; 4 connections, 1 violates")


def test_one_connection_is_a_ladder(tcpviz, four: Path) -> None:
    ran = tcpviz("match", four, "--connection", 2)
    assert ran.code == 0, "what is not asked for does not count"
    assert "client 10.0.0.1:50002" in ran.out
    assert "connection 2: conforms: reset, 8 segments" in ran.out
    assert "50003" not in ran.out
    assert tcpviz("match", four, "--connection", 3).code == 1


def test_a_connection_that_is_not_there(tcpviz, four: Path) -> None:
    ran = tcpviz("match", four, "--connection", 5)
    assert (ran.code, ran.out) == (2, "")
    assert "there is no connection 5" in ran.err


def test_only_those_that_violate(tcpviz, four: Path) -> None:
    ran = tcpviz("match", four, "--only", "violates")
    assert ran.code == 1
    assert "connection 3: VIOLATES" in ran.out
    assert "50001" not in ran.out
    document = json.loads(tcpviz("match", four, "--only", "violates", "--json").out)
    assert [c["client"] for c in document["captures"][0]["connections"]] == ["10.0.0.1:50003"]
    assert tcpviz("match", NORMAL, "--only", "violates").code == 0


def test_one_port_alone(tcpviz, four: Path) -> None:
    ran = tcpviz("match", four, "--port", 8080)
    assert ran.code == 0
    assert "10.0.0.1:50004" in ran.out
    assert "41 frames, 30 skipped (other ports); 1 connection, conforms" in ran.out
    nothing = tcpviz("match", four, "--port", 9)
    assert (nothing.code, nothing.out) == (2, "")
    assert "port 9" in nothing.err


def test_a_line_for_each_connection(tcpviz, four: Path, tmp_path: Path) -> None:
    ran = tcpviz("match", four, "--jsonl", "-o", tmp_path / "x.jsonl")
    assert ran.code == 1
    assert (tmp_path / "x.jsonl").read_text() == ran.out
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert {(line["file"], line["number"], line["verdict"]) for line in lines} == {
        (str(four), 1, "conforms"),
        (str(four), 2, "conforms"),
        (str(four), 3, "violates"),
        (str(four), 4, "conforms"),
    }
    whole = json.loads(tcpviz("match", four, "--json", "-o", tmp_path / "y.jsonl").out)["captures"][0]["connections"]
    for line in lines:
        assert {key: line[key] for key in whole[0]} == whole[line["number"] - 1]
    written = [json.loads(line) for line in (tmp_path / "y.jsonl").read_text().splitlines()]
    assert sorted(lines, key=lambda line: line["number"]) == written
    violating = tcpviz("match", four, "--jsonl", "--only", "violates").out
    assert [json.loads(line)["number"] for line in violating.splitlines()] == [3]


@pytest.mark.parametrize("side", [None, "client", "server"])
def test_a_line_comes_as_soon_as_its_connection_has_ended(side: Side | None) -> None:
    """An hour of capture later the first is long told of, and the second not yet read."""
    from tcpviz.exchange.streaming import connections

    one, two = simulated(port=50001), simulated(port=50002, later=3600 * 10**9)
    read = []

    def source():
        for frame in frames.frames_of(Exchange("test", (one, two))):
            read.append(frame.number)
            yield frame

    stream = connections(source(), side)
    number, first = next(stream)
    assert (number, first.client.address.port) == (1, 50001)
    assert max(read) == 12, "the first frame of the second says that time has passed"
    ((number, second),) = stream
    assert (number, second.client.address.port) == (2, 50002)


def piped(*command: object) -> subprocess.Popen[bytes]:
    told = [sys.executable, "-m", "tcpviz", "match", *map(str, command)]
    return subprocess.Popen(told, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_capture_from_a_pipe() -> None:
    with piped("-") as process:
        out, err = process.communicate(NORMAL.read_bytes(), timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert out.decode().splitlines()[-1] == "-: 11 frames; 1 connection, conforms"
    with piped("-") as process:
        out, err = process.communicate(b"", timeout=60)
    assert (process.returncode, out) == (2, b"")
    assert b"standard input is empty (0 bytes)" in err


def test_a_line_comes_while_the_capture_still_runs(tmp_path: Path) -> None:
    later = write(tmp_path / "x.pcapng", simulated(port=50001), simulated(port=50002, later=100 * 10**9))
    with piped("--jsonl", "-") as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(later.read_bytes())
        process.stdin.flush()
        first = json.loads(process.stdout.readline())
        assert (first["file"], first["number"], first["client"]) == ("-", 1, "10.0.0.1:50001")
        rest, _ = process.communicate(timeout=60)
    assert [json.loads(line)["number"] for line in rest.splitlines()] == [2]


@pytest.mark.parametrize("form", [("--jsonl",), ("--json",), ("--explain", "3")])
def test_an_interrupted_pipe_is_told_as_far_as_it_came(form: tuple[str, ...]) -> None:
    with piped(*form, "-") as process:
        assert process.stdin
        process.stdin.write(NORMAL.read_bytes())
        process.stdin.flush()
        # it has all of it once nothing is left in the pipe
        while fcntl.ioctl(process.stdin, termios.FIONREAD, bytes(4)) != bytes(4):
            time.sleep(0.05)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out.startswith(b"frame 3:") if "--explain" in form else json.loads(out)


def test_a_folder_stands_for_all_captures_under_it(tcpviz, folder: Path) -> None:
    document = json.loads(tcpviz("match", folder, "--json").out)
    names = [str(Path(capture["file"]).relative_to(folder)) for capture in document["captures"]]
    assert names == ["a.pcapng", "b.pcapng", "inner/c.cap"]
    ran = tcpviz("match", folder, NORMAL)
    assert ran.code == 1
    lines = ran.out.splitlines()
    assert lines[0].split() == ["file", "client", "segments", "outcome", "verdict", "server"]
    assert len([line for line in lines if "10.0.0" in line or "127.0.0.1" in line]) == 7
    assert lines[-1] == "4 files: 7 connections, 1 violates"
    only = tcpviz("match", folder, NORMAL, "--only", "violates").out.splitlines()
    assert len(only) == 4, "the head, the one that violates, its fault, and how many there were"


def test_a_folder_without_captures(tcpviz, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    ran = tcpviz("match", tmp_path, NORMAL)
    assert (ran.code, ran.out) == (2, "")
    assert str(tmp_path) in ran.err
    assert ".pcapng" in ran.err


@pytest.mark.parametrize("form", [[], ["--json"], ["--jsonl"]])
def test_a_file_that_cannot_be_used_does_not_keep_the_others_from_being_judged(
    tcpviz, four: Path, tmp_path: Path, form: list[str]
) -> None:
    bad = tmp_path / "bad.pcap"
    bad.write_text("no capture at all")
    ran = tcpviz("match", bad, four, *form)
    assert ran.code == 2, "of several exit codes 2 wins"
    assert f"{bad} is not a capture" in ran.err
    assert "50003" in ran.out
    both = tcpviz("match", bad, bad.with_name("none.pcap"), *form)
    assert both.code == 2
    assert "none of the 2 files can be used" in both.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--json", "--jsonl"], "exclude one another"),
        (["--connection", "1", "--only", "violates"], "exclude one another"),
        (["--connection", "0"], "--connection"),
        (["--connection", "x"], "--connection"),
        (["--port", "70000"], "no port"),
        (["--only", "conforms"], "--only"),
        (["--side", "peer"], "--side"),
        (["--jsonl", "-o", "x.png"], "--jsonl"),
    ],
)
def test_what_makes_no_sense_together_is_wrong_usage(tcpviz, options: list[str], words: str) -> None:
    ran = tcpviz("match", NORMAL, *options)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


def test_a_connection_of_several_files_is_wrong_usage(tcpviz, folder: Path) -> None:
    ran = tcpviz("match", folder, "--connection", 1)
    assert (ran.code, ran.out) == (2, "")
    assert "Name one" in ran.err


def test_the_picture_is_of_the_connection_that_was_named_and_says_which(tcpviz, four: Path, tmp_path: Path) -> None:
    named = tcpviz("match", four, "--connection", 4, "-o", tmp_path / "named.svg")
    assert named.code == 0
    assert "shows" not in named.err
    worst = tcpviz("match", four, "-o", tmp_path / "worst.svg", "--steps", tmp_path / "steps")
    assert f"shows connection 3 of 4 in {four}" in worst.err
    alone = write(tmp_path / "alone.pcap", simulated(port=50004, server=8080, later=3 * 10**9))
    assert tcpviz("match", alone, "-o", tmp_path / "alone.svg").code == 0
    titles = [f"{four.name} · Connection 4/4", f"{four.name} · Connection 3/4", "alone.pcap"]
    for name, title in zip(("named", "worst", "alone"), titles, strict=True):
        assert f">{title}</title>" in (tmp_path / f"{name}.svg").read_text(encoding="utf-8")


def test_one_end_is_judged_alone(tcpviz, four: Path) -> None:
    server = tcpviz("match", four, "--connection", 3, "--side", "server")
    assert server.code == 1
    assert "the server alone VIOLATES" in server.out
    client = tcpviz("match", four, "--connection", 3, "--side", "client")
    assert client.code == 0
    assert "the client alone conforms" in client.out
    lines = tcpviz("match", four, "--jsonl", "--side", "client").out.splitlines()
    assert {json.loads(line)["verdict"] for line in lines} == {"conforms"}


def test_the_schema_is_printed_without_a_file(tcpviz) -> None:
    ran = tcpviz("match", "--schema")
    assert ran.code == 0
    schema = json.loads(ran.out)
    Draft202012Validator(schema).validate(json.loads(tcpviz("match", NORMAL, "--json").out))
    Draft202012Validator(schema).validate(json.loads(tcpviz("simulate", "--json").out))


NOT_ALONE = {
    "lost-before-capture 1": "nothing that went amiss on the way is assumed where one end is judged alone",
    "self-connect 1": "there is one end",
}


def test_the_states_of_an_end_that_is_not_judged_are_not_told(tcpviz) -> None:
    told = tcpviz("match", NORMAL, "--side", "server").out.splitlines()
    assert told[1].split() == ["LISTEN"]
    assert [line[4:17].strip() for line in told[2:13]] == [""] * 11
    assert [line[3] for line in told[2:13]] == ["✓" if "◀" in line else " " for line in told[2:13]]
    assert told[12].split()[-1] == "CLOSED"


@pytest.mark.parametrize("side", ["client", "server"])
def test_how_a_connection_ended_does_not_hang_on_who_is_judged(tcpviz, side: str) -> None:
    """The other end's states are not followed, but what it sent is there."""

    def outcomes(*options: str) -> dict[str, str]:
        lines = map(json.loads, tcpviz("match", CAPTURES, "--jsonl", *options).out.splitlines())
        return {f"{Path(line['file']).stem} {line['number']}": line["outcome"] for line in lines}

    both, alone = outcomes(), outcomes("--side", side)
    assert both.keys() == alone.keys()
    for name in NOT_ALONE:
        del both[name], alone[name]
    assert {name: (both[name], told) for name, told in alone.items() if told != both[name]} == {}


def test_whose_tcp_it_was(tcpviz) -> None:
    ran = tcpviz("match", CAPTURES / "abort.pcapng")
    assert "client: reset-with-ack, as linux or freebsd would" in ran.out
    (connection,) = json.loads(tcpviz("match", CAPTURES / "abort.pcapng", "--json").out)["captures"][0]["connections"]
    assert connection["deviations"] == {"client": ["reset-with-ack"], "server": []}
    assert connection["dialect"]["client"] == ["linux", "freebsd"]
    assert "rfc9293" in connection["dialect"]["server"]


def test_a_reader_that_has_seen_enough_ends_it_quietly() -> None:
    command = [sys.executable, "-m", "tcpviz", "match", str(NORMAL), "--jsonl"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.close()
        assert process.stderr
        assert process.stderr.read() == b""
    assert process.returncode in (0, 1)


def conversations(page: Path) -> list[str]:
    """What they are called on a page, without their ends."""
    return [html.unescape(name) for name in re.findall(r"<option>(.*?): \S+ \S+ \S+</option>", page.read_text())]


@pytest.mark.parametrize("chosen", [("--only", "violates"), ("--connection", "3")])
def test_page_picture_and_text_count_as_the_capture_does(
    tcpviz, tmp_path: Path, four: Path, chosen: tuple[str, ...]
) -> None:
    page, picture, words = tmp_path / "x.html", tmp_path / "x.svg", tmp_path / "x.mmd"
    ran = tcpviz("match", four, *chosen, "-o", page, "-o", picture, "-o", words)
    assert "connection 3: VIOLATES" in ran.out
    assert conversations(page) == ["TCP 3"]
    named = f"{four.name} · Connection 3/4"
    assert f"<title>{named}</title>" in page.read_text()
    assert f"{named}</title>" in picture.read_text()
    assert named in words.read_text()


def test_a_page_of_several_captures_names_them(tcpviz, tmp_path: Path, four: Path) -> None:
    page = tmp_path / "x.html"
    tcpviz("match", NORMAL, four, "-o", page)
    assert conversations(page) == [f"{NORMAL.name} · TCP 1", *(f"{four.name} · TCP {n}" for n in (1, 2, 3, 4))]


def test_a_comparison_says_which_connection_it_is_of(tcpviz, tmp_path: Path, four: Path) -> None:
    picture = tmp_path / "x.svg"
    tcpviz("match", four, "--connection", 2, "--against", "abort", "-o", picture)
    assert f"{four.name} · Connection 2/4 · " in picture.read_text()


def test_a_capture_of_one_connection_counts_none(tcpviz, tmp_path: Path) -> None:
    page = tmp_path / "x.html"
    tcpviz("match", NORMAL, "-o", page)
    assert f"<title>{NORMAL.name}</title>" in page.read_text()
