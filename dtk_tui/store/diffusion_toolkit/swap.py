"""Swapping staged tables with the library's own, which are empty: what these have beside columns, and the swap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString

from psycopg import errors, sql

from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.diffusion_toolkit.staging import SCHEMA, TABLES, staged

#: The unique index of the images' paths.
PATH_INDEX = "image_folder_id_file_name_key"
_INDEXES: LiteralString = """
SELECT i.relname, t.relname, t.relnamespace::regnamespace::text, pg_get_indexdef(i.oid), nspname, contype::text
  FROM pg_index JOIN pg_class i ON i.oid = indexrelid JOIN pg_class t ON t.oid = indrelid
  JOIN pg_am ON pg_am.oid = i.relam JOIN pg_namespace ON pg_namespace.oid = t.relnamespace
  LEFT JOIN pg_constraint ON conindid = i.oid AND contype IN ('p', 'u')
 WHERE indrelid = ANY (%s::regclass[])
 ORDER BY amname = 'btree', NOT indisprimary, t.relname <> 'image', i.relname DESC
"""
_FOREIGN: LiteralString = """
SELECT nspname, pg_class.relname, conname, pg_get_constraintdef(con.oid),
       conrelid = ANY (%(tables)s::regclass[]) AND confrelid = ANY (%(tables)s::regclass[]), parent.relname
  FROM pg_constraint con JOIN pg_class ON pg_class.oid = conrelid
  JOIN pg_namespace n ON n.oid = pg_class.relnamespace JOIN pg_class parent ON parent.oid = confrelid
 WHERE conparentid = 0 AND contype = 'f'
   AND (conrelid = ANY (%(tables)s::regclass[]) OR confrelid = ANY (%(tables)s::regclass[]))
 ORDER BY conrelid, conname
"""
_TRIGGERS: LiteralString = """
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = ANY (%s::regclass[]) AND NOT tgisinternal ORDER BY tgname
"""
_STATISTICS: LiteralString = """
SELECT stxname, relname, pg_get_statisticsobjdef(pg_statistic_ext.oid)
  FROM pg_statistic_ext JOIN pg_class ON pg_class.oid = stxrelid WHERE stxrelid = ANY (%s::regclass[]) ORDER BY stxname
"""


# What somebody else hung on a table would be lost with it; and the schema needs a right that not everybody has.
_IS_REPLACEABLE: LiteralString = """
SELECT bool_and(relacl IS NULL AND relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
                AND coalesce(reloptions, '{}') <@ '{toast_tuple_target=4080}'
                AND NOT relrowsecurity AND NOT relhassubclass AND NOT relispartition
                AND NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = pg_class.oid AND NOT tgisinternal
                                   AND (tgname <> 'image_promote_representatives' OR tgenabled <> 'O'))
                AND NOT EXISTS (SELECT 1 FROM pg_rewrite rule JOIN pg_depend ON pg_depend.objid = rule.oid
                                 WHERE refobjid = pg_class.oid AND classid = 'pg_rewrite'::regclass)
                AND NOT EXISTS (SELECT 1 FROM pg_publication_rel WHERE prrelid = pg_class.oid)
                AND NOT EXISTS (SELECT 1 FROM pg_statistic_ext WHERE stxrelid = pg_class.oid AND stxowner <> relowner)
                AND NOT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = pg_class.oid AND attacl IS NOT NULL)
                AND NOT EXISTS (SELECT 1 FROM pg_policy WHERE polrelid = pg_class.oid)
                AND obj_description(pg_class.oid, 'pg_class') IS NULL)
   AND has_database_privilege(current_database(), 'CREATE')
   AND has_schema_privilege(max(relnamespace), 'CREATE') AND count(DISTINCT relnamespace) = 1
  FROM pg_class WHERE oid = ANY (%s::regclass[])
"""
#: Shorter than the time after which PostgreSQL looks for a deadlock (deadlock_timeout, a second).
_LOCK_TIMEOUT = "400ms"
_IS_EMPTY: LiteralString = """
SELECT NOT (EXISTS (SELECT 1 FROM image) OR EXISTS (SELECT 1 FROM prompt))
"""


@dataclass(frozen=True, slots=True)
class Index:
    """An index of a table of the library, with its definition for the staged table.

    ``key``: p for that of a primary key, u for that of a unique one, of its name; None for others.
    """

    name: str
    table: str
    definition: str
    key: str | None


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key of a table of the library, or to one.

    ``is_between``: whether both ends are staged: then it is built as soon as these are filled. ``parent`` is the table
    that it leads to.
    """

    schema: str
    table: str
    name: str
    definition: str
    is_between: bool
    parent: str


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the planner is told of columns or expressions of a table, with its definition for the staged table."""

    name: str
    definition: str


@dataclass(frozen=True, slots=True)
class Definitions:
    """The definitions of the library's indexes, keys, triggers and statistics.

    Attributes:
        home: the schema that they are in.
        indexes: those of keys too; the one that takes longest first.
        foreign: foreign keys between them, from them and to them.
        triggers: statements that make them.
        statistics: of columns and expressions.
    """

    home: str
    indexes: tuple[Index, ...]
    foreign: tuple[ForeignKey, ...]
    triggers: tuple[str, ...]
    statistics: tuple[Statistics, ...]


def is_possible(conn: Connection) -> bool:
    """Whether the library is empty, and its tables may be replaced."""
    return bool(row_of(conn, _IS_EMPTY)[0] and row_of(conn, _IS_REPLACEABLE, (list(TABLES),))[0])


def lock_tables(conn: Connection, definitions: Definitions) -> bool:
    """Keep everybody else from the library's tables, and those that the swap changes, until the transaction ends.

    Whoever holds one of them may wait for another of them: then all are let go before PostgreSQL ends one of the two.

    Returns:
        Whether that succeeded; if not, it is to be tried again.
    """
    tables = [*_other_tables(definitions), *(sql.Identifier(definitions.home, table) for table in TABLES)]
    statement = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE")
    try:
        with conn.transaction():
            conn.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(_LOCK_TIMEOUT))
            conn.execute(statement.format(sql.SQL(", ").join(tables)))
    except errors.LockNotAvailable:
        return False
    conn.execute("SET LOCAL lock_timeout = 0")
    return True


def is_library_empty(conn: Connection) -> bool:
    """Whether the library, which is locked, is empty."""
    return bool(row_of(conn, _IS_EMPTY)[0])


def read_definitions(conn: Connection) -> Definitions:
    """Read the definitions of what the library's tables have; the names of tables must mean the library's."""
    tables = list(TABLES)
    found = conn.execute(_INDEXES, (tables,)).fetchall()
    indexes = [
        Index(name, table, _for_staged_table(definition, home, table), key)
        for name, table, home, definition, _, key in found
    ]
    foreign = [ForeignKey(*row) for row in conn.execute(_FOREIGN, {"tables": tables})]
    triggers = [made for (made,) in conn.execute(_TRIGGERS, (tables,))]
    statistics = [
        Statistics(name, _statistics_of_staged(conn, name, table, definition))
        for name, table, definition in conn.execute(_STATISTICS, (tables,))
    ]
    return Definitions(found[0][4], tuple(indexes), tuple(foreign), tuple(triggers), tuple(statistics))


def _statistics_of_staged(conn: Connection, name: str, table: str, definition: str) -> str:
    """Return the definition of statistics for the staged table; PostgreSQL writes ``... ON columns FROM table``."""
    head, on, rest = definition.partition(" ON ")
    columns, origin, _ = rest.rpartition(" FROM ")
    assert on and origin, definition
    kinds = f" ({head.rpartition(' (')[2]}" if head.endswith(")") else ""
    made = sql.Identifier(SCHEMA, name).as_string(conn)
    return f"CREATE STATISTICS IF NOT EXISTS {made}{kinds} ON {columns} FROM {staged(table).as_string(conn)}"


def _for_staged_table(definition: str, home: str, table: str) -> str:
    """Return the definition of an index for the staged table."""
    head, on, rest = definition.partition(f" ON {home}.{table} USING ")
    assert on, definition
    return f"{head} ON {SCHEMA}.{table} USING {rest}"


def build_index(conn: Connection, index: Index) -> None:
    """Build an index that is not there yet."""
    name = sql.Identifier(SCHEMA, index.name).as_string(conn)
    if row_of(conn, "SELECT to_regclass(%s) IS NULL", (name,))[0]:
        conn.execute(index.definition.encode())


def build_keys(conn: Connection, definitions: Definitions) -> None:
    """Build statistics of staged tables, and keys between them that are not there; names of tables must mean these."""
    there: LiteralString = "SELECT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = %s AND conrelid = %s::regclass)"
    for statistics in definitions.statistics:
        conn.execute(statistics.definition.encode())
    # Whether a key holds is looked up by a plan that has to know which table is the larger one.
    for table in TABLES:
        conn.execute(sql.SQL("ANALYZE {}").format(staged(table)))
    for key in definitions.foreign:
        if key.is_between and not row_of(conn, there, (key.name, staged(key.table).as_string(conn)))[0]:
            _add_key(conn, staged(key.table), key)


def _add_key(conn: Connection, table: sql.Identifier, key: ForeignKey) -> None:
    head = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} ").format(table, sql.Identifier(key.name)).as_bytes(conn)
    conn.execute(head + key.definition.encode())


def build_unique_index(conn: Connection, index: Index) -> bool:
    """Build a unique index; False, and none, where two rows are alike."""
    try:
        with conn.transaction():
            build_index(conn, index)
    except errors.UniqueViolation:
        return False
    return True


def drop_keys(conn: Connection, definitions: Definitions) -> None:
    """Drop the foreign keys of the library's tables, so that others may speak of images that are still staged."""
    for key in definitions.foreign:
        drop = "ALTER TABLE {} DROP CONSTRAINT {}"
        conn.execute(sql.SQL(drop).format(sql.Identifier(key.schema, key.table), sql.Identifier(key.name)))


def swap_tables(conn: Connection, definitions: Definitions) -> None:
    """Replace the library's tables, which are empty and without keys, by the staged ones, which have indexes and keys.

    The foreign keys from and to other tables are built again.
    """
    for table in ("prompt", "image"):
        _advance_sequence(conn, definitions.home, table)
    own = [sql.Identifier(definitions.home, table) for table in TABLES]
    conn.execute(sql.SQL("DROP TABLE {}").format(sql.SQL(", ").join(own)))
    for index in definitions.indexes:
        if index.key is not None:
            kind = sql.SQL("PRIMARY KEY" if index.key == "p" else "UNIQUE")
            make = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {name} {} USING INDEX {name}")
            conn.execute(make.format(staged(index.table), kind, name=sql.Identifier(index.name)))
    # Workflows that are written from now on are compressed.
    conn.execute(sql.SQL("ALTER TABLE {} ALTER chunks SET STORAGE EXTENDED").format(staged("image_raw")))
    for table in TABLES:
        conn.execute(sql.SQL("ALTER TABLE {} RESET (autovacuum_enabled)").format(staged(table)))
        conn.execute(sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(staged(table), sql.Identifier(definitions.home)))
    for statistics in definitions.statistics:
        move = sql.SQL("ALTER STATISTICS {} SET SCHEMA {}")
        conn.execute(move.format(sql.Identifier(SCHEMA, statistics.name), sql.Identifier(definitions.home)))
    for statement in definitions.triggers:
        conn.execute(statement.encode())
    for key in definitions.foreign:
        if not key.is_between:
            _add_key(conn, sql.Identifier(key.schema, key.table), key)


def _advance_sequence(conn: Connection, home: str, table: str) -> None:
    """Advance the sequence of a staged table behind the ids that the library's own gave out or reserved."""
    old, new = (sql.Literal(sql.Identifier(schema, table).as_string(conn)) for schema in (home, SCHEMA))
    last = sql.SQL("""
        SELECT greatest(coalesce(pg_sequence_last_value(pg_get_serial_sequence({}, 'id')::regclass), 0),
                        (SELECT coalesce(max(id), 0) FROM {}))""").format(old, staged(table))
    found = conn.execute(last).fetchone()
    if found is not None and found[0]:
        conn.execute(sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id')::regclass, {})").format(new, found[0]))


def _other_tables(definitions: Definitions) -> list[sql.Identifier]:
    """Return the other tables that the swap changes, as the ends of foreign keys."""
    found: list[tuple[str, str]] = []
    for key in definitions.foreign:
        for end in ((definitions.home, key.parent), (key.schema, key.table)):
            if not key.is_between and end[1] not in TABLES and end not in found:
                found.append(end)
    # A scan holds folders before it asks for images.
    return [sql.Identifier(*end) for end in sorted(found, key=lambda end: end[1] != "folder")]
