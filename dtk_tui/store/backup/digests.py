"""Digests of the tables of a library: how many rows each has, and a number that the values of all rows make.

A digest is the sum over all rows of the first 64 bits of the MD5 of the row as text. It does not depend on the order of
the rows, on the server or on its settings. What a table derives from its other columns is left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

from dtk_tui import __version__
from dtk_tui.errors import DtkError
from dtk_tui.store.database import Connection, row_of

#: Told with how many tables are done, and of how many.
Progress = Callable[[int, int], None]
_FORMAT = 1
_MANIFEST_BYTES = 1 << 20

# Ordered by name, with the statement that gives the number of rows and the digest.
_STATEMENTS: LiteralString = """
SELECT c.relname AS name,
       format('SELECT count(*), coalesce(sum((''x'' || left(md5(ROW(%s)::text), 16))::bit(64)::bigint), 0)::text'
              ' FROM ONLY %I.%I', string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum), n.nspname, c.relname
             ) AS statement
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
 WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname <> 'dtk_move'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 GROUP BY n.nspname, c.relname
 ORDER BY c.relname
"""
# What decides how values are written as text.
_AS_TEXT: LiteralString = """
SELECT set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true),
       set_config('IntervalStyle', 'postgres', true), set_config('extra_float_digits', '1', true),
       set_config('bytea_output', 'hex', true)
"""
_CHECK: LiteralString = """
DO $dtk$
DECLARE
    wanted jsonb := current_setting('dtk.wanted');
    one    record;
    amount bigint;
    digest text;
BEGIN
    FOR one IN %s LOOP
        EXECUTE one.statement INTO amount, digest;
        IF wanted -> one.name IS DISTINCT FROM jsonb_build_array(amount, digest) THEN
            RAISE EXCEPTION 'the table %% is not what was backed up', one.name;
        END IF;
        wanted := wanted - one.name::text;
    END LOOP;
    IF wanted <> '{}' THEN
        RAISE EXCEPTION 'tables are missing: %%', wanted;
    END IF;
END
$dtk$;
"""


@dataclass(frozen=True, slots=True)
class TableDigest:
    """Number of rows of a table, and the digest of their values."""

    rows: int
    digest: str


Digests = dict[str, TableDigest]


def tables(conn: Connection) -> dict[str, LiteralString]:
    """Return the tables of the library, in the order of their names, with the statement for the digest of each."""
    found: dict[str, Any] = dict(conn.execute(_STATEMENTS))
    return found


def write_plainly(conn: Connection) -> None:
    """Have values written as text in one way until the transaction ends; needed before ``digest``."""
    conn.execute(_AS_TEXT)


def digest(conn: Connection, statement: LiteralString) -> TableDigest:
    """Return the digest that a statement of ``tables`` gives."""
    return TableDigest(*row_of(conn, statement))


def digests(conn: Connection, on_progress: Progress) -> Digests:
    """Return the digests of all tables, as the transaction of the connection sees them."""
    write_plainly(conn)
    known, found = tables(conn), Digests()
    for name, statement in known.items():
        on_progress(len(found), len(known))
        found[name] = digest(conn, statement)
    on_progress(len(known), len(known))
    return found


def check_script(wanted: Digests) -> bytes:
    """Return SQL that fails in its transaction unless the tables have these digests."""
    values = json.dumps({name: [one.rows, one.digest] for name, one in wanted.items()}).replace("'", "''")
    return f"{_AS_TEXT};\nSELECT set_config('dtk.wanted', '{values}', true);\n{_CHECK % _STATEMENTS}".encode()


@dataclass(frozen=True, slots=True)
class Manifest:
    """What stands beside a backup: the schema and the digests of what was backed up."""

    schema: str
    made_at: str
    tables: Digests

    def to_json(self) -> bytes:
        """Return the file."""
        told = {
            "format": _FORMAT,
            "program": f"dtk {__version__}",
            "schema": self.schema,
            "made_at": self.made_at,
            "tables": {name: {"rows": one.rows, "digest": one.digest} for name, one in self.tables.items()},
        }
        return json.dumps(told, indent=1).encode()


def manifest_of(backup: Path) -> Path:
    """Return where the manifest of a backup stands."""
    return backup.with_name(f"{backup.name}.json")


def digests_of(raw: Any) -> Digests:
    """Return the digests that a manifest holds as JSON; raises what reading JSON of a stranger raises."""
    return {str(name): TableDigest(int(of["rows"]), str(of["digest"])) for name, of in raw["tables"].items()}


def read_manifest(backup: Path) -> Manifest | None:
    """Return what stands beside a backup, or None where nothing does, as with those of earlier versions.

    Raises:
        DtkError: the file there is none of ours.
    """
    file = manifest_of(backup)
    try:
        with file.open("rb") as opened:
            raw = json.loads(opened.read(_MANIFEST_BYTES))
        found = digests_of(raw)
        if raw["format"] != _FORMAT:
            raise ValueError(raw["format"])
        return Manifest(str(raw["schema"]), str(raw["made_at"]), found)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DtkError(f"{file} cannot be read.", f"{error.strerror or error}.") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DtkError(
            f"{file} is not the list of digests that belongs to a backup.",
            "Bring the right one, or move it away: the backup is restored without being compared then.",
        ) from error
