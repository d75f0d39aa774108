"""Answers of a terminal over a slow line are no keys."""

from __future__ import annotations

from time import sleep

import pytest
from textual import events

from dtk_tui.ui.drivers.late_answers import GroundTold, KeyParser


def heard(*pieces: str) -> list[str]:
    parser = KeyParser()
    return [found.key for piece in pieces for found in parser.feed(piece) if isinstance(found, events.Key)]


@pytest.mark.parametrize(
    "answer",
    [
        "\x1b_Gi=4242;OK\x1b\\", "\x1bP>|XTerm(390)\x1b\\", "\x1bP1$r0;48:2::1:2:3m\x1b\\", "\x1bP0$r\x1b\\",
        "\x1b[?64;1;4;22c", "\x1b[?2;0;1000;1000S", "\x1b]11;rgb:1c1c/1c1c/1c1c\x1b\\", "\x1b]11;rgb:ff/ff/ff\x07",
        "\x1b[?997;1n",
    ],
)  # fmt: skip
def test_an_answer_is_no_key_in_whatever_pieces(answer: str) -> None:
    assert heard(f"a{answer}b") == heard(f"a{answer}{answer}b") == ["a", "b"]
    whole = {"_": 5, "P": 5, "]": 5, "[": 3}[answer[1]]
    for cut in range(whole, len(answer)):
        assert heard("a" + answer[:cut], answer[cut:] + "b") == ["a", "b"]


def test_an_answer_that_was_cut_off_ends_at_the_next_sequence() -> None:
    assert heard("a\x1bP>|XTerm", "\x1b[Ab") == ["a", "up", "b"]


def test_an_answer_without_an_end_does_not_keep_the_keys_for_ever() -> None:
    assert heard("\x1bP>|", "x" * 600, "ab")[-2:] == ["a", "b"]


@pytest.mark.parametrize(("color", "is_light"), [("1c1c/1c1c/1c1c", False), ("ff/ff/ff", True)])
def test_the_ground_is_told_among_the_keys(color: str, is_light: bool) -> None:
    answer = f"\x1b]11;rgb:{color}\x1b\\"
    for cut in range(5, len(answer)):
        parser = KeyParser()
        found = [*parser.feed("a" + answer[:cut]), *parser.feed(answer[cut:] + "b")]
        assert [one.is_light for one in found if isinstance(one, GroundTold)] == [is_light]
        assert [one.key for one in found if isinstance(one, events.Key)] == ["a", "b"]


def test_keys_are_heard_at_once() -> None:
    assert heard("x", "\x1b[B", "\x1b[1;2A") == ["x", "down", "shift+up"]
    assert heard("\x1b[200~\x1b[?x\x1b[201~", "y")[-1] == "y"


def test_an_answer_whose_rest_does_not_come_keeps_no_keys() -> None:
    now = 100.0
    parser = KeyParser(clock=lambda: now)
    assert not list(parser.feed("\x1bP>|XTe"))
    now += 2.9
    assert not list(parser.feed("rm"))
    now += 0.2
    assert [found.key for found in parser.feed("a") if isinstance(found, events.Key)] == ["a"]


def test_a_piece_without_a_whole_letter_is_not_the_end() -> None:
    assert heard("", "a") == ["a"]


@pytest.mark.parametrize(
    "sequence", ["\x1b[97:65;2u", "\x1b[1;1:3A", "\x1b[1114112u", "\x1b[99999999999u", "\x1b[97;;99999999u"]
)
def test_a_key_that_cannot_be_read_is_none(sequence: str) -> None:
    assert heard("a", sequence, "b") == ["a", "b"]


@pytest.mark.parametrize("sequence", ["\x1bz", "\x1b[122;3u"])
def test_a_letter_with_alt_types_nothing(sequence: str) -> None:
    parser = KeyParser()
    found = [*parser.feed(sequence)]
    while parser.wait_s is not None:
        sleep(parser.wait_s)
        found += parser.tick()
    assert [(key.key, key.character) for key in found if isinstance(key, events.Key)] == [("alt+z", None)]


def test_escape_alone_is_waited_for_as_long_as_it_may_begin_something() -> None:
    parser = KeyParser()
    assert parser.wait_s is None
    assert not list(parser.feed("\x1b"))
    assert parser.wait_s is not None
    assert [found.key for found in parser.feed("[A") if isinstance(found, events.Key)] == ["up"]
    assert parser.wait_s is None
