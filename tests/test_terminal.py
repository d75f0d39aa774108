"""The terminal: native noise stays off the screen, and the image protocol is asked for."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import textwrap
from pathlib import Path
from time import monotonic

import pytest

from dtk_tui.terminal import notification, window_title
from dtk_tui.terminal_report import image_protocol

_NOISY = """
import os, sys
from pathlib import Path
from dtk_tui.terminal import redirect_native_output
print("before")
try:
    with redirect_native_output(Path(sys.argv[1])):
        os.write(1, b"native on one\\n")
        os.write(2, b"native on two\\n")
        os.system("echo child")
        print("python out", flush=True)
        print("python err", file=sys.stderr, flush=True)
        raise KeyError("through")
except KeyError:
    print("after")
    os.write(1, b"native after\\n")
"""


def test_native_output_goes_to_the_log_and_all_is_put_back(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "dtk.log"
    done = subprocess.run([sys.executable, "-u", "-c", _NOISY, str(log)], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["before", "python out", "after", "native after", ""]
    assert done.stderr == "python err\n"
    assert log.read_text().split("\n") == ["native on one", "native on two", "child", ""]
    assert log.stat().st_mode & 0o077 == 0


def ask_in_terminal(answer: bytes, asked: str = "image_protocol('auto')", largest: bytes = b"") -> str:
    """Run a question in a terminal that gives ``answer`` to what it is asked; return what was found.

    Args:
        largest: its answer to how large a picture may be as Sixel data.
    """
    code = f"import os; from dtk_tui.terminal_report import *; print('IS', {asked}, 'end')"
    pid, master = pty.fork()
    if pid == 0:
        environ = {name: value for name, value in os.environ.items() if name not in ("COLORTERM", "NO_COLOR")}
        os.execve(sys.executable, [sys.executable, "-c", code], environ)
    seen, told = b"", False
    end = monotonic() + 120
    while b"\n" not in seen.partition(b"IS ")[2]:
        assert monotonic() < end, seen
        if select.select([master], [], [], 0.1)[0]:
            try:
                seen += os.read(master, 4096)
            except OSError:
                break
        if not told and b"\x1b[c" in seen:
            told = True
            os.write(master, answer)
        if largest and b"\x1b[?2;4;0S\x1b[c" in seen:
            os.write(master, largest + b"\x1b[?62;4;22c")
            largest = b""
    os.waitpid(pid, 0)
    os.close(master)
    return seen.partition(b"IS ")[2].partition(b" end")[0].decode()


@pytest.mark.parametrize(
    ("answer", "protocol"),
    [
        (b"\x1b_Gi=4242;OK\x1b\\\x1bP>|kitty(0.42.1)\x1b\\\x1b[?62;c", "kitty"),
        (b"\x1b_Gi=4242;OK\x1b\\\x1bP>|ghostty 1.1.3\x1b\\\x1b[?62;22c", "kitty"),
        (b"\x1b_Gi=4242;OK\x1b\\\x1bP>|kitty(0.26.5)\x1b\\\x1b[?62;c", "halfblock"),
        (b"\x1b_Gi=4242;OK\x1b\\\x1bP>|WezTerm 20240203\x1b\\\x1b[?65;4;6;18;22c", "sixel"),
        (b"\x1b_Gi=4242;OK\x1b\\\x1b[?62;c", "halfblock"),
        (b"\x1b[?62;4;22c", "sixel"),
        (b"\x1b_Gi=4242;OK\x1b\\\x1b[?62;4;22c", "sixel"),
        (b"\x1b[?1;2c", "halfblock"),
        (b"\x1b[?64;14;42c", "halfblock"),
        (b"", "halfblock"),
    ],
)
def test_the_best_protocol_that_the_terminal_knows(answer: bytes, protocol: str) -> None:
    assert ask_in_terminal(answer) == protocol


@pytest.mark.parametrize(
    ("answer", "largest"),
    [
        (b"\x1b[?2;0;1000;800S", "(1000, 800)"),
        (b"\x1b[?2;3;0S", "None"),  # tmux: it does not know
        (b"\x1b[?2;0;0;0S", "None"),
        (b"", "None"),
    ],
)
def test_the_largest_picture_that_the_terminal_takes(answer: bytes, largest: str) -> None:
    asked = "image_protocol('auto'), largest_sixel()"
    assert ask_in_terminal(b"\x1b[?62;4;22c", asked, answer) == f"sixel {largest}"


@pytest.mark.parametrize(
    ("answer", "is_light"),
    [
        (b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62;c", True),
        (b"\x1b]11;rgb:fd/f6/e3\x07\x1b[?62;c", True),  # Solarized light
        (b"\x1b]11;rgba:0000/2b2b/3636/ffff\x1b\\\x1b[?62;c", False),
        (b"\x1b]11;rgb:0/0/f\x1b\\\x1b[?62;c", False),
        (b"\x1b]11;rgb:0/f/0\x1b\\\x1b[?62;c", True),
        (b"\x1b[?62;c", False),
        (b"", False),
    ],
)
def test_the_ground_of_the_terminal(answer: bytes, is_light: bool) -> None:
    assert ask_in_terminal(answer, "has_light_ground()") == str(is_light)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"\x1bP>|XTerm(379)\x1b\\\x1bP1$r0;48:2::1:2:3m\x1b\\\x1b[?64;1;2c", "truecolor"),
        (b"\x1bP1$r48:2:1:2:3m\x1b\\\x1b[?62;c", "truecolor"),
        (b"\x1bP1$r0;48;2;1;2;3m\x1b\\\x1b[?62;c", "truecolor"),
        (b"\x1bP>|foot(1.16.2)\x1b\\\x1b[?62;4;22c", "truecolor"),
        (b"\x1bP1$r0;48;5;16m\x1b\\\x1b[?63;1;2;3;4c", "None"),  # mlterm keeps the nearest of 256
        (b"\x1bP>|tmux 3.3a\x1b\\\x1b[?1;2c", "None"),
        (b"\x1bP1$r0;48:2::1:2:33m\x1b\\\x1b[?62;c", "None"),
        (b"\x1b[?1;2c", "None"),
    ],
)
def test_true_colours_are_found_where_no_variable_tells_of_them(answer: bytes, told: str) -> None:
    assert ask_in_terminal(answer, "tell_true_color() or os.environ.get('COLORTERM')") == told


def test_a_wish_is_not_questioned() -> None:
    for wish in ("kitty", "sixel", "halfblock", "text", "off"):
        assert image_protocol(wish) == wish


_QUIET = """
    import sys
    from dtk_tui.config import load
    from dtk_tui.services.library.browse import LibraryBrowser
    from dtk_tui.store.database import Database
    from dtk_tui.ui.app import DtkApp
    config = load()
    db = Database.open(config)
    DtkApp(LibraryBrowser(db, config), None).run()
    db.close()
    print("THE END")
"""


_FAULTY = _QUIET.replace(
    "DtkApp(LibraryBrowser(db, config), None).run()",
    "DtkApp.on_help_opened = lambda self: [][0]; app = DtkApp(LibraryBrowser(db, config), None); app.run(); "
    "assert app.return_code",
)


def in_a_terminal(program: str, database_url: str, tmp_path: Path, keys: bytes) -> bytes:
    """Run a program with an empty library in a plain 256-colour terminal, type, and return all that it drew."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TERM": "screen-256color",
        "DTK_HOME": str(tmp_path / "home"),
        "DTK_DATABASE_URL": database_url,
    }
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(Path(__file__).resolve().parents[1])
        os.execve(sys.executable, [sys.executable, "-c", textwrap.dedent(program)], environ)
    seen, quit_sent = b"", False
    end = monotonic() + 120
    while b"THE END" not in seen:
        assert monotonic() < end, seen[-3000:]
        if select.select([master], [], [], 0.1)[0]:
            seen += os.read(master, 65536)
        if not quit_sent and b"This library is empty." in seen and b"\x1b]2;dtk empty library" in seen:
            quit_sent = True
            os.write(master, keys)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(master)
    return seen


def test_the_app_in_a_real_terminal(config: object, database_url: str, tmp_path: Path) -> None:
    """The app starts, draws, quits on Ctrl+Q and leaves the terminal as it was."""
    seen = in_a_terminal(_QUIET, database_url, tmp_path, b"\x11")
    assert b"\x1b[?1049h" in seen and b"\x1b[?1049l" in seen
    assert b"\x1b[38;2;" not in seen
    assert seen.index(b"\x1b[22;2t") < seen.index(b"\x1b]2;dtk empty library\x07") < seen.index(b"\x1b[23;2t")


def test_a_fault_of_the_app_ends_in_a_sentence(config: object, database_url: str, tmp_path: Path) -> None:
    seen = in_a_terminal(_FAULTY, database_url, tmp_path, b"?")
    left = seen[seen.rindex(b"\x1b[?1049l") :].decode()
    assert "The app ended by a fault of its own (IndexError: list index out of range)." in left
    assert "start it again" in left and "Traceback" not in left and "locals" not in left
    assert "IndexError" in (tmp_path / "home" / "logs" / "dtk.log").read_text()


def test_a_title_or_a_notification_ends_where_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = "a\x1b]52;c;aGk=\x07b\x9c;" + "c" * 500
    for told in (window_title(hostile), notification("osc9", hostile, hostile), notification("osc777", "x", hostile)):
        assert told.count("\x1b") == 1 and told.count("\x07") == 1 and told.endswith("\x07") and len(told) < 450
    assert notification("osc777", "a;b", "c;d") == "\x1b]777;notify;a,b;c;d\x07"
    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    assert notification("osc9", "a", "b") == "\x1bPtmux;\x1b\x1b]9;a: b\x07\x1b\\"


def test_half_blocks_are_not_drawn_without_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert image_protocol("auto") == "halfblock"
    monkeypatch.setenv("NO_COLOR", "1")
    assert (image_protocol("auto"), image_protocol("off")) == ("text", "off")
