"""Lists of the prompts that have a word (posting lists), which are written behind the prompts, many at a time.

A prompt never changes and its id is never given out again: a list may name prompts that are gone, which no image has.
"""

from __future__ import annotations

from typing import LiteralString

from dtk_tui.store.database import Connection, row_of

#: Ids of that many prompts go into one list of each word; below the least they are looked at by each search.
_SOME, _LEAST = 4096, 512
#: Between these a text that is looked for never goes on: one with such a character in it is not looked for in lists.
SEPARATORS: LiteralString = ' ,.;:|"()[]{}<>\t\n\r\f\v'
#: Longer prompts are in the list of the empty text instead, as are those with a longer token, in bytes.
_LONG_PROMPT, LONG_TOKEN = 8000, 200

_STATE = "SELECT up_to FROM posting_state"
_LAST = "SELECT coalesce(max(id), 0) FROM prompt"
# A prompt that is not visible yet, but has a lower id than one that is, is in a transaction with this lock.
_IS_WRITTEN = """
SELECT EXISTS (SELECT FROM pg_locks
                WHERE locktype = 'relation' AND relation = 'prompt'::regclass AND granted
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND mode = 'RowExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid())
"""
_FIRST = "SELECT min(id) FROM prompt WHERE id > %s"
# Words need more than a few kilobytes each; a list on disk would take several times as long.
_SETTINGS = "SET LOCAL work_mem = '256MB'"
_TOKENS = """
INSERT INTO token_posting (token, first_id, prompts)
SELECT token, %(first)s, string_agg(int2send((id - %(first)s)::smallint), ''::bytea)
  FROM (SELECT DISTINCT id, CASE WHEN octet_length(token) <= %(long)s THEN token ELSE '' END AS token
          FROM prompt, string_to_table(
                   CASE WHEN octet_length(lowered) <= %(most)s THEN translate(lowered, %(separators)s, %(spaces)s)
                        ELSE ' ' END, ' ') AS token
         WHERE id BETWEEN %(first)s AND %(last)s AND (token <> '' OR octet_length(lowered) > %(most)s)) AS found
 GROUP BY token
"""
_LEXEMES = """
INSERT INTO lexeme_posting (lexeme, first_id, prompts)
SELECT lexeme, %(first)s,
       string_agg(int2send((id - %(first)s)::smallint) || int2send(times) || int2send(words), ''::bytea)
  FROM (SELECT id, lexeme, greatest(cardinality(positions), 1)::smallint AS times,
               (sum(greatest(cardinality(positions), 1)) OVER (PARTITION BY id))::smallint AS words
          FROM prompt, unnest(search) AS word (lexeme, positions, weights)
         WHERE id BETWEEN %(first)s AND %(last)s AND octet_length(lowered) <= %(most)s) AS found
 WHERE octet_length(lexeme) <= %(long)s
 GROUP BY lexeme
"""
_DONE = "UPDATE posting_state SET up_to = %s"
_FORGET = "TRUNCATE token_posting, lexeme_posting"


def list_some(conn: Connection, least: int | None = None) -> bool:
    """Put some prompts into the lists; False when too few are left, or prompts are being written.

    Belongs into a transaction of its own, of the isolation level READ COMMITTED: each statement sees what was committed
    before it.

    Args:
        least: so many are enough.
    """
    done, last = int(row_of(conn, _STATE)[0]), int(row_of(conn, _LAST)[0])
    if last - done < (_LEAST if least is None else least) or row_of(conn, _IS_WRITTEN)[0]:
        return False
    row = conn.execute(f"{_STATE} FOR UPDATE SKIP LOCKED").fetchone()
    if row is None or row[0] != done:  # another process is at it
        return False
    first = int(row_of(conn, _FIRST, (done,))[0])
    last = min(last, first + _SOME - 1)
    spaces = " " * len(SEPARATORS)
    values = {
        "first": first, "last": last, "long": LONG_TOKEN, "most": _LONG_PROMPT, "separators": SEPARATORS,
        "spaces": spaces,
    }  # fmt: skip
    conn.execute(_SETTINGS)
    conn.execute(_TOKENS, values)
    conn.execute(_LEXEMES, values)
    conn.execute(_DONE, (last,))
    return True


def forget(conn: Connection) -> None:
    """Empty the lists, so that they are written anew."""
    conn.execute(_FORGET)
    conn.execute(_DONE, (0,))
