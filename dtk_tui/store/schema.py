"""Schema migrations: forward-only SQL files, each applied once, under a lock."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from dtk_tui.errors import DtkError
from dtk_tui.shipped import shipped

#: Any fixed number: one migration at a time in one database. The lock ends with its connection, whatever happens.
_LOCK = 0x64746B

_KNOWN = "SELECT to_regclass('_yoyo_migration') IS NOT NULL, to_regclass('public.dtk_move') IS NOT NULL"
_APPLIED = "SELECT migration_id FROM _yoyo_migration"


def pending(conn: psycopg.Connection[tuple[object, ...]], folder: Path | None = None) -> list[str]:
    """Return the names of the migrations that this database lacks, in order.

    Raises:
        DtkError: the database was migrated by a newer program, or a library is only on its way into it.
    """
    row = conn.execute(_KNOWN).fetchone()
    is_migrated, is_moving = row if row is not None else (False, False)
    if is_moving:
        raise DtkError(
            "A library is on its way into this database, and not all of it has arrived.",
            "Run the same dtk db move once more, where the library is: it goes on from there.",
        )
    return missing({str(name) for (name,) in conn.execute(_APPLIED)} if is_migrated else set(), folder)


def missing(applied: set[str], folder: Path | None = None) -> list[str]:
    """Return the names of the migrations that are not among ``applied``, in order; raises DtkError as ``pending``."""
    known = sorted(path.stem for path in (folder or shipped("migrations")).glob("V*.sql"))
    newer = sorted(applied - set(known))
    if newer:
        raise DtkError(
            f"This library was made by a newer dtk-tui (it has {newer[-1]}).",
            "Update with: pip install --upgrade dtk-tui",
        )
    return [name for name in known if name not in applied]


def has_images(conn: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Tell whether there is something to lose, whatever the schema."""
    row = conn.execute("SELECT to_regclass('image') IS NOT NULL").fetchone()
    return bool(row and row[0]) and conn.execute("SELECT FROM image LIMIT 1").fetchone() is not None


def upgrade(conninfo: str, folder: Path | None = None) -> list[str]:
    """Apply the migrations that are missing and return their names; several processes may call this at once.

    Raises:
        DtkError: a migration failed; the database stays at the last one that succeeded.
    """
    source = folder or shipped("migrations")
    with psycopg.connect(conninfo, autocommit=True) as guard:
        guard.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        names = pending(guard, source)
        if names:
            _apply(conninfo, source)
    return names


def _apply(conninfo: str, folder: Path) -> None:
    from yoyo import read_migrations
    from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
    from yoyo.connections import DatabaseURI

    parts = {key: value for key, value in conninfo_to_dict(conninfo).items() if value is not None}
    database = parts.pop("dbname", None)
    uri = DatabaseURI("postgresql+psycopg", None, None, None, None, database, parts)
    backend = PostgresqlPsycopgBackend(uri, "_yoyo_migration")
    try:
        backend.init_database()
        # The advisory lock is ours, so a row left in yoyo's own lock table is of a process that was killed.
        backend.break_lock()
        with backend.lock():
            backend.apply_migrations(backend.to_apply(read_migrations(str(folder))))
    except psycopg.Error as error:
        raise DtkError("The database could not be brought to this program's schema.", str(error).strip()) from error
    finally:
        backend.connection.close()
