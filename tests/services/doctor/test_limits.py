"""What doctor says of the limits of the system, and of the terminal."""

from __future__ import annotations

import errno
import io
import os
import pty
import resource
import select
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from dtk_tui.config import load
from dtk_tui.services.doctor import limits, terminal
from dtk_tui.services.doctor.finding import Finding, Verdict
from dtk_tui.terminal_report import TerminalReport, terminal_report

MIB = 1 << 20
OK, NOTE = Verdict.OK, Verdict.NOTE


@pytest.mark.parametrize(
    ("finding", "verdict", "words"),
    [
        (limits.watches(8_192, 20_000), NOTE, "max_user_watches=524288"),
        (limits.watches(524_288, 20_000), OK, ""),
        (limits.watches(None, 20_000), OK, ""),
        (limits.watches(8_192, None), OK, ""),
        (limits.instances(128, 0), OK, ""),
        (limits.instances(128, errno.EMFILE), NOTE, "max_user_instances=512"),
        (limits.instances(128, errno.ENOSYS), NOTE, "every few seconds"),
        (limits.open_files(256, resource.RLIM_INFINITY), NOTE, "ulimit -n 1024"),
        (limits.open_files(256, 512), NOTE, "ulimit -n 512; more than 512"),
        (limits.open_files(1024, 4096), OK, ""),
        (limits.open_files(resource.RLIM_INFINITY, resource.RLIM_INFINITY), OK, ""),
        (limits.shared_memory(64 * MIB, 1280 * MIB), NOTE, "--shm-size"),
        (limits.shared_memory(2048 * MIB, 1280 * MIB), OK, ""),
    ],
)
def test_a_limit_that_is_too_low_comes_with_what_raises_it(finding: Finding, verdict: Verdict, words: str) -> None:
    assert finding.subject == "limits" and finding.verdict == verdict
    assert words in finding.advice and bool(finding.advice) == (verdict != OK)


def test_the_limits_of_this_machine_are_read(tmp_path: Path) -> None:
    config = load({"HOME": str(tmp_path), "DTK_HOME": str(tmp_path)})
    found = list(limits.limits(config, folders=3))
    assert any(one.detail.startswith("open files: ") for one in found)
    if sys.platform == "linux":
        assert any("the library has 3 folders" in one.detail for one in found)
        assert any(one.detail.startswith("/dev/shm: ") for one in found)


def _report(protocol: str, **values: object) -> TerminalReport:
    known = {"name": "", "answers": True, "knows_kitty": False, "true_color": True, "multiplexer": None}
    known["passthrough"] = None
    return TerminalReport(protocol=protocol, size=(80, 24), **(known | values))  # type: ignore[arg-type]


TMUX = _report("halfblock", name="tmux 3.5", multiplexer="tmux", passthrough="on")
NAMELESS = "a terminal without a name"


@pytest.mark.parametrize(
    ("report", "wanted", "verdict", "detail"),
    [
        (_report("kitty", name="kitty(0.42.1)"), "auto", OK, "kitty(0.42.1): pictures by Kitty's protocol"),
        (_report("sixel", name="WezTerm 2024"), "auto", OK, "WezTerm 2024: pictures by Sixel"),
        (_report("halfblock", name="XTerm(390)"), "auto", NOTE, "XTerm(390): pictures by half-blocks"),
        (
            _report("halfblock", name="urxvt", true_color=False),
            "auto",
            NOTE,
            "urxvt: pictures by half-blocks, without true colours",
        ),
        (_report("halfblock", name="foo \x1b[31m[red]"), "auto", NOTE, "foo \u241b[31m[red]: pictures by half-blocks"),
        (_report("halfblock", answers=False), "auto", NOTE, f"{NAMELESS} that does not answer: pictures by"),
        (_report("halfblock", knows_kitty=True, name="Konsole"), "auto", NOTE, "Konsole: pictures by half-blocks"),
        (TMUX, "auto", NOTE, "tmux 3.5, passthrough on: pictures by"),
        (_report("sixel", name="foot", multiplexer="screen"), "auto", OK, "screen: pictures by Sixel"),
        (_report("kitty"), "off", OK, f"{NAMELESS}: pictures by nothing ([preview] protocol; auto is Kitty's"),
    ],
)
def test_what_the_terminal_draws(report: TerminalReport, wanted: str, verdict: Verdict, detail: str) -> None:
    found = terminal.pictures(report, wanted)
    assert (found.subject, found.verdict, bool(found.advice)) == ("terminal", verdict, verdict == NOTE)
    assert found.detail.startswith(detail)


def test_nothing_is_asked_where_there_is_no_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert terminal_report() is None
    assert list(terminal.terminal(load({"HOME": str(tmp_path), "DTK_HOME": str(tmp_path)}))) == []


def _in_terminal(answer: Callable[[bytes], bytes]) -> str:
    """Run the doctor's look at the terminal in one that answers so; return what it found."""
    code = (
        "from dtk_tui.config import load; from dtk_tui.services.doctor.terminal import terminal;"
        "print('FOUND', [one.detail for one in terminal(load())], 'END')"
    )
    pid, master = pty.fork()
    if pid == 0:
        environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "COLUMNS": "80", "LINES": "24"}
        os.execve(sys.executable, [sys.executable, "-X", "utf8", "-c", code], environ)
    seen, told = b"", False
    end = monotonic() + 120
    while b"] END" not in seen:
        assert monotonic() < end, seen
        if select.select([master], [], [], 0.1)[0]:
            try:
                seen += os.read(master, 4096)
            except OSError:
                break
        if not told and b"\x1b[c" in seen:
            told = True
            os.write(master, answer(seen))
    os.waitpid(pid, 0)
    os.close(master)
    return seen.partition(b"FOUND ")[2].decode()


def test_a_terminal_is_asked_and_one_that_keeps_silent_is_not_waited_for() -> None:
    assert "foot 1.2: pictures by Sixel" in _in_terminal(lambda asked: b"\x1bP>|foot 1.2\x1b\\\x1b[?62;4;22c")
    assert "that does not answer: pictures by half-blocks" in _in_terminal(lambda asked: b"")


def test_tmux_is_asked_for_its_passthrough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dtk_tui import terminal_report as asked

    monkeypatch.setenv("PATH", str(tmp_path))
    assert asked._tmux_passthrough() is None
    tmux = tmp_path / "tmux"
    tmux.write_text("#!/bin/sh\necho all\n")
    tmux.chmod(0o755)
    assert asked._tmux_passthrough() == "all"


@pytest.mark.parametrize(
    ("setting", "inside", "is_kept"),
    [("external", True, True), ("off", True, True), ("on", True, False), ("external", False, False)],
)
def test_tmux_is_asked_whether_it_keeps_what_is_copied(
    setting: str, inside: bool, is_kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dtk_tui import terminal as asked

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TMUX", "a socket" if inside else "")
    tmux = tmp_path / "tmux"
    tmux.write_text(f'#!/bin/sh\n[ "$3" = set-clipboard ] && echo {setting}\n')
    tmux.chmod(0o755)
    assert asked.is_clipboard_kept_by_tmux() is is_kept
