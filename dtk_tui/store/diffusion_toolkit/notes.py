"""Notes of an import: the rows of the source that were repaired or refused, with the reason and what they said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, LiteralString

from dtk_tui.store.database import Connection

_STAGED_NOTES: LiteralString = """
INSERT INTO migration_note (migration_id, table_name, source_id, outcome, reason, original)
SELECT %(id)s, table_name, source_id, outcome, reason, original FROM migration_stage_note
"""

#: (when it applies, reason, what the source said) of each repair that the statements above make.
_RULES: tuple[tuple[LiteralString, LiteralString, LiteralString], ...] = (
    ("prompt_id IS NULL AND prompt_key IS NOT NULL",
     "'Prompt: is blank and nothing else is known, written as no prompt'", "jsonb_build_object('Prompt', blank_text)"),
    ("rating NOT BETWEEN 1 AND 10",
     "'Rating: is not 1 to 10, ' || CASE WHEN rating > 10 THEN 'written as 10' ELSE 'left out' END",
     "jsonb_build_object('Rating', rating)"),
    ("""favorite NOT IN (0, 1) OR nsfw NOT IN (0, 1) OR for_deletion NOT IN (0, 1) OR unavailable NOT IN (0, 1)
        OR no_metadata NOT IN (0, 1) OR has_error NOT IN (0, 1)""",
     "'a flag is neither 0 nor 1, written as true'",
     """jsonb_build_object('Favorite', favorite, 'NSFW', nsfw, 'ForDeletion', for_deletion, 'Unavailable', unavailable,
                           'NoMetadata', no_metadata, 'HasError', has_error)"""),
    ("type NOT IN (0, 1)", "'Type: is neither 0 nor 1, written as an image'", "jsonb_build_object('Type', type)"),
    ("width NOT BETWEEN 0 AND 2147483647 OR height NOT BETWEEN 0 AND 2147483647",
     "'Width, Height: out of range, left out'", "jsonb_build_object('Width', width, 'Height', height)"),
    ("steps NOT BETWEEN -2147483648 AND 2147483647", "'Steps: out of range, left out'",
     "jsonb_build_object('Steps', steps)"),
    ("""batch_size NOT BETWEEN -2147483648 AND 2147483647 OR batch_pos NOT BETWEEN -2147483648 AND 2147483647
        OR clip_skip NOT BETWEEN -2147483648 AND 2147483647 OR ensd NOT BETWEEN -2147483648 AND 2147483647""",
     "'a number is out of range, left out'",
     "jsonb_build_object('BatchSize', batch_size, 'BatchPos', batch_pos, 'ClipSkip', clip_skip, 'ENSD', ensd)"),
    ("file_size IS NULL OR file_size < 0", "'FileSize: is not known, written as 0'",
     "jsonb_build_object('FileSize', file_size)"),
    ("""cfg_scale NOT BETWEEN '-1e300' AND '1e300' OR aesthetic_score NOT BETWEEN '-1e300' AND '1e300'
        OR hypernetwork_strength NOT BETWEEN '-1e300' AND '1e300'""",
     "'a number is not finite, left out'",
     """jsonb_build_object('CFGScale', cfg_scale::text, 'AestheticScore', aesthetic_score::text,
                           'HyperNetworkStrength', hypernetwork_strength::text)"""),
    ("created IS NULL",
     """'CreatedDate: is no date, '
        || CASE WHEN modified IS NULL THEN 'written as 1970' ELSE 'ModifiedDate taken' END""",
     "jsonb_build_object('CreatedDate', created_ticks)"),
    ("""(modified_ticks <> 0 AND modified IS NULL) OR (viewed_ticks <> 0 AND viewed IS NULL)
        OR (touched_ticks <> 0 AND touched IS NULL)""",
     "'a date is out of range, left out'",
     """jsonb_build_object('ModifiedDate', modified_ticks, 'ViewedDate', viewed_ticks,
                           'TouchedDate', touched_ticks)"""),
)  # fmt: skip

_REPAIRS: LiteralString = """
INSERT INTO migration_note (migration_id, table_name, source_id, outcome, reason, original)
SELECT %(id)s, 'Image', source_id, 'repaired', rule.reason, rule.original
  FROM migration_ready ready, LATERAL (VALUES {rules}) AS rule (applies, reason, original)
 WHERE kept_id IS NULL AND ({any}) AND rule.applies
""".replace("{rules}", ", ".join(f"({rule[0]}, {rule[1]}, {rule[2]})" for rule in _RULES)).replace(
    "{any}", " OR ".join(f"({rule[0]})" for rule in _RULES)
)


def write_image_notes(conn: Connection, values: dict[str, Any]) -> None:
    """Write the notes of staged images: those of their reader, and those of values that were changed on the way."""
    for statement in (_STAGED_NOTES, _REPAIRS):
        conn.execute(statement, values)


def write_notes(
    conn: Connection, migration_id: int, table: str, notes: Sequence[tuple[int | None, str, str, dict[str, Any]]]
) -> None:
    """Note repaired and refused rows, given as (source id, outcome, reason, original)."""
    sql: LiteralString = """
        INSERT INTO migration_note (migration_id, table_name, source_id, outcome, reason, original)
        SELECT %s, %s, * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::jsonb[])"""
    columns = [[row[i] for row in notes] for i in range(3)]
    conn.execute(sql, (migration_id, table, *columns, [json.dumps(row[3]) for row in notes]))


def delete_notes(conn: Connection, migration_id: int) -> None:
    """Remove the notes of an unfinished import, which is read anew."""
    conn.execute("DELETE FROM migration_note WHERE migration_id = %s", (migration_id,))


def note_counts(conn: Connection, migration_id: int) -> list[tuple[str, str, str, int]]:
    """Return (table, outcome, reason, rows), reasons without the numbers of rows in them."""
    query: LiteralString = """
        SELECT table_name, outcome, regexp_replace(regexp_replace(reason, 'rows? \\d+( to \\d+)?', 'other rows'),
                                                         'recovered from the indexes, without .*',
                                                         'recovered from the indexes, without the others'), count(*)
          FROM migration_note WHERE migration_id = %s GROUP BY 1, 2, 3 ORDER BY 1, 2, 4 DESC, 3"""
    return conn.execute(query, (migration_id,)).fetchall()


def noted_rows(conn: Connection, migration_id: int) -> dict[tuple[str, str], int]:
    """Return the number of rows with a note, by (table, outcome)."""
    query: LiteralString = """
        SELECT table_name, outcome, count(DISTINCT source_id)
          FROM migration_note WHERE migration_id = %s GROUP BY 1, 2"""
    return {(table, outcome): count for table, outcome, count in conn.execute(query, (migration_id,))}


def notes(conn: Connection, migration_id: int) -> Iterator[tuple[str, int | None, str, str, Any]]:
    """Return (table, source id, outcome, reason, original) of all notes."""
    query: LiteralString = """
        SELECT table_name, source_id, outcome, reason, original FROM migration_note WHERE migration_id = %s
         ORDER BY outcome DESC, table_name, source_id, reason"""
    with conn.cursor(name="notes") as cursor:
        cursor.itersize = 5000
        yield from cursor.execute(query, (migration_id,))
