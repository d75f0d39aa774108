"""The library that a command works on, and questions to the person who runs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from dtk_tui.errors import DtkError

if TYPE_CHECKING:
    from dtk_tui.config import Config
    from dtk_tui.store.database import Database


@contextmanager
def library() -> Iterator[tuple[Database, Config]]:
    """Open the library of this environment and close it at the end."""
    from dtk_tui.config import load
    from dtk_tui.store.database import Database

    config = load()
    database = Database.open(config)
    try:
        yield database, config
    finally:
        database.close()


def confirmed(question: str) -> bool:
    """Ask on stderr, whose answers are yes and no, and return which it was; raises DtkError where nobody can answer."""
    try:
        return typer.confirm(question, err=True)
    except typer.Abort as error:
        if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        typer.echo("", err=True)
        raise DtkError("Nobody answered, and nothing was done.", "--yes does it without a question.") from error
