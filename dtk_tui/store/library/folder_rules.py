"""The rules by which scans treat folders."""

from __future__ import annotations

import os

from dtk_tui.domain.library import Rule
from dtk_tui.store.database import Connection
from dtk_tui.store.text_codec import from_db, to_db

_RULES_OF = """
SELECT path, excluded, archived, recursive FROM folder
 WHERE sha256(dtk_utf8(path)) = ANY (SELECT sha256(dtk_utf8(above)) FROM unnest(%s::text[]) AS above)
"""


def above(conn: Connection, path: str) -> list[Rule]:
    """Return the rules of the known folders above a path, the nearest first."""
    parents: list[str] = []
    while path != (upper := os.path.dirname(path)):  # noqa: PTH120
        parents.append(upper)
        path = upper
    rows = {from_db(v[0]): Rule(*v[1:]) for v in conn.execute(_RULES_OF, ([to_db(p) for p in parents],))}
    return [rows[p] for p in parents if p in rows]


def of_folder(conn: Connection, path: str) -> Rule | None:
    """Return the rule of the folder at ``path``, or None when it is not known."""
    rows = list(conn.execute(_RULES_OF, ([to_db(path)],)))
    return Rule(*rows[0][1:]) if rows else None


def of_roots(conn: Connection) -> dict[str, Rule]:
    """Return the rules of the roots by path; unlike ``folders.list_roots`` this counts nothing."""
    sql = "SELECT path, excluded, archived, recursive FROM folder WHERE parent_id IS NULL ORDER BY sort_key"
    return {from_db(path): Rule(*rule) for path, *rule in conn.execute(sql)}


def set_rule(conn: Connection, folder_id: int, rule: Rule) -> None:
    """Store how scans treat a folder."""
    sql = "UPDATE folder SET excluded = %s, archived = %s, recursive = %s WHERE id = %s"
    conn.execute(sql, (rule.excluded, rule.archived, rule.recursive, folder_id))
