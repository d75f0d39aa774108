"""Prompts, each stored once."""

from __future__ import annotations

from dtk_tui.store.database import Connection
from dtk_tui.store.text_codec import from_db

_MOST_USED = """
SELECT left(prompt.text, 1000) FROM prompt
  JOIN (SELECT prompt_id, count(*) AS uses FROM image WHERE prompt_id IS NOT NULL GROUP BY prompt_id) AS used
    ON used.prompt_id = prompt.id
 WHERE btrim(left(prompt.text, 1000)) <> ''
 ORDER BY used.uses DESC, prompt.id LIMIT 1
"""


def most_used(conn: Connection) -> str | None:
    """Return the begin of the prompt that most images share, or None where there is none."""
    found = conn.execute(_MOST_USED).fetchone()
    return from_db(found[0]) if found else None
