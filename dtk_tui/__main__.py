"""``python -m dtk_tui`` and the ``dtk`` command."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from contextlib import suppress
from types import FrameType

#: Garbage is looked for after so many new objects: more than any command loads.
_WHILE_LOADING = 200_000


def _exit_on_interrupt(number: int, frame: FrameType | None) -> None:
    os._exit(130)


def _require_utf8() -> None:
    """Start again with names of files in UTF-8 where the locale says otherwise.

    The library knows files by their names as text: two programs that decode them differently would each take the files
    of the other for moved ones.
    """
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 (this very program)


def _end_at_once(status: list[int]) -> None:
    """End the process with its status, if it has one; what the output refuses is left to the interpreter to say."""
    if not status:
        return
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return
    os._exit(status[0])


def _bound_the_end(status: int) -> None:
    """Let threads of a command that failed or was interrupted not keep the process: they may wait for a lost server."""
    from dtk_tui.ending import THREADS_S, end_within

    with suppress(OSError, ValueError):  # as above
        sys.stdout.flush()
    end_within(THREADS_S, status=status)


def main() -> None:
    """Run the command line."""
    _require_utf8()
    # The interpreter ends by taking apart all that was loaded, a tenth of a short command, and nothing is given back by
    # it. What is registered first is called last: after threads have ended, and whatever libraries do at the end. Who
    # watches this interpreter from before, such as coverage, has something to do after that.
    status: list[int] = []
    if not atexit._ncallbacks():
        atexit.register(_end_at_once, status)
    # What is loaded stays: looking for garbage in it takes a tenth of a short command. It is looked for as usual from
    # the moment that a library is open.
    gc.set_threshold(_WHILE_LOADING)
    # Typer loads pydantic, which looks for plug-ins in the metadata of all that is installed; there are none here.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # While the program loads there is nothing to give back, and an exception inside an import is not caught by anyone.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _exit_on_interrupt)
    from dtk_tui.cli import run

    status.append(run())
    if status[0]:
        _bound_the_end(status[0])
    sys.exit(status[0])


if __name__ == "__main__":
    main()
