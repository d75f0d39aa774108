"""dtk guide: in pipes and on terminals, through pagers of all kinds."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dtk_tui.cli.application import application
from dtk_tui.text import cell_width
from tests.helpers.paths import REPOSITORY
from tests.helpers.processes import wait_for_end

CAPTIONS = (REPOSITORY / "docs" / "guide" / "captions.md").read_text(encoding="utf-8")
DTK = str(Path(sys.executable).with_name("dtk"))
_CODES = re.compile(r"\x1b\[[0-9;]*m")
#: More than a pipe holds: whoever writes it meets the end of its reader.
_SHOW_MUCH = "from dtk_tui.cli.guide.pager import show; show('line\\n' * 200_000)"


def on_terminal(
    command: Sequence[str], environ: Mapping[str, str], columns: int = 80, lines: int = 24
) -> tuple[str, int]:
    """Run a command on a terminal of its own; return what that was sent, and the exit status."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (lines, columns))
    kept = {name: os.environ[name] for name in ("PATH", "HOME")}
    process = subprocess.Popen(
        command, env=kept | {"TERM": "xterm-256color"} | environ, stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    sent = b""
    while True:
        try:
            part = os.read(master, 65_536)
        except OSError:  # Linux: nobody has the terminal open any more
            break
        if not part:
            break
        sent += part
    os.close(master)
    return sent.decode().replace("\r\n", "\n"), process.wait()


def test_the_pages_are_listed_for_people_and_scripts() -> None:
    told = CliRunner().invoke(application, ["guide"]).stdout.splitlines()
    assert told[0] == "page\ttitle" and "organise\tRatings, flags, tags, albums" in told
    lines = CliRunner().invoke(application, ["guide", "--json"]).stdout.splitlines()
    assert [json.loads(line) for line in lines] == [
        dict(zip(("name", "title"), line.split("\t"), strict=True)) for line in told[1:]
    ]


def test_in_a_pipe_a_page_is_its_markdown() -> None:
    assert CliRunner().invoke(application, ["guide", "captions"]).stdout == CAPTIONS
    done = CliRunner().invoke(application, ["guide", "captions", "--json"])
    assert json.loads(done.stdout) == {"name": "captions", "title": "Captions", "text": CAPTIONS}


def test_an_unknown_page_ends_with_status_2() -> None:
    done = subprocess.run([DTK, "guide", "../captions"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "dtk: The guide has no page '../captions'.\n     Did you mean captions, caption-answers? All pages: dtk guide\n"
    )


def test_a_shell_completes_the_pages() -> None:
    environ = os.environ | {"_DTK_COMPLETE": "complete_bash", "COMP_WORDS": "dtk guide ca", "COMP_CWORD": "2"}
    done = subprocess.run([DTK], env=environ, capture_output=True, text=True)
    assert done.stdout.split() == ["caption-answers", "captions"]


@pytest.mark.parametrize(("columns", "widest"), [(60, 60), (200, 100)])
def test_on_a_terminal_a_page_is_drawn(columns: int, widest: int) -> None:
    sent, status = on_terminal([DTK, "guide", "captions"], {"PAGER": "cat"}, columns)
    plain = _CODES.sub("", sent)
    assert status == 0 and sent != plain
    assert {line for line in plain.splitlines() if cell_width(line) > widest and not line.startswith("    ")} == set()
    assert "\nThe captioner\n" in plain and "#" not in plain.partition("conda")[0]
    assert '\n    dtk caption batch "rating:>=4" --replace "a photo of " "" --dry-run\n' in plain
    assert " | " not in plain and "(search.md)" not in plain
    assert plain.endswith("\nSee also: dtk guide caption-answers, dtk guide search\n")


def test_without_colours_keys_and_commands_are_bold() -> None:
    sent, status = on_terminal([DTK, "guide", "picture"], {"PAGER": "", "NO_COLOR": "1"})
    codes = {code for found in _CODES.findall(sent) for code in re.findall(r"\d+", found)}
    assert status == 0 and "1" in codes and codes <= {"0", "1", "2", "3", "4"}


def test_a_terminal_that_draws_nothing_gets_the_markdown() -> None:
    assert on_terminal([DTK, "guide", "captions"], {"PAGER": "", "TERM": "dumb"}) == (CAPTIONS, 0)


def test_what_fits_the_screen_needs_no_pager() -> None:
    sent, status = on_terminal([DTK, "guide", "browser"], {"PAGER": "false"}, lines=60)
    assert status == 0 and "dtk serve" in sent
    lines = len(_CODES.sub("", sent).splitlines())
    assert on_terminal([DTK, "guide", "browser"], {"PAGER": "false"}, lines=lines + 1)[1] == 0
    assert on_terminal([DTK, "guide", "browser"], {"PAGER": "false"}, lines=lines)[1] == 1, "the shell has a line too"


def test_less_is_the_pager_and_is_told_of_colours(tmp_path: Path) -> None:
    less = tmp_path / "less"
    less.write_text('#!/bin/sh\necho "less $*"\ncat\n')
    less.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    for environ, told in (({}, "less -R"), ({"PAGER": "less -i"}, "less -R -i"), ({"PAGER": str(less)}, "less -R")):
        sent, status = on_terminal([DTK, "guide", "captions"], {"PATH": path, **environ})
        assert status == 0 and sent.startswith(f"{told}\n") and "See also" in sent


@pytest.mark.parametrize("pager", ["", " ", "/nowhere/pager -x", "less 'no end", "/"])
def test_without_a_pager_that_can_be_run_the_page_is_printed(pager: str) -> None:
    sent, status = on_terminal([DTK, "guide", "captions"], {"PAGER": pager})
    assert status == 0 and "See also" in sent and "dtk:" not in sent


def test_a_pager_that_is_left_early_is_no_failure() -> None:
    sent, status = on_terminal([sys.executable, "-c", _SHOW_MUCH], {"PAGER": "head -n 2"})
    assert (sent, status) == ("line\nline\n", 0)
    assert on_terminal([sys.executable, "-c", _SHOW_MUCH], {"PAGER": "sh -c 'kill -KILL $$'"}) == ("", 0)


def test_a_pager_that_fails_is_told() -> None:
    sent, status = on_terminal([DTK, "guide", "captions"], {"PAGER": "sh -c 'exit 3'"})
    assert status == 1
    assert sent.startswith("dtk: The pager ended with status 3: sh -c 'exit 3'\n     Name another in PAGER;")


def test_an_interrupt_is_for_the_pager_and_a_signal_that_ends_dtk_ends_it_too(tmp_path: Path) -> None:
    assert on_terminal([DTK, "guide", "captions"], {"PAGER": "sh -c 'kill -INT $PPID; cat'"})[1] == 0
    noted = tmp_path / "pid"
    sent, status = on_terminal(
        [DTK, "guide", "captions"],
        {"PAGER": f"sh -c 'echo $$ > {noted}; kill -TERM $PPID; exec sleep 1000'"},
    )
    assert (sent, status) == ("", 130)
    wait_for_end(int(noted.read_text()))


def test_a_signal_that_comes_before_the_pager_is_known_ends_it_too(tmp_path: Path) -> None:
    program = (
        "import os, signal, subprocess\n"
        "from dtk_tui.cli.guide import pager\n"
        "class Slow(subprocess.Popen):\n"
        "    def __init__(self, *arguments, **options):\n"
        "        super().__init__(*arguments, **options)\n"
        f"        open({str(tmp_path / 'pid')!r}, 'w').write(str(self.pid))\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "subprocess.Popen = Slow\n"
        "pager.show('line\\n' * 200_000)\n"
    )
    status = on_terminal([sys.executable, "-c", program], {"PAGER": "sleep 1000"})[1]
    assert status == -signal.SIGTERM
    wait_for_end(int((tmp_path / "pid").read_text()))
