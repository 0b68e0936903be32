"""The figure of RFC 9293 section 3.1 with the values of one segment, as text."""

from __future__ import annotations

from textwrap import dedent

import pytest
from odd_frames import FRAMES

from tcpviz.exchange.segment_text import segment_text
from tcpviz.frames import dissect
from tcpviz.language import LANGUAGES, columns

SEGMENT = """\
    TCP, 40 octets, RFC 9293 3.1
     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |       Source Port 50000       |     Destination Port 443      |
    |             c3 50             |             01 bb             |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                  Sequence Number 4294967295                   |
    |                          ff ff ff ff                          |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                    Acknowledgment Number 7                    |
    |                      ignored without ACK                      |
    |                          00 00 00 07                          |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    | Data  |Rsrvd 0|C|E|U|A|P|R|S|F|          Window 8192          |
    |Offset |       |W|C|R|C|S|S|Y|I|                               |
    |  10   |       |R|E|G|K|H|T|N|N|                               |
    |       |       |0|0|0|0|0|0|1|0|                               |
    |      a0       |      02       |             20 00             |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |        Checksum 0x5d1a        |       Urgent Pointer 0        |
    |            correct            |      ignored without URG      |
    |             5d 1a             |             00 00             |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    Options, 20 octets
      kind 2 length 4: Maximum Segment Size 1460   02 04 05 b4
      kind 4 length 2: SACK Permitted   04 02
      kind 8 length 10: Timestamps TSval 3319475182 TSecr 0   08 0a c5 db 2b ee 00 00 00 00
      kind 1: No-Operation   01
      kind 3 length 3: Window Scale 14 (×16384)   03 03 0e

    Data, 0 octets
    """


def test_the_figure_of_the_rfc_with_real_values() -> None:
    told = segment_text(dissect(FRAMES["SYN"], 1, "x.pcap"))
    assert told[told.index("TCP, 40") :] == dedent(SEGMENT)
    assert told.startswith("x.pcap, frame 1: SYN, 10.0.0.1:50000 > 10.0.0.2:443\n\nEthernet, 14 octets, IEEE 802.3\n")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", FRAMES)
def test_every_row_is_as_wide_as_32_bits(name: str, language: str) -> None:
    told = segment_text(dissect(FRAMES[name], 1, "x.pcap"), LANGUAGES[language])
    assert {columns(line) for line in told.splitlines() if line.startswith(("|", "+"))} == {65}
    assert not [char for char in told if ord(char) < 32 and char != "\n"]


def test_what_is_wrong_is_said_beside_it() -> None:
    def told(name: str) -> str:
        return segment_text(dissect(FRAMES[name], 1, "x.pcap"))

    assert "wrong, expected 0x" in told("wrong checksum")
    assert "kind 2 length 3: Maximum Segment Size  ! its length is wrong   02 03 05" in told("options of wrong lengths")
    assert "  ! says its header is shorter than it can be\n" in told("header too short")
    assert "6 octets of padding\n" in told("padding")
    assert "  0000  1b 5b 33 31 6d 1b 5d 30 3b 6f 77 6e 65 64 07 e2  .[31m.]0;owned..\n" in told("UDP")
    assert "  ... 1352 more octets\n" in told("everything")
