"""The catalogue says everything, in terms of the field; and what it lacks stays readable."""

from __future__ import annotations

import json
import pickle
import re
import string
from copy import deepcopy
from pathlib import Path

import catalogue
import pytest
from babel.messages.mofile import read_mo

from tcpviz import draw
from tcpviz.exchange import library
from tcpviz.language import BOTH, CHINESE, ENGLISH, LANGUAGES, columns
from tcpviz.model.sentence import Sentence
from tcpviz.model.transitions import State

EACH = pytest.mark.parametrize("name", catalogue.languages())


@EACH
def test_every_text_is_translated(name: str) -> None:
    fresh = catalogue.brought_up_to_date(name)
    assert [message.id for message in fresh if message.id and not message.string] == []


@EACH
def test_the_files_have_not_drifted(name: str) -> None:
    """Neither from the program's texts nor the compiled one from the readable one."""
    fresh = catalogue.brought_up_to_date(name)
    written = [(message.id, message.string) for message in catalogue.read(name) if message.id]
    assert written == [(message.id, message.string) for message in fresh if message.id], "run catalogue.py"
    with catalogue.file(name, "mo").open("rb") as stream:
        compiled = {message.id: message.string for message in read_mo(stream) if message.id}
    assert compiled == {message.id: message.string for message in fresh if message.id}


def test_protocol_words_survive_translation() -> None:
    """What stands in a header or in the RFC's table is not translated away: SYN, ACK, 2MSL, RCV.NXT, numbers."""
    kept = re.compile(r"SYN|FIN|RST|ACK\b(?!s)|URG|2MSL|TCB|RCV\.NXT|ISN|RFC \d+|Figure \d+|\d+")
    for message in catalogue.read("zh"):
        if not message.id or message.id in {str(state) for state in State}:
            continue
        for word in kept.findall(str(message.id)):
            assert word.removeprefix("Figure ") in str(message.string), message.id


def test_states_have_the_names_of_the_textbooks() -> None:
    words = draw.words_in(CHINESE)
    assert words.state(State.ESTABLISHED) == ("ESTABLISHED", "已建立")
    assert words.state(State.TIME_WAIT) == ("TIME-WAIT", "时间等待")
    assert {words.state(state)[0] for state in State} == {str(state) for state in State}
    assert len({words.state(state)[1] for state in State}) == len(State), "no two states share a name"
    assert draw.ENGLISH.state(State.LISTEN) == ("LISTEN",)


def test_terms() -> None:
    words = draw.words_in(CHINESE)
    assert (words.handshake, words.four_way, words.client) == (("三次握手",), ("四次挥手",), "客户端")
    both = draw.words_in(BOTH)
    assert both.handshake == ("三次握手", "Three-way", "handshake")
    assert both.client == "客户端 Client"
    assert both.notation("rcv SYN / snd ACK") == "rcv SYN / snd ACK"
    assert words.notation("rcv SYN / snd SYN,ACK") == "收到 SYN / 发送 SYN,ACK"
    assert draw.words_in(ENGLISH) == draw.ENGLISH


def test_every_title_of_the_library_is_translated() -> None:
    for name in library.names():
        title = library.load(name).title
        assert CHINESE.say(title) != title, name
        assert BOTH.say(title, " · ").endswith(f" · {title}")


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=list(LANGUAGES))
@pytest.mark.parametrize("text", ["", "no such text", "run.pcap", "客户端"])
def test_what_no_catalogue_has_stays(language: object, text: str) -> None:
    assert language.say(text) == text


def test_columns_of_a_terminal() -> None:
    assert columns(string.ascii_letters) == 52
    assert columns("三次握手 x") == 10


ANSWERS = "answers: {} in {}"


@pytest.mark.parametrize(
    ("sentence", "english", "chinese"),
    [
        (
            Sentence("acknowledges {} octets and FIN", 1000),
            "acknowledges 1000 octets and FIN",
            "确认 1000 字节和 FIN",
        ),
        (
            Sentence(ANSWERS, Sentence("rcv text after close()"), State.FIN_WAIT_2),
            "answers: rcv text after close() in FIN-WAIT-2",
            "应答：close() 之后收到数据 (FIN-WAIT-2)",
        ),
        (Sentence("frame {} breaks the rules", 7), "frame 7 breaks the rules", "第 7 帧违反规则"),
        (Sentence("send() of {0} octets {"), "send() of {0} octets {", "send() of {0} octets {"),
        (Sentence("why this one of 7 was sent"), "why this one of 7 was sent", "why this one of 7 was sent"),
        # a name is no word, though it looks like one: it is somebody's file
        (Sentence("{} has all of them", "client"), "client has all of them", "client 中有全部帧"),
    ],
)
def test_a_sentence_is_translated_by_its_pattern_and_its_parts(sentence: Sentence, english: str, chinese: str) -> None:
    """A reason of somebody's own, from a scenario file, stays as it is, whatever is in it."""
    assert (sentence, CHINESE.translated(sentence)) == (english, chinese)
    assert draw.words_in(CHINESE).why(sentence) == chinese
    assert list(BOTH.lines(sentence)) == list(dict.fromkeys([chinese, english]))
    assert json.dumps(sentence) == json.dumps(english)


def test_a_copy_of_a_sentence_is_one() -> None:
    sentence = Sentence("{} has all of them", "{}")
    for copy in (deepcopy(sentence), pickle.loads(pickle.dumps(sentence))):
        assert (copy, CHINESE.translated(copy)) == ("{} has all of them", "{} 中有全部帧")


def test_a_sentence_whose_pattern_does_not_stand_in_the_source_is_found(tmp_path: Path) -> None:
    file = tmp_path / "some.py"
    file.write_text('Sentence("one {}" if x else "two {}", 1)\nSentence(str(state))\nSentence(f"three {4}")\n')
    assert list(catalogue.patterns(file)) == [("one {}", 1), ("two {}", 1), (None, 3)]
