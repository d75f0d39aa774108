"""Swapping shadow tables with the library's own: their indexes, keys and triggers, and the swap itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString

from psycopg import errors, sql

from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.diffusion_toolkit.shadow import READ, SCHEMA, TABLES, restore_compression, shadow_table

#: The unique index of the images' paths.
PATH_INDEX = "image_folder_id_file_name_key"
_INDEXES: LiteralString = """
SELECT i.relname, t.relname, t.relnamespace::regnamespace::text, pg_get_indexdef(i.oid), nspname
  FROM pg_index JOIN pg_class i ON i.oid = indexrelid JOIN pg_class t ON t.oid = indrelid
  JOIN pg_am ON pg_am.oid = i.relam JOIN pg_namespace ON pg_namespace.oid = t.relnamespace
 WHERE indrelid = ANY (%s::regclass[])
 ORDER BY amname = 'btree', NOT indisprimary, t.relname <> 'image', i.relname DESC
"""
_KEYS: LiteralString = """
SELECT relname, conname, contype::text FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
 WHERE contype IN ('p', 'u') AND conrelid = ANY (%s::regclass[]) ORDER BY relname, conname
"""
_FOREIGN: LiteralString = """
SELECT nspname, pg_class.relname, conname, pg_get_constraintdef(con.oid),
       CASE WHEN pg_class.relname = ANY (%(read)s) AND (confrelid = ANY (%(tables)s::regclass[])
                                               OR confrelid = 'migration'::regclass) THEN 'early'
            WHEN conrelid = ANY (%(tables)s::regclass[]) AND confrelid = ANY (%(tables)s::regclass[]) THEN 'late'
            ELSE 'last' END, parent.relname
  FROM pg_constraint con JOIN pg_class ON pg_class.oid = conrelid
  JOIN pg_namespace n ON n.oid = pg_class.relnamespace JOIN pg_class parent ON parent.oid = confrelid
 WHERE conparentid = 0 AND contype = 'f'
   AND (conrelid = ANY (%(tables)s::regclass[]) OR confrelid = ANY (%(tables)s::regclass[]))
 ORDER BY conrelid, conname
"""
_TRIGGERS: LiteralString = """
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = ANY (%s::regclass[]) AND NOT tgisinternal ORDER BY tgname
"""


@dataclass(frozen=True, slots=True)
class Index:
    """An index of a table of the library, with its definition for the shadow table."""

    name: str
    table: str
    definition: str


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key of a table of the library, or to one; ``parent`` is the table that it leads to.

    ``when``: early and late ones are built on shadow tables, where both ends are such, as soon as both are filled.
    """

    schema: str
    table: str
    name: str
    definition: str
    when: str
    parent: str


@dataclass(frozen=True, slots=True)
class Definitions:
    """The definitions of the library's indexes, keys and triggers.

    Attributes:
        home: the schema that they are in.
        indexes: those of keys too; the one that takes longest first.
        keys: (table, name, p or u) of primary and unique keys.
        foreign: foreign keys between them, from them and to them.
        triggers: statements that make them.
    """

    home: str
    indexes: tuple[Index, ...]
    keys: tuple[tuple[str, str, str], ...]
    foreign: tuple[ForeignKey, ...]
    triggers: tuple[str, ...]


def read_definitions(conn: Connection) -> Definitions:
    """Read the definitions of the library's indexes, keys and triggers; the names of tables must mean the library's."""
    tables = list(TABLES)
    found = conn.execute(_INDEXES, (tables,)).fetchall()
    indexes = [
        Index(name, table, _for_shadow_table(definition, home, table)) for name, table, home, definition, _ in found
    ]
    keys = conn.execute(_KEYS, (tables,)).fetchall()
    foreign = [ForeignKey(*row) for row in conn.execute(_FOREIGN, {"tables": tables, "read": list(READ)})]
    triggers = [made for (made,) in conn.execute(_TRIGGERS, (tables,))]
    return Definitions(found[0][4], tuple(indexes), tuple(keys), tuple(foreign), tuple(triggers))


def _for_shadow_table(definition: str, home: str, table: str) -> str:
    """Return the definition of an index for the shadow table."""
    head, on, rest = definition.partition(f" ON {home}.{table} USING ")
    assert on, definition
    return f"{head} ON {SCHEMA}.{table} USING {rest}"


def build_index(conn: Connection, index: Index) -> None:
    """Build an index that is not there yet."""
    name = sql.Identifier(SCHEMA, index.name).as_string(conn)
    if row_of(conn, "SELECT to_regclass(%s) IS NULL", (name,))[0]:
        conn.execute(index.definition.encode())


def build_keys(conn: Connection, definitions: Definitions, when: str) -> None:
    """Build foreign keys of shadow tables that are not there yet; the names of tables must mean shadow tables."""
    there: LiteralString = "SELECT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = %s AND conrelid = %s::regclass)"
    for key in definitions.foreign:
        if key.when == when and not row_of(conn, there, (key.name, shadow_table(key.table).as_string(conn)))[0]:
            _add_key(conn, shadow_table(key.table), key)


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


def analyze(conn: Connection, table: str) -> None:
    """Analyze a shadow table."""
    conn.execute(sql.SQL("ANALYZE {}").format(shadow_table(table)))


def swap_tables(conn: Connection, definitions: Definitions) -> None:
    """Replace the library's tables, which are empty, by the shadow tables, whose indexes and early keys are built."""
    for key in definitions.foreign:
        drop = "ALTER TABLE {} DROP CONSTRAINT {}"
        conn.execute(sql.SQL(drop).format(sql.Identifier(key.schema, key.table), sql.Identifier(key.name)))
    for table in ("prompt", "image", "node"):
        _advance_sequence(conn, definitions.home, table)
    own = [sql.Identifier(definitions.home, table) for table in TABLES]
    conn.execute(sql.SQL("DROP TABLE {}").format(sql.SQL(", ").join(own)))
    for table, name, kind in definitions.keys:
        make = f"ALTER TABLE {{}} ADD CONSTRAINT {{}} {'PRIMARY KEY' if kind == 'p' else 'UNIQUE'} USING INDEX {{}}"
        conn.execute(sql.SQL(make).format(shadow_table(table), sql.Identifier(name), sql.Identifier(name)))
    restore_compression(conn)
    for table in TABLES:
        conn.execute(sql.SQL("ALTER TABLE {} RESET (autovacuum_enabled)").format(shadow_table(table)))
        conn.execute(
            sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(shadow_table(table), sql.Identifier(definitions.home))
        )
    conn.execute(sql.SQL("DROP SCHEMA {}").format(sql.Identifier(SCHEMA)))
    for statement in definitions.triggers:
        conn.execute(statement.encode())
    for key in definitions.foreign:
        if key.when == "last":
            _add_key(conn, sql.Identifier(key.schema, key.table), key)


def _advance_sequence(conn: Connection, home: str, table: str) -> None:
    """Advance the sequence of a shadow table behind the ids that the library's own gave out or reserved."""
    old, new = (sql.Literal(sql.Identifier(schema, table).as_string(conn)) for schema in (home, SCHEMA))
    last = sql.SQL("""
        SELECT greatest(coalesce(pg_sequence_last_value(pg_get_serial_sequence({}, 'id')::regclass), 0),
                        (SELECT coalesce(max(id), 0) FROM {}))""").format(old, shadow_table(table))
    found = conn.execute(last).fetchone()
    if found is not None and found[0]:
        conn.execute(sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id')::regclass, {})").format(new, found[0]))


def referencing_tables(definitions: Definitions) -> list[sql.Identifier]:
    """Return the other tables that ``swap_tables`` changes, as the ends of foreign keys."""
    found: list[tuple[str, str]] = []
    for key in definitions.foreign:
        for end in ((definitions.home, key.parent), (key.schema, key.table)):
            if key.when == "last" and end[1] not in TABLES and end not in found:
                found.append(end)
    # A scan holds folders before it asks for images.
    return [sql.Identifier(*end) for end in sorted(found, key=lambda end: end[1] != "folder")]


def build_late(conn: Connection, definitions: Definitions) -> None:
    """Build indexes and keys of shadow tables that are filled at last; the names of tables must mean those."""
    for index in definitions.indexes:
        if index.table not in READ:
            build_index(conn, index)
    build_keys(conn, definitions, "late")


def early_indexes(definitions: Definitions) -> list[Index]:
    """Return the indexes of tables that are filled while the source is read; the one that takes longest first."""
    return [index for index in definitions.indexes if index.table in READ]
