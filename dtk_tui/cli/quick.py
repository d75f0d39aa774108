"""What runs without Typer, which takes a tenth of a short command to load."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence


def find_quick(arguments: Sequence[str]) -> Callable[[], None] | None:
    """Return what carries out a command line that holds nothing to parse; None leaves it to the parser.

    Args:
        arguments: what stands behind ``dtk``.
    """
    if os.environ.get("_DTK_COMPLETE"):  # a shell asks what could stand there
        return None
    match list(arguments):
        case []:
            from dtk_tui.cli.app import open_app

            return open_app
        case ["status"] | ["status", "--json"]:
            return lambda: _status(as_json=len(arguments) > 1)
    return None


def _status(*, as_json: bool) -> None:
    from dtk_tui.cli.status import show_status

    keep_driver_silent()
    show_status(as_json=as_json)


def keep_driver_silent() -> None:
    """Keep psycopg from telling stderr of each connection that breaks; the sentence of the trouble says it."""
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
