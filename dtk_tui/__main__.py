"""``python -m dtk_tui`` and the ``dtk`` command."""

from __future__ import annotations

import gc
import os
import signal
import sys
from types import FrameType


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


def main() -> None:
    """Run the command line."""
    _require_utf8()
    # What is loaded stays, and looking for garbage in it again and again takes a tenth of a short command; it is looked
    # for from the moment that a command begins.
    gc.disable()
    # Looking for plug-ins of pydantic, of which there are none here, reads the metadata of all that is installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # While the program loads there is nothing to give back, and an exception inside an import is not caught by anyone.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _exit_on_interrupt)
    from dtk_tui.cli import run

    run()


if __name__ == "__main__":
    main()
