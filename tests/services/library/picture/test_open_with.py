"""Opening files in another program."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.library.picture.open_with import command_line, open_with


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("gimp", ["gimp", "/a b.png", "/$(c).png"]),
        ("gimp --new '{path}' -q", ["gimp", "--new", "/a b.png", "/$(c).png", "-q"]),
        ("'/opt/my program' --open", ["/opt/my program", "--open", "/a b.png", "/$(c).png"]),
    ],
)
def test_paths_are_arguments_of_their_own(command: str, line: list[str]) -> None:
    assert command_line(command, ["/a b.png", "/$(c).png"]) == line


@pytest.mark.parametrize("command", ["gimp 'x", "   "])
def test_what_is_no_command_is_told(command: str) -> None:
    with pytest.raises(UsageError, match="open_with"):
        command_line(command, ["/a.png"])


def test_the_program_gets_the_file(tmp_path: Path) -> None:
    picture, fifo = tmp_path / "a; touch b.png", tmp_path / "told"
    picture.write_bytes(b"pixels")
    os.mkfifo(fifo)
    told: list[bytes] = []
    reader = threading.Thread(target=lambda: told.append(fifo.read_bytes()), daemon=True)
    reader.start()
    assert open_with(f"cp {{path}} '{fifo}'", [str(picture)]) == "cp"
    reader.join(60)
    assert told == [b"pixels"]
    assert sorted(os.listdir(tmp_path)) == ["a; touch b.png", "told"]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    with pytest.raises(DtkError, match="The file is not there"):
        open_with("true", [str(picture)])
    picture.touch()
    with pytest.raises(DtkError, match="There is no program 'no-such-program'"):
        open_with("no-such-program", [str(picture)])
