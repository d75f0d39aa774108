"""Commands of hooks: whatever they do, the worker goes on."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dtk_tui.services.worker.hooks.command import Ended, run
from tests.helpers.processes import wait_for_end


def _run(*command: str, told: bytes = b"", deadline: Callable[[], float] = lambda: math.inf) -> Ended:
    return run(command, told, {"DTK_EVENT": "work_ended"}, deadline)


def test_what_happened_is_on_its_input_and_arguments_reach_it_as_they_are() -> None:
    ended = _run("/bin/sh", "-c", 'cat; printf " %s|" "$DTK_EVENT" "$@" >&2', "name", "$(id) *", "a\nb", told=b"{}")
    assert ended == Ended(0, "", "{} work_ended| $(id) *| a\nb|")


def test_one_that_does_not_read_or_fails_is_told() -> None:
    assert _run("/bin/sh", "-c", "echo no; exit 3", told=b"x" * 4000) == Ended(3, "", "no\n")


def test_one_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    told = tmp_path / "pids"
    script = f'sleep 600 & echo "$! $$" > {told}.new; mv {told}.new {told}; wait'
    ended = _run("/bin/sh", "-c", script, deadline=lambda: 0.0 if told.exists() else math.inf)
    assert (ended.status, ended.why) == (None, "It did not end in time.")
    child, shell = map(int, told.read_text().split())
    wait_for_end(shell)
    wait_for_end(child)


def test_of_much_output_the_beginning_is_kept() -> None:
    ended = _run("/bin/sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' y")
    assert (ended.status, ended.output) == (0, "y" * 8_000)


def test_what_it_leaves_running_is_not_waited_for(tmp_path: Path) -> None:
    left = tmp_path / "left"
    os.mkfifo(left)
    ended = _run("/bin/sh", "-c", f"(read line < {left}) & echo started")
    with left.open("w") as fifo:  # it reads this and ends
        fifo.write("\n")
    assert ended == Ended(0, "", "started\n")


@pytest.mark.parametrize("program", ["/nonexistent/tell", "/", "tell\0me"])
def test_one_that_cannot_be_started_says_why(program: str) -> None:
    ended = _run(program)
    assert ended.status is None and ended.why.startswith("It cannot be started: ")
