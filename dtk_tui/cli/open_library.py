"""The library that a command works on, and questions to the person who runs it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dtk_tui.cli.output import progress_of, tell
from dtk_tui.errors import DtkError, ServerAwayError
from dtk_tui.text import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from dtk_tui.config import Config
    from dtk_tui.store.database import Database

#: Garbage is looked for after so many new objects, as Python does by itself.
_WHILE_WORKING = 700
_WHICH_SERVER = "Start it, or correct DTK_DATABASE_URL or [database] url in config.toml, whichever names it."


def open_database(config: Config, *, with_backup: bool = True) -> Database:
    """Open a library, and say what that changed on this machine beside it.

    Args:
        with_backup: back it up before it is brought to a newer schema.
    """
    from dtk_tui.store.database import Database

    # All that opens a library works with it from here on, the app and an import as well.
    gc.freeze()
    gc.set_threshold(_WHILE_WORKING)
    if config.followed_file is not None:
        return _followed(config, config.followed_file)

    def before_upgrade(old: Database) -> None:
        from dtk_tui.services.database.backups import backup_before_upgrade

        with progress_of("Backup before the upgrade") as progress:
            file = backup_before_upgrade(old, config, progress)
        tell(f"dtk: The library is upgraded; as it was, it is in {one_line(str(file), 5000)}", err=True)

    database = Database.open(config, before_upgrade if with_backup else None)
    for folder in database.server.opened_folders if database.server is not None else ():
        tell(
            f"dtk: Every user may now pass through {one_line(str(folder), 5000)}, and not list it (chmod o+x): the "
            "database server, which does not run as root, has to.",
            err=True,
        )
    return database


def _followed(config: Config, file: Path) -> Database:
    """Open the library that shows a database of Diffusion Toolkit, and say that it does."""
    from dtk_tui.services.diffusion_toolkit.follow import follow

    shown = one_line(str(file), 5000)
    with progress_of(f"Reading {shown}") as progress:
        found = follow(config, file, lambda news: progress(news.done, news.total))
    if found.outdated:
        tell(f"dtk: {shown} cannot be read now, and is shown as it was before. {one_line(found.outdated)}", err=True)
    tell(
        f"dtk: This library only shows {shown}; nothing is written. To make it your own: dtk db move --to embedded",
        err=True,
    )
    return found.db


@contextmanager
def library() -> Iterator[tuple[Database, Config]]:
    """Open the library of this environment and close it at the end."""
    from dtk_tui.config import load

    config = load()
    try:
        database = open_database(config)
    except ServerAwayError as error:
        if config.database_url is None:
            raise
        raise ServerAwayError(error.title, f"{error.detail}\n{_WHICH_SERVER}") from error
    try:
        yield database, config
    finally:
        database.close()


def confirmed(question: str) -> bool:
    """Ask on stderr, whose answers are yes and no, and return which it was; raises DtkError where nobody can answer."""
    import typer

    try:
        return typer.confirm(question, err=True)
    except typer.Abort as error:
        if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        tell("", err=True)
        raise DtkError("Nobody answered, and nothing was done.", "--yes does it without a question.") from error
