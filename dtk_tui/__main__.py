"""``python -m dtk_tui`` and the ``dtk`` command."""

from __future__ import annotations

import os
import signal
from types import FrameType


def _leave(number: int, frame: FrameType | None) -> None:
    os._exit(130)


def main() -> None:
    """Run the command line."""
    # While the program loads there is nothing to give back, and an exception inside an import is not caught by anyone.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    from dtk_tui.cli import run

    run()


if __name__ == "__main__":
    main()
