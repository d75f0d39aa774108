"""Running a command without a shell, for a bounded time, keeping a bounded part of what it prints."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

_PIECE_BYTES = 1 << 16
#: So much of what a command prints is kept; the rest is read, so that it can go on, and dropped.
_KEPT_BYTES = 8_000
#: How often a command that prints nothing is looked at, in seconds.
_LOOK_S = 0.1
#: A process that even SIGKILL does not end at once hangs in its disk.
_KILLED_S = 5.0


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a command.

    Attributes:
        status: what it ended with, negative for a signal; None where it could not be started or was ended.
        why: why there is no status; empty where there is one.
        output: the first bytes of what it printed, on standard output and standard error together, as text.
    """

    status: int | None
    why: str
    output: str


def run(command: Sequence[str], told: bytes, environ: Mapping[str, str], deadline: Callable[[], float]) -> Ended:
    """Run a program in a session of its own; whatever it does, this returns soon after its time is over.

    Args:
        command: the program and its arguments.
        told: stands on its standard input; less than a pipe takes (4 KiB), so that nobody waits for a reader.
        environ: added to the environment.
        deadline: until when it may run, by ``time.monotonic``; asked again and again.
    """
    try:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environ},
            start_new_session=True,
            bufsize=0,
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return Ended(None, f"It cannot be started: {why}.", "")
    kept = bytearray()
    is_over = False
    try:
        if process.stdin is not None:
            with suppress(OSError), process.stdin as into:
                into.write(told)
        is_over = _follow(process, kept, deadline)
    finally:
        if not is_over:
            _kill(process)
        if process.stdout is not None:
            process.stdout.close()
    output = kept.decode(errors="replace")
    return Ended(process.returncode, "", output) if is_over else Ended(None, "It did not end in time.", output)


def _follow(process: subprocess.Popen[bytes], kept: bytearray, deadline: Callable[[], float]) -> bool:
    """Read what a process prints until it ends; False when its time is over before.

    What it left running may hold its output open: nobody waits for that.
    """
    with selectors.DefaultSelector() as selector:
        assert process.stdout is not None
        out = process.stdout.fileno()
        selector.register(out, selectors.EVENT_READ)
        while (left_s := deadline() - time.monotonic()) > 0:
            if not selector.get_map():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(min(left_s, _LOOK_S))
                    return True
            elif selector.select(min(left_s, _LOOK_S)):
                piece = os.read(out, _PIECE_BYTES)
                kept += piece[: _KEPT_BYTES - len(kept)]
                if not piece:
                    selector.unregister(out)
            elif process.poll() is not None:
                return True
    return False


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process with all that it started in its session."""
    if process.poll() is None:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_KILLED_S)
