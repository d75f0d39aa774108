"""Unmet images: an import brought them, and no scan has met their files, which may have moved before the first one."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dtk_tui.domain.parameters import FileReading
from dtk_tui.store.copy.rows import raw_row, raw_text
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.images import join_path
from dtk_tui.store.scan.moves import IS_UNTOUCHED
from dtk_tui.store.text_codec import from_db

# As the index image_unmet has it.
_IS_UNMET = "fingerprint IS NULL AND (scan_phase = 1 OR mtime_ns = 0)"
_ANY = f"SELECT EXISTS (SELECT 1 FROM image WHERE {_IS_UNMET})"  # noqa: S608 (constants)
# What the import recorded of an image stands in a row of its own, or in arrays, with many others.
_RECORD = """
SELECT hash FROM migrated_image WHERE image_id = image.id
 UNION ALL
SELECT CASE cardinality(hash) WHEN 1 THEN hash[1] ELSE hash[array_position(source_ids, image.id - image_base)] END
  FROM migration CROSS JOIN LATERAL (
       SELECT source_ids, hash, gone FROM migrated_batch
        WHERE migration_id = migration.id AND first_id <= image.id ORDER BY first_id DESC LIMIT 1) AS batch
 WHERE state = 'done' AND image.id - image_base = ANY (source_ids) AND image.id - image_base <> ALL (gone)
"""
_NEW_FILES = f"""
SELECT image.id, folder.path, image.file_name, image.file_size
  FROM (SELECT * FROM image self
         WHERE id = ANY (%s::bigint[]) AND scan_phase = 0 AND fingerprint IS NULL AND {IS_UNTOUCHED} OFFSET 0) AS image
  JOIN folder ON folder.id = image.folder_id
 WHERE EXISTS (SELECT 1 FROM image known WHERE known.file_size = image.file_size AND known.id <> image.id
                  AND {_IS_UNMET} OFFSET 0)
   AND NOT EXISTS ({_RECORD})
"""  # noqa: S608 (constants)
_UNMET = f"""
SELECT image.id, folder.path, image.file_name, image.file_size, image.unavailable, record.hash
  FROM image JOIN folder ON folder.id = image.folder_id CROSS JOIN LATERAL ({_RECORD} LIMIT 1) AS record
 WHERE image.file_size = ANY (%s::bigint[]) AND {_IS_UNMET}
 ORDER BY image.id
"""  # noqa: S608 (constants)
_STILL_UNMET = f"SELECT id FROM image WHERE id = ANY (%s::bigint[]) AND {_IS_UNMET}"  # noqa: S608 (constants)
_STILL_UNREAD = "SELECT id FROM image WHERE id = ANY (%s::bigint[]) AND scan_phase = 0 AND fingerprint IS NULL"
_READ_PARAMETERS = """
SELECT reading.id, positive.text, negative.text, reading.steps, reading.seed, reading.cfg_scale, reading.width,
       reading.height
  FROM scan_reading reading
  LEFT JOIN scan_prompt positive ON positive.sha256 = reading.prompt
  LEFT JOIN scan_prompt negative ON negative.sha256 = reading.negative_prompt
 WHERE reading.id = ANY (%s::bigint[])
"""
_KNOWN_PARAMETERS = """
SELECT image.id, positive.text, negative.text, image.steps, image.seed, image.cfg_scale, image.width, image.height,
       image_raw.chunks
  FROM image
  LEFT JOIN prompt positive ON positive.id = image.prompt_id
  LEFT JOIN prompt negative ON negative.id = image.negative_prompt_id
  LEFT JOIN image_raw ON image_raw.image_id = image.id
 WHERE image.id = ANY (%s::bigint[])
"""


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file whose row a scan has just made; one of its size is unmet."""

    id: int
    path: str
    file_name: str
    file_size: int


@dataclass(frozen=True, slots=True)
class UnmetImage:
    """An unmet image; ``hash`` is what the import recorded of its content."""

    id: int
    path: str
    file_name: str
    file_size: int
    unavailable: bool
    hash: str | None


@dataclass(frozen=True, slots=True)
class ImageParameters:
    """What tells a picture from others of its size and name.

    ``numbers`` are steps, seed and CFG scale, 0 where there is none, as Diffusion Toolkit writes it; ``sides`` the
    shorter and the longer one, None where they are not known; ``raw`` the raw metadata.
    """

    prompt: str
    negative_prompt: str
    numbers: tuple[float, ...]
    sides: tuple[int, ...] | None
    raw: frozenset[str]

    def may_be(self, other: ImageParameters) -> bool:
        """Whether nothing says that the two are different pictures."""
        if self.sides and other.sides and self.sides != other.sides:
            return False
        if self.raw & other.raw:
            return True
        mine = self.prompt, self.negative_prompt, self.numbers
        return mine == (other.prompt, other.negative_prompt, other.numbers)


def are_there(conn: Connection) -> bool:
    """Return whether any image is unmet."""
    conn.execute("SET LOCAL enable_seqscan = off")
    return bool(row_of(conn, _ANY)[0])


def new_files(conn: Connection, ids: Sequence[int]) -> list[NewFile]:
    """Return those of the listed images whose files may be the ones of unmet images, by size."""
    conn.execute("SET LOCAL enable_seqscan = off")
    rows = conn.execute(_NEW_FILES, (list(ids),))
    return [NewFile(v[0], join_path(v[1], v[2]), from_db(v[2]), v[3]) for v in rows]


def of_sizes(conn: Connection, sizes: Collection[int]) -> list[UnmetImage]:
    """Return the unmet images with files of some sizes, in bytes."""
    conn.execute("SET LOCAL enable_seqscan = off")
    rows = conn.execute(_UNMET, (sorted(sizes),))
    return [UnmetImage(v[0], join_path(v[1], v[2]), from_db(v[2]), v[3], v[4], v[5]) for v in rows]


def still_unmet(conn: Connection, ids: Collection[int]) -> set[int]:
    """Return those of some images that are still unmet."""
    return {number for (number,) in conn.execute(_STILL_UNMET, (list(ids),))}


def still_unread(conn: Connection, ids: Collection[int]) -> set[int]:
    """Return those of some new files that nobody has read yet."""
    return {number for (number,) in conn.execute(_STILL_UNREAD, (list(ids),))}


def staged_parameters(conn: Connection, ids: Collection[int], raws: Mapping[int, bytes]) -> dict[int, ImageParameters]:
    """Return the parameters of staged readings of new files.

    Args:
        raws: their raw metadata, as ``copy.rows.raw_row`` gives it.
    """
    rows = conn.execute(_READ_PARAMETERS, (list(ids),))
    return {v[0]: _parameters(v, raw_text(raws.get(v[0], b""))) for v in rows}


def known_parameters(conn: Connection, ids: Collection[int]) -> dict[int, ImageParameters]:
    """Return the parameters of images as the library knows them."""
    return {v[0]: _parameters(v, v[8]) for v in conn.execute(_KNOWN_PARAMETERS, (list(ids),))}


def read_parameters(reading: FileReading) -> ImageParameters:
    """Return the parameters of a file that is not in the library."""
    p = reading.parameters
    row = (0, p.prompt, p.negative_prompt, p.steps, p.seed, p.cfg_scale, reading.width, reading.height)
    return _parameters(row, raw_text(raw_row(0, reading.chunks)))


def _parameters(row: Sequence[Any], chunks: str | None) -> ImageParameters:
    _, prompt, negative, steps, seed, cfg_scale, width, height = row[:8]
    return ImageParameters(
        " ".join((prompt or "").split()),
        " ".join((negative or "").split()),
        (steps or 0, int(seed or 0), round(cfg_scale or 0, 3)),
        (min(width, height), max(width, height)) if width and height else None,
        frozenset(text.strip() for _, _, text in json.loads(chunks or "[]") if text.strip()),
    )
