"""What a scan writes: quick rows from folder listings, deep rows from readings of the files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dtk_tui.domain.parameters import FileReading, GenerationParameters
from dtk_tui.store.database import Connection
from dtk_tui.store.escape import from_db, to_db
from dtk_tui.store.images import join_path

_LISTED = """
SELECT folder_id, file_name, id, file_size, mtime_ns, scan_phase, unavailable
  FROM image WHERE folder_id = ANY (%s)
"""

_ADD = """
INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at)
SELECT folder_id, file_name, file_size, mtime_ns, to_timestamp(mtime_ns / 1e9)
  FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[]) AS new (folder_id, file_name, file_size, mtime_ns)
    ON CONFLICT (folder_id, file_name) DO NOTHING
"""
# A file that changed in place is read again; what it was stays visible until then.
_TOUCH = """
UPDATE image SET file_size = new.file_size, mtime_ns = new.mtime_ns, created_at = to_timestamp(new.mtime_ns / 1e9),
                 scan_phase = 0, unavailable = false
  FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS new (id, file_size, mtime_ns)
 WHERE image.id = new.id
"""
_BACK = "UPDATE image SET unavailable = false WHERE id = ANY (%s)"
_GONE = "UPDATE image SET unavailable = true WHERE id = ANY (%s) AND NOT unavailable"

_UNREAD = """
SELECT image.id, folder.path, image.file_name, image.fingerprint IS NULL
  FROM image JOIN folder ON folder.id = image.folder_id
 WHERE image.scan_phase = 0 AND NOT image.unavailable AND image.folder_id = ANY (%s)
 ORDER BY image.created_at DESC
"""

_KNOWN_PROMPTS = "SELECT sha256, id FROM prompt WHERE sha256 = ANY (%s)"
_NEW_PROMPTS = """
INSERT INTO prompt (text) SELECT unnest(%s::text[]) ON CONFLICT (sha256) DO NOTHING
RETURNING sha256, id
"""

_OLD_HASHES = "SELECT DISTINCT metadata_hash FROM image WHERE id = ANY (%s) AND metadata_hash IS NOT NULL"
_DEEP = """
UPDATE image
   SET prompt_id = new.prompt_id, negative_prompt_id = new.negative_prompt_id, file_size = new.file_size,
       mtime_ns = new.mtime_ns, width = new.width, height = new.height, steps = new.steps,
       cfg_scale = new.cfg_scale, seed = new.seed, is_video = new.is_video, has_workflow = new.has_workflow,
       fingerprint = new.fingerprint, dialect = new.dialect, sampler = new.sampler, scheduler = new.scheduler,
       model = new.model, model_hash = new.model_hash, error = new.error, extra = new.extra, scan_phase = 1,
       is_embedding_representative = true, embedding_source_id = NULL
  FROM unnest(%(id)s::bigint[], %(prompt_id)s::bigint[], %(negative_prompt_id)s::bigint[], %(file_size)s::bigint[],
              %(mtime_ns)s::bigint[], %(width)s::integer[], %(height)s::integer[], %(steps)s::integer[],
              %(cfg_scale)s::double precision[], %(seed)s::numeric[], %(is_video)s::boolean[],
              %(has_workflow)s::boolean[], %(fingerprint)s::bytea[], %(dialect)s::text[], %(sampler)s::text[],
              %(scheduler)s::text[], %(model)s::text[], %(model_hash)s::text[], %(error)s::text[], %(extra)s::jsonb[])
       AS new (id, prompt_id, negative_prompt_id, file_size, mtime_ns, width, height, steps, cfg_scale, seed, is_video,
               has_workflow, fingerprint, dialect, sampler, scheduler, model, model_hash, error, extra)
 WHERE image.id = new.id
RETURNING image.metadata_hash
"""
# What was computed from other bytes is not of this file: a content that changed loses its vectors and tags.
_STALE = """
SELECT image.id FROM image JOIN unnest(%s::bigint[], %s::bytea[]) AS new (id, fingerprint) USING (id)
 WHERE image.fingerprint IS NOT NULL AND image.fingerprint <> new.fingerprint
"""
_FORGET = (
    "DELETE FROM image_vector WHERE image_id = ANY (%s)",
    "DELETE FROM tag_prediction WHERE image_id = ANY (%s)",
    "DELETE FROM image_tag WHERE image_id = ANY (%s) AND confidence IS NOT NULL",
)
_RAW = """
INSERT INTO image_raw (image_id, chunks) SELECT * FROM unnest(%s::bigint[], %s::text[])
    ON CONFLICT (image_id) DO UPDATE SET chunks = excluded.chunks
"""
_TWINS = """
SELECT old.id, old.fingerprint, old.unavailable, folder.path, old.file_name
  FROM image old JOIN folder ON folder.id = old.folder_id
 WHERE old.fingerprint = ANY (%s) AND old.scan_phase = 1 AND old.id <> ALL (%s)
 ORDER BY old.id
"""
_TAKE_PLACE = """
UPDATE image SET folder_id = new.folder_id, file_name = new.file_name, file_size = new.file_size,
                 mtime_ns = new.mtime_ns, unavailable = false
  FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[])
       AS new (id, folder_id, file_name, file_size, mtime_ns)
 WHERE image.id = new.id
"""
_PLACES = "DELETE FROM image WHERE id = ANY (%s) RETURNING id, folder_id, file_name, file_size, mtime_ns"


@dataclass(frozen=True, slots=True)
class Listed:
    """An image row as a scan compares it with the disk."""

    id: int
    file_size: int
    mtime_ns: int
    unread: bool
    unavailable: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A file that a folder listing showed."""

    folder_id: int
    file_name: str
    file_size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Twin:
    """A known image with the same content as one that was just read."""

    id: int
    fingerprint: bytes
    unavailable: bool
    path: str


def listed(conn: Connection, folder_ids: Sequence[int]) -> dict[int, dict[str, Listed]]:
    """Return what the library has in folders: by folder id, then by file name."""
    result: dict[int, dict[str, Listed]] = {number: {} for number in folder_ids}
    for folder_id, name, image_id, size, mtime_ns, phase, gone in conn.execute(_LISTED, (list(folder_ids),)):
        result[folder_id][from_db(name)] = Listed(image_id, size, mtime_ns, phase == 0, gone)
    return result


def add_quick(conn: Connection, files: Sequence[Found]) -> int:
    """Insert quick rows for new files; return how many are new."""
    columns = (
        [file.folder_id for file in files],
        [to_db(file.file_name) for file in files],
        [file.file_size for file in files],
        [file.mtime_ns for file in files],
    )
    return conn.execute(_ADD, columns).rowcount


def touch(conn: Connection, changed: Sequence[tuple[int, int, int]]) -> None:
    """Note new sizes and times of files that changed, given as (id, size, mtime_ns): they are read again."""
    conn.execute(_TOUCH, tuple([row[i] for row in changed] for i in range(3)))


def mark_back(conn: Connection, ids: Sequence[int]) -> None:
    """Note that files are there again, unchanged."""
    conn.execute(_BACK, (list(ids),))


def mark_gone(conn: Connection, ids: Sequence[int]) -> None:
    """Note that files vanished; all that is known of them is kept."""
    conn.execute(_GONE, (list(ids),))


def unread(conn: Connection, folder_ids: Sequence[int]) -> list[tuple[int, str, bool]]:
    """Return (id, absolute path, never read before) of the images whose files wait to be read, newest first."""
    rows = conn.execute(_UNREAD, (list(folder_ids),))
    return [(number, join_path(path, name), is_new) for number, path, name, is_new in rows]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def prompt_ids(conn: Connection, texts: Sequence[str]) -> dict[str, int]:
    """Return the ids of prompt texts, each stored once, by the text."""
    stored = {text: to_db(text) for text in texts}
    by_digest = {_digest(value): value for value in stored.values()}
    # In one order for all: two writers with the same new prompts wait for each other instead of locking up.
    wanted = sorted(by_digest)
    found: dict[bytes, int] = {bytes(d): number for d, number in conn.execute(_KNOWN_PROMPTS, (wanted,))}
    new = [by_digest[digest] for digest in wanted if digest not in found]
    if new:
        found.update({bytes(d): number for d, number in conn.execute(_NEW_PROMPTS, (new,))})
        late = [digest for digest in wanted if digest not in found]
        if late:
            found.update({bytes(d): number for d, number in conn.execute(_KNOWN_PROMPTS, (late,))})
    return {text: found[_digest(value)] for text, value in stored.items()}


def _extra(parameters: GenerationParameters) -> str | None:
    extra: dict[str, Any] = {
        "width": parameters.width,
        "height": parameters.height,
        "clip_skip": parameters.clip_skip,
        "denoising_strength": parameters.denoising_strength,
        "vae": None if parameters.vae is None else to_db(parameters.vae),
        "upscaler": None if parameters.upscaler is None else to_db(parameters.upscaler),
        "loras": [
            {"name": to_db(lora.name), "weight": lora.weight, "clip_weight": lora.clip_weight}
            for lora in parameters.loras
        ],
    }
    kept = {key: value for key, value in extra.items() if value not in (None, [])}
    return json.dumps(kept, ensure_ascii=False) if kept else None


def _columns(readings: Sequence[tuple[int, FileReading]], prompts: dict[str, int]) -> dict[str, list[Any]]:
    def text(value: str | None) -> str | None:
        return None if value is None else to_db(value)

    def prompt(value: str | None) -> int | None:
        return None if value is None else prompts[value]

    columns: dict[str, list[Any]] = {}
    for image_id, reading in readings:
        p = reading.parameters
        row = {
            "id": image_id,
            "prompt_id": prompt(p.prompt),
            "negative_prompt_id": prompt(p.negative_prompt),
            "file_size": reading.file_size,
            "mtime_ns": reading.mtime_ns,
            "width": reading.width,
            "height": reading.height,
            "steps": p.steps,
            "cfg_scale": p.cfg_scale,
            "seed": p.seed,
            "is_video": reading.is_video,
            "has_workflow": any(chunk.key == "workflow" for chunk in reading.chunks),
            "fingerprint": reading.fingerprint,
            "dialect": reading.dialect,
            "sampler": text(p.sampler),
            "scheduler": text(p.scheduler),
            "model": text(p.model),
            "model_hash": text(p.model_hash),
            "error": text(reading.error),
            "extra": _extra(p),
        }
        for key, value in row.items():
            columns.setdefault(key, []).append(value)
    return columns


def write_readings(conn: Connection, readings: Sequence[tuple[int, FileReading]]) -> None:
    """Write what was read from files, given as (image id, reading), and choose the representatives of their groups."""
    if not readings:
        return
    ids = [image_id for image_id, _ in readings]
    texts = {t for _, r in readings for t in (r.parameters.prompt, r.parameters.negative_prompt) if t is not None}
    prompts = prompt_ids(conn, sorted(texts))
    stale = [v[0] for v in conn.execute(_STALE, (ids, [reading.fingerprint for _, reading in readings]))]
    hashes = {bytes(v[0]) for v in conn.execute(_OLD_HASHES, (ids,))}
    hashes |= {bytes(v[0]) for v in conn.execute(_DEEP, _columns(readings, prompts)) if v[0] is not None}
    for statement in _FORGET if stale else ():
        conn.execute(statement, (stale,))
    raw = [
        (image_id, json.dumps([[to_db(c.source), to_db(c.key), to_db(c.text)] for c in reading.chunks]))
        for image_id, reading in readings
        if reading.chunks
    ]
    conn.execute(_RAW, ([row[0] for row in raw], [row[1] for row in raw]))
    if hashes:
        conn.execute("SELECT dtk_choose_representatives(%s)", (sorted(hashes),))


def write_unreadable(conn: Connection, reasons: Sequence[tuple[int, str]]) -> None:
    """Note why files could not be read at all, given as (image id, reason); they are tried again when they change."""
    sql = """
        UPDATE image SET error = why.error, scan_phase = 1
          FROM unnest(%s::bigint[], %s::text[]) AS why (id, error) WHERE image.id = why.id"""
    conn.execute(sql, ([row[0] for row in reasons], [to_db(row[1]) for row in reasons]))


def twins(conn: Connection, fingerprints: Sequence[bytes], not_among: Sequence[int]) -> list[Twin]:
    """Return known images with one of these contents, except those with an id in ``not_among``."""
    rows = conn.execute(_TWINS, (list(fingerprints), list(not_among)))
    return [Twin(v[0], bytes(v[1]), v[2], join_path(v[3], v[4])) for v in rows]


def move(conn: Connection, moved: Sequence[tuple[int, int]]) -> int:
    """Let known images take the places of new rows, given as (known id, new id): a file that moved keeps its row."""
    places = {v[0]: v[1:] for v in conn.execute(_PLACES, ([new for _, new in moved],))}
    rows = [(old, *places[new]) for old, new in moved if new in places]
    conn.execute(_TAKE_PLACE, tuple([row[i] for row in rows] for i in range(5)))
    return len(rows)


def chunks_of(conn: Connection, image_id: int) -> list[tuple[str, str, str]]:
    """Return the raw metadata of an image as (source, key, text), as they were read."""
    found = conn.execute("SELECT chunks FROM image_raw WHERE image_id = %s", (image_id,)).fetchone()
    if found is None:
        return []
    return [(from_db(source), from_db(key), from_db(text)) for source, key, text in json.loads(found[0])]
