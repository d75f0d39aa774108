"""Every key that a command has arrives as that key from a terminal that knows no protocol but the oldest."""

from __future__ import annotations

import pytest
from textual._xterm_parser import XTermParser
from textual.keys import _character_to_key

from dtk_tui.ui.commands.registry import COMMANDS
from dtk_tui.ui.drivers.terminal import hear_alt_with_digits

# What xterm sends (ctlseqs, "PC-Style Function Keys", "Special Keyboard Keys").
_NAMED = {
    "enter": "\r", "escape": "\x1b", "tab": "\t", "shift+tab": "\x1b[Z", "backspace": "\x7f", "space": " ",
    "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "home": "\x1b[H", "end": "\x1b[F",
    "shift+up": "\x1b[1;2A", "shift+down": "\x1b[1;2B", "shift+right": "\x1b[1;2C", "shift+left": "\x1b[1;2D",
    "insert": "\x1b[2~", "delete": "\x1b[3~", "pageup": "\x1b[5~", "pagedown": "\x1b[6~",
    "ctrl+home": "\x1b[1;5H", "ctrl+end": "\x1b[1;5F",
    "f1": "\x1bOP",
    "f2": "\x1bOQ", "f3": "\x1bOR", "f4": "\x1bOS", "f5": "\x1b[15~", "f6": "\x1b[17~", "f7": "\x1b[18~",
    "f8": "\x1b[19~", "f9": "\x1b[20~", "f10": "\x1b[21~",
}  # fmt: skip
_KEYS = sorted({key for command in COMMANDS for key in command.pressed({}).split(",")})
_SIGNS = {_character_to_key(chr(code)): chr(code) for code in range(33, 127)}


def _sent(key: str) -> str:
    modifier, _, of = key.rpartition("+")
    if key in _NAMED:
        return _NAMED[key]
    if modifier == "alt":
        return "\x1b" + _SIGNS[of]
    if modifier == "ctrl":
        return chr(ord(of) & 0x1F)
    return _SIGNS[key]


@pytest.mark.parametrize("key", _KEYS)
def test_each_key_of_a_command_can_be_pressed(key: str) -> None:
    hear_alt_with_digits()
    parser = XTermParser()
    heard = [*parser.feed(_sent(key)), *parser.feed("")]
    assert [getattr(one, "key", one) for one in heard] == [key]
