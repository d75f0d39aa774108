"""The language whose words are found in captions: one for the library, named in the config."""

from __future__ import annotations

from dtk_tui.errors import DtkError, UsageError
from dtk_tui.store.database import Connection
from dtk_tui.store.library import captions


def set_language(conn: Connection, name: str) -> bool:
    """Let the captions of the library be searched in another language; False when it is that already.

    Raises:
        UsageError: PostgreSQL knows no such language.
    """
    if captions.language(conn) == name:
        return False
    if not captions.set_language(conn, name):
        raise UsageError(
            f"PostgreSQL knows no language {name!r}.",
            "[captions] language is one such as english, german or simple, which takes words as they stand.",
        )
    return True


def adopt_language(conn: Connection, name: str) -> None:
    """Take the language of the config for a library that has no caption yet; raises as ``set_language``."""
    if captions.is_empty(conn):
        set_language(conn, name)


def require_language(conn: Connection, name: str) -> None:
    """Make sure that captions are searched in the language of the config.

    Raises:
        UsageError: PostgreSQL knows no such language.
        DtkError: there are captions, which are searched in another language.
    """
    adopt_language(conn, name)
    if (current := captions.language(conn)) != name and not captions.is_empty(conn):
        raise DtkError(
            f"Captions are searched in {current}, and [captions] language is {name}.",
            "dtk db reindex brings them to the language of the config.",
        )
