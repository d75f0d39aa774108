"""The library that a command works on, and questions to the person who runs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from dtk_tui.errors import DtkError
from dtk_tui.text import one_line

if TYPE_CHECKING:
    from dtk_tui.config import Config
    from dtk_tui.store.database import Database


def open_database(config: Config) -> Database:
    """Open a library, and say what that changed on this machine beside it."""
    from dtk_tui.store.database import Database

    database = Database.open(config)
    for folder in database.server.opened_folders if database.server is not None else ():
        typer.echo(
            f"dtk: Every user may now pass through {one_line(str(folder), 5000)}, and not list it (chmod o+x): the "
            "database server, which does not run as root, has to.",
            err=True,
        )
    return database


@contextmanager
def library() -> Iterator[tuple[Database, Config]]:
    """Open the library of this environment and close it at the end."""
    from dtk_tui.config import load

    config = load()
    database = open_database(config)
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
