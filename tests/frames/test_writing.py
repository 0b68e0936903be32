"""What is written is read back the same, to the nanosecond."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packets import START, handshake

from tcpviz.errors import OutputError
from tcpviz.frames import Format, Record, Writer, stream, write

RECORDS = st.builds(
    Record,
    time=st.integers(0, 2**32 * 10**9 - 1),
    data=st.binary(max_size=90),
    link=st.sampled_from([0, 1, 101, 113]),
    wire=st.integers(90, 2**18),
)


@given(st.lists(RECORDS, max_size=5))
def test_pcapng_keeps_everything(records: list[Record]) -> None:
    assert list(stream(written(records, "pcapng"))) == records


@given(st.sampled_from([0, 1, 101, 113]), st.lists(RECORDS, max_size=5))
def test_pcap_keeps_everything_of_one_link(link: int, records: list[Record]) -> None:
    alike = [Record(record.time, record.data, link, record.wire) for record in records]
    assert list(stream(written(alike, "pcap", link))) == alike


def written(records: list[Record], format: Format, link: int = 1) -> io.BytesIO:
    out = io.BytesIO()
    write(out, records, format=format, link=link)
    return io.BytesIO(out.getvalue())


def test_a_pcap_of_two_links_is_refused() -> None:
    with pytest.raises(OutputError, match=r"write \.pcapng"):
        write(io.BytesIO(), [Record(START, b"", link=101)])


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*nowhere/x\.pcap"):
        Writer(str(tmp_path / "nowhere" / "x.pcap"))


def test_a_capture_that_grows_can_be_read_at_any_time(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap.part"
    with Writer(str(path)) as writer:
        for count, data in enumerate(handshake(), start=1):
            writer.write(Record(START, data))
            writer.flush()
            with path.open("rb") as file:
                assert len(list(stream(file))) == count
