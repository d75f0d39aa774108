"""What the deep phase of a scan writes: readings of the files, batch by batch, and the files that moved."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from dtk_tui.store.database import Connection, row_of, skip_checks
from dtk_tui.store.library.images import ids_from, join_path
from dtk_tui.store.scan import raw_metadata as raw
from dtk_tui.store.scan import staging
from dtk_tui.store.text_codec import to_db

# OFFSET 0: whatever the statistics say of a library that is being filled, its rows are looked up one by one.
_ROW_OF_READING = """
  FROM scan_reading reading
 CROSS JOIN LATERAL (SELECT * FROM image WHERE id = reading.id OFFSET 0) AS self
"""
# Known rows of the content of files that are new, or that are not what they were; a new row that a person or a
# migration has already given something to is nobody's second half. What was put over something comes first, then what
# kept its name, then what stayed in its folder.
_TWINS = f"""
SELECT reading.id, old.id, self.fingerprint IS NULL, old.unavailable, folder.path, old.file_name, old.file_size,
       old.mtime_ns, old.scan_phase = 0, reading.fingerprint {_ROW_OF_READING}
 CROSS JOIN LATERAL (
      SELECT id, folder_id, file_name, unavailable, file_size, mtime_ns, scan_phase FROM image
       WHERE fingerprint = reading.fingerprint AND id <> reading.id OFFSET 0) AS old
  JOIN folder ON folder.id = old.folder_id
 WHERE reading.file_size > 0
   AND CASE WHEN self.fingerprint IS NOT NULL THEN self.fingerprint <> reading.fingerprint
            ELSE self.prompt_id IS NULL AND self.rating IS NULL AND self.custom_tags IS NULL
             AND NOT (self.favorite OR self.nsfw OR self.for_deletion)
             AND NOT EXISTS (SELECT 1 FROM image_tag WHERE image_id = reading.id)
             AND NOT EXISTS (SELECT 1 FROM album_image WHERE image_id = reading.id) END
 ORDER BY self.fingerprint IS NULL, old.file_name <> self.file_name, old.folder_id <> self.folder_id,
       old.id, self.created_at DESC, reading.id
"""  # noqa: S608 (constants)
# What was read ahead of its turn, or by another scan, stands in its row, which may be in another place by now.
_DROP_WRITTEN = """
DELETE FROM scan_reading WHERE (SELECT scan_phase FROM image WHERE image.id = scan_reading.id) = 1
RETURNING id
"""
_DROP_RAW = "DELETE FROM scan_raw WHERE image_id = ANY (%s)"
# No two rows may have one place at any time: rows that leave wait under a name that no file has.
_STEP_ASIDE = "UPDATE image SET file_name = '/' || id WHERE id = ANY (%s)"
_HOLD_PLACES = """
SELECT id, folder_id, file_name, file_size, mtime_ns FROM image WHERE id = ANY (%s) ORDER BY id FOR UPDATE
"""
_TAKE_PLACE = """
UPDATE image SET folder_id = new.folder_id, file_name = new.file_name, file_size = new.file_size,
                 mtime_ns = new.mtime_ns, unavailable = false
  FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[])
       AS new (id, folder_id, file_name, file_size, mtime_ns)
 WHERE image.id = new.id
"""
_GONE_FROM = """
UPDATE image SET folder_id = gone.folder_id, file_name = gone.file_name, unavailable = true, scan_phase = 1
  FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS gone (id, folder_id, file_name) WHERE image.id = gone.id
"""
_NEW_ROW = """
INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at) VALUES (%s, %s, %s, %s, 'epoch') RETURNING id
"""
_DATE = """
UPDATE image SET created_at = timestamptz 'epoch' + reading.mtime_ns / 1000 * interval '1 microsecond'
  FROM scan_reading reading WHERE image.id = reading.id AND image.id = ANY (%s)
"""
_CHOOSE_FOR = """
SELECT dtk_choose_representatives(array_agg(metadata_hash)) FROM image
 WHERE id = ANY (%s) AND metadata_hash IS NOT NULL HAVING count(*) > 0
"""
_SAME_CONTENT = """
SELECT image.id, image.unavailable, folder.path, image.file_name
  FROM image JOIN folder ON folder.id = image.folder_id WHERE fingerprint = %s ORDER BY image.id
"""
# In one look at the rows as they are: which contents are not those of before; which groups the images were in; which
# have their parameters from a migration and a file that says nothing; whether any content is in the library already.
_BEFORE = f"""
SELECT array_agg(reading.id) FILTER (WHERE self.fingerprint <> reading.fingerprint),
       array_agg(DISTINCT self.metadata_hash) FILTER (WHERE self.metadata_hash IS NOT NULL),
       array_agg(reading.id) FILTER (
           WHERE reading.dialect IS NULL AND self.fingerprint IS NULL AND self.prompt_id IS NOT NULL),
       coalesce(bool_or(EXISTS (
           SELECT 1 FROM image WHERE fingerprint = reading.fingerprint AND id <> reading.id)), false)
       {_ROW_OF_READING}
"""  # noqa: S608 (constants)
# What was computed from other bytes is not of this file.
_FORGET = (
    "SELECT dtk_promote_successors(%s)",
    "DELETE FROM image_vector WHERE image_id = ANY (%s)",
    "DELETE FROM tag_prediction WHERE image_id = ANY (%s)",
    "DELETE FROM image_tag WHERE image_id = ANY (%s) AND confidence IS NOT NULL",
)
_FILE_FACTS = """
       file_size = reading.file_size, mtime_ns = reading.mtime_ns, width = reading.width, height = reading.height,
       is_video = reading.is_video, fingerprint = reading.fingerprint, error = reading.error, scan_phase = 1
"""
_PARAMETERS = """
       prompt_id = positive.id, negative_prompt_id = negative.id, steps = reading.steps,
       cfg_scale = reading.cfg_scale, seed = reading.seed, has_workflow = reading.has_workflow,
       dialect = reading.dialect, sampler = reading.sampler, scheduler = reading.scheduler, model = reading.model,
       model_hash = reading.model_hash, extra = reading.extra,
       is_embedding_representative = true, embedding_source_id = NULL
"""
_WITH_PROMPTS = """
  FROM scan_reading reading
  LEFT JOIN prompt positive ON positive.sha256 = reading.prompt
  LEFT JOIN prompt negative ON negative.sha256 = reading.negative_prompt
"""
# What was never read, of a content that is nowhere else, needs no look before: nothing of it can be lost. The CASE and
# OFFSET 0 hide from the planner how few rows the statistics know of: every row is looked up by its id.
_NEW = f"""
WITH written AS (
    UPDATE image SET {_FILE_FACTS}, {_PARAMETERS} {_WITH_PROMPTS}
     WHERE image.id = reading.id
       AND CASE WHEN image.fingerprint IS NULL THEN image.prompt_id IS NULL ELSE false END
       AND NOT EXISTS (SELECT 1 FROM image known WHERE known.fingerprint = reading.fingerprint OFFSET 0)
    RETURNING image.id, image.metadata_hash),
grown AS (
    SELECT metadata_hash FROM written WHERE metadata_hash IS NOT NULL GROUP BY metadata_hash
    HAVING count(*) > 1 OR EXISTS (SELECT 1 FROM image WHERE image.metadata_hash = written.metadata_hash))
SELECT (SELECT string_agg(int8send(id), ''::bytea) FROM written), ARRAY(SELECT metadata_hash FROM grown)
"""  # noqa: S608 (constants)
_DEEP = f"""
WITH written AS (
    UPDATE image SET {_FILE_FACTS}, {_PARAMETERS} {_WITH_PROMPTS}
     WHERE image.id = reading.id AND image.id <> ALL (%s::bigint[]) RETURNING metadata_hash)
SELECT count(*), array_agg(DISTINCT metadata_hash) FILTER (WHERE metadata_hash IS NOT NULL) FROM written
"""  # noqa: S608 (constants)
# Parameters that a migration brought stay where the file itself says nothing.
_DEEP_BROUGHT = f"""
UPDATE image SET {_FILE_FACTS} FROM scan_reading reading WHERE image.id = reading.id AND image.id = ANY (%s)
"""  # noqa: S608 (constants)
_SAME_PARAMETERS = """
    (image.prompt_id, image.negative_prompt_id, image.steps, image.cfg_scale, image.seed, image.has_workflow,
     image.dialect, image.sampler, image.scheduler, image.model, image.model_hash, image.extra)
    IS NOT DISTINCT FROM
    (positive.id, negative.id, reading.steps, reading.cfg_scale, reading.seed, reading.has_workflow,
     reading.dialect, reading.sampler, reading.scheduler, reading.model, reading.model_hash, reading.extra)
"""
_REPARSE = f"""
WITH written AS (
    UPDATE image SET {_PARAMETERS} {_WITH_PROMPTS}
     WHERE image.id = reading.id AND image.id <> ALL (%s::bigint[]) AND NOT {_SAME_PARAMETERS} RETURNING metadata_hash)
SELECT count(*), array_agg(DISTINCT metadata_hash) FILTER (WHERE metadata_hash IS NOT NULL) FROM written
"""  # noqa: S608 (constants)
_WOULD_REPARSE = f"""
SELECT count(*) {_WITH_PROMPTS} JOIN image ON image.id = reading.id
 WHERE image.id <> ALL (%s::bigint[]) AND NOT {_SAME_PARAMETERS}
"""
# Whoever is alone in a group stands for it already.
_CHOOSE = """
SELECT dtk_choose_representatives(ARRAY(
    SELECT hash FROM unnest(%s::bytea[]) AS hash
     WHERE EXISTS (SELECT 1 FROM image WHERE metadata_hash = hash OFFSET 1)
     UNION SELECT unnest(%s::bytea[])))
"""
_UNREADABLE = """
UPDATE image SET error = why.error FROM unnest(%s::bigint[], %s::text[]) AS why (id, error)
 WHERE image.id = why.id AND scan_phase = 0
"""


@dataclass(frozen=True, slots=True)
class Twin:
    """A row whose file has the content of a known row.

    ``fresh``: the row was made for a new file; else its file was another before. ``waiting``: the known row's own file
    changed and is not read yet. ``path``, ``file_size`` and ``mtime_ns`` are those of the known row.
    """

    new_id: int
    old_id: int
    fresh: bool
    unavailable: bool
    path: str
    file_size: int
    mtime_ns: int
    waiting: bool
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Before:
    """The rows of the staged readings before they are written.

    ``stale``: ids whose content is not that of before; ``hashes``: the groups that they are in; ``brought``: ids whose
    parameters a migration brought, and whose files say nothing; ``has_twins``: some content is in another row as well.
    """

    stale: list[int]
    hashes: list[bytes]
    brought: list[int]
    has_twins: bool


def twins(conn: Connection) -> list[Twin]:
    """Return for the staged readings of new and changed files the known rows of their content, the likeliest first."""
    return [
        Twin(v[0], v[1], v[2], v[3], join_path(v[4], v[5]), v[6], v[7], v[8], bytes(v[9])) for v in conn.execute(_TWINS)
    ]


def staged(conn: Connection) -> dict[int, bytes]:
    """Return the fingerprints of the staged readings by image id."""
    return {v[0]: bytes(v[1]) for v in conn.execute("SELECT id, fingerprint FROM scan_reading")}


def drop_written(conn: Connection) -> None:
    """Forget staged readings of files that are known to be read already."""
    done = [v[0] for v in conn.execute(_DROP_WRITTEN)]
    if done:
        conn.execute(_DROP_RAW, (done,))


def move(conn: Connection, pairs: Mapping[int, int], fresh: Collection[int], occupied: Collection[int]) -> None:
    """Let known images take the places of other rows: a file that moved keeps its row. Staged readings go along.

    A row that nobody needs is deleted when it is fresh, and else counts as gone: its content is nowhere.

    Args:
        pairs: by the id of a known image the id of the row in whose place its file is now; no row is in two pairs on
            the same side, while rings and chains are fine.
        fresh: ids of rows that were made for a new file.
        occupied: known ids in whose own places other files are now, whose readings are staged.
    """
    held = conn.execute(_HOLD_PLACES, (sorted({*pairs, *pairs.values()}),))
    places: dict[int, tuple[int, str, int, int]] = {v[0]: v[1:] for v in held}
    pairs = {old: there for old, there in pairs.items() if old in places and there in places}
    conn.execute(_STEP_ASIDE, (sorted({*pairs, *pairs.values()}),))
    readers = [(there, old) for old, there in pairs.items()]
    arrivals = [(old, *places[there]) for old, there in pairs.items()]
    gone: list[tuple[int, int, str]] = []
    unneeded: list[int] = []
    for first in pairs.keys() - set(pairs.values()):
        last = pairs[first]
        while last in pairs:
            last = pairs[last]
        folder_id, name, size, mtime_ns = places[first]
        if first in occupied and last in fresh:
            arrivals.append((last, *places[first]))
            readers.append((first, last))
        elif first in occupied:
            number = row_of(conn, _NEW_ROW, (folder_id, name, size, mtime_ns))[0]
            readers.append((first, number))
            # Both places are taken: a name with a slash is in nobody's way.
            gone.append((last, places[last][0], f"{places[last][1]}/overwritten {last}"))
        elif last in fresh:
            unneeded.append(last)
        else:
            gone.append((last, folder_id, name))
    conn.execute("DELETE FROM image WHERE id = ANY (%s)", (unneeded,))
    conn.execute(_TAKE_PLACE, tuple([row[i] for row in arrivals] for i in range(5)))
    conn.execute(_GONE_FROM, tuple([row[i] for row in gone] for i in range(3)))
    staging.renumber(conn, [row[0] for row in readers], [row[1] for row in readers])
    others = set(pairs) & set(occupied) | {new for read, new in readers if read in occupied}
    conn.execute(_DATE, (sorted(others),))
    conn.execute(_CHOOSE_FOR, ([row[0] for row in gone],))


def before(conn: Connection) -> Before:
    """Look at the rows of the staged readings as they are."""
    stale, hashes, brought, has_twins = row_of(conn, _BEFORE)
    return Before(stale or [], hashes or [], brought or [], has_twins)


def write_new(conn: Connection) -> set[int]:
    """Write the staged readings of files that were never read and have no twins; return the ids of their rows."""
    staging.add_prompts(conn)
    skip_checks(conn, True)
    written, grown = row_of(conn, _NEW)
    skip_checks(conn, False)
    if grown:
        conn.execute("SELECT dtk_choose_representatives(%s)", (grown,))
    return set(ids_from(written).tolist())


def write(conn: Connection, old: Before) -> None:
    """Write the staged readings into their rows and choose the representatives of their groups."""
    for statement in _FORGET if old.stale else ():
        conn.execute(statement, (old.stale,))
    skip_checks(conn, True)
    hashes = row_of(conn, _DEEP, (old.brought,))[1]
    if old.brought:
        conn.execute(_DEEP_BROUGHT, (old.brought,))
    skip_checks(conn, False)
    raw.replace(conn, old.brought)
    conn.execute(_CHOOSE, (hashes, old.hashes))


def write_derived(conn: Connection) -> int:
    """Write the staged parameters where they differ from what is known; facts of the files stay. Return how many."""
    old = before(conn)
    staging.add_prompts(conn)
    changed, hashes = row_of(conn, _REPARSE, (old.brought,))
    if changed:
        conn.execute(_CHOOSE, (hashes, old.hashes))
    return int(changed)


def count_derived(conn: Connection) -> int:
    """Return how many images ``write_derived`` would change."""
    return int(row_of(conn, _WOULD_REPARSE, (before(conn).brought,))[0])


def write_unreadable(conn: Connection, reasons: Sequence[tuple[int, str]]) -> None:
    """Note why files could not be read at all, given as (image id, reason); every scan tries them again."""
    if reasons:
        conn.execute(_UNREADABLE, ([row[0] for row in reasons], [to_db(row[1]) for row in reasons]))


def sizes(conn: Connection) -> set[int]:
    """Return the sizes in bytes of all files whose content is known."""
    return {v[0] for v in conn.execute("SELECT DISTINCT file_size FROM image WHERE fingerprint IS NOT NULL")}


def with_fingerprint(conn: Connection, fingerprint: bytes) -> list[tuple[int, bool, str]]:
    """Return (id, unavailable, path) of the images with one content, the oldest first."""
    return [(v[0], v[1], join_path(v[2], v[3])) for v in conn.execute(_SAME_CONTENT, (fingerprint,))]
