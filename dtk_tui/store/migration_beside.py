"""What is written beside the images into an empty library, on a connection of its own: their books and raw texts.

Each goes into a table like the library's own, which is committed under another name; the transaction of the images
puts it in the place of the empty one, so that all of it is seen at once.
"""

from __future__ import annotations

from typing import Any, LiteralString

from psycopg import sql

from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.migration_merge import BOOK_COLUMNS, BOOK_VALUES

#: The table of the library by the one that takes its place.
_PLACES: dict[str, str] = {"migration_stage_new_book": "migrated_image", "migration_stage_new_raw": "image_raw"}
# What somebody else hung on a table would be lost with it: then it is filled in its place.
_IS_OURS: LiteralString = """
SELECT bool_and(relacl IS NULL AND relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
                AND reloptions IS NULL AND NOT relrowsecurity AND NOT relhassubclass AND NOT relispartition
                AND NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = pg_class.oid AND NOT tgisinternal)
                AND NOT EXISTS (SELECT 1 FROM pg_rewrite rule JOIN pg_depend ON pg_depend.objid = rule.oid
                                 WHERE refobjid = pg_class.oid AND classid = 'pg_rewrite'::regclass)
                AND NOT EXISTS (SELECT 1 FROM pg_publication_rel WHERE prrelid = pg_class.oid)
                AND NOT EXISTS (SELECT 1 FROM pg_statistic_ext WHERE stxrelid = pg_class.oid)
                AND NOT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = pg_class.oid AND attacl IS NOT NULL)
                AND NOT EXISTS (SELECT 1 FROM pg_policy WHERE polrelid = pg_class.oid)
                AND obj_description(pg_class.oid, 'pg_class') IS NULL)
  FROM pg_class WHERE oid = ANY (%s::regclass[])
"""
_BOOKS: LiteralString = f"""
INSERT INTO migration_stage_new_book ({BOOK_COLUMNS})
SELECT {BOOK_VALUES}
  FROM (SELECT *, CASE WHEN rating > 0 THEN least(rating, 10)::smallint END AS stars
          FROM migration_stage_image) AS ready
"""  # noqa: S608 (columns of our own list)
_RAW: LiteralString = """
INSERT INTO migration_stage_new_raw (image_id, chunks)
SELECT %(base)s + source_id, chunks FROM migration_stage_raw
"""
_TAKEN: tuple[LiteralString, ...] = (
    """DELETE FROM migration_stage_new_book book USING migration_target target
        WHERE target.source_id = book.source_id""",
    """DELETE FROM migration_stage_new_raw raw USING migration_target target
        WHERE raw.image_id = %(base)s + target.source_id""",
)


def create(conn: Connection) -> bool:
    """Make the empty tables; False, and none, where the library's own must stay."""
    drop(conn)
    if not row_of(conn, _IS_OURS, (list(_PLACES.values()),))[0]:
        return False
    for new, old in _PLACES.items():
        conn.execute(
            sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING INDEXES) WITH (autovacuum_enabled = off)").format(
                sql.Identifier(new), sql.Identifier(old)
            )
        )
    return True


def drop(conn: Connection) -> None:
    """Remove the tables."""
    conn.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.SQL(", ").join(map(sql.Identifier, _PLACES))))


def fill(conn: Connection, values: dict[str, Any]) -> None:
    """Write books and raw texts of all staged images; ``values`` as for ``migration_merge.write_images``."""
    # Files that are new in this transaction are flushed at its end, and their rows are not logged one by one.
    conn.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, _PLACES))))
    conn.execute(_BOOKS, values)
    conn.execute(_RAW, values)


def take_over(conn: Connection, values: dict[str, Any]) -> None:
    """Put the filled tables in the place of the library's empty ones, whose indexes and constraints are dropped."""
    if row_of(conn, "SELECT EXISTS (SELECT 1 FROM migration_target)")[0]:
        for statement in _TAKEN:
            conn.execute(statement, values)
    for new, old in _PLACES.items():
        conn.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(old)))
        conn.execute(sql.SQL("ALTER TABLE {} RESET (autovacuum_enabled)").format(sql.Identifier(new)))
        conn.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(sql.Identifier(new), sql.Identifier(old)))
