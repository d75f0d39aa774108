"""Caption files for trainers: written for the images that a search finds, never over a file of somebody else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from dtk_tui.atomic_file import write_whole
from dtk_tui.domain.caption_files import CaptionFormat, compose
from dtk_tui.services.captions.places import CaptionPlaces, content_of, digest_of
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import caption_files, captions, images

_CHUNK = 1000
#: Files that are named with the reason why they were not written.
_NAMED = 1000


@dataclass
class ExportResult:
    """What became of the files.

    ``unchanged`` were so already, ``refused`` are not ours, ``empty`` have nothing to say, ``failed`` could not be
    written. ``named``: path and reason of the first that were refused or failed.
    """

    written: int = 0
    unchanged: int = 0
    refused: int = 0
    empty: int = 0
    failed: int = 0
    named: list[tuple[str, str]] = field(default_factory=list)

    def name(self, path: str, reason: str) -> None:
        """Name a file with the reason why it was not written."""
        if len(self.named) < _NAMED:
            self.named.append((path, reason))


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What is written.

    Attributes:
        kind: the type of caption; None: the one that is shown first.
        confidence: of tags, at least, from 0 to 1.
        overwrite: also over files that no export wrote, or that somebody changed since.
    """

    form: CaptionFormat
    kind: str | None = None
    confidence: float = 0.0
    overwrite: bool = False
    dry_run: bool = False


def export(db: Database, image_ids: Sequence[int], where: CaptionPlaces, options: ExportOptions) -> ExportResult:
    """Write the caption files of images; each file whole or not at all."""
    result = ExportResult()
    owners: dict[str, int] = {}
    for start in range(0, len(image_ids), _CHUNK):
        some = [int(number) for number in image_ids[start : start + _CHUNK]]
        with db.connection() as conn:
            contents = _contents(conn, some, where, options, owners, result)
            known = caption_files.exported(conn, [digest_of(path) for path in contents])
        done = {}
        for path, content in contents.items():
            if _write(path, content, known.get(digest_of(path)), options, where.folder is not None, result):
                done[digest_of(path)] = sha256(content).digest()
        if done:
            with db.connection() as conn:
                caption_files.record(conn, done)
    return result


def _contents(
    conn: Connection,
    image_ids: Sequence[int],
    where: CaptionPlaces,
    options: ExportOptions,
    owners: dict[str, int],
    result: ExportResult,
) -> dict[str, bytes]:
    """Return what is to be written, by path; two images may not have one file."""
    paths = images.paths_of(conn, image_ids)
    said = captions.current(conn, image_ids) if "caption" in options.form.parts else {}
    tags = caption_files.tags_of(conn, image_ids, options.confidence) if "tags" in options.form.parts else {}
    contents: dict[str, bytes] = {}
    for image_id in image_ids:
        if image_id not in paths:
            continue
        text = next((one.text for one in said.get(image_id, ()) if options.kind in (None, one.type)), None)
        content = compose(options.form, text, tags.get(image_id, ()))
        if content is None:
            result.empty += 1
            continue
        place = where.of(paths[image_id])[0]
        if owners.setdefault(place, image_id) != image_id:
            result.refused += 1
            result.name(place, f"another image has this file already: {paths[image_id]}")
            continue
        contents[place] = content.encode("utf-8", "replace")
    return contents


def _write(
    path: str, content: bytes, ours: bytes | None, options: ExportOptions, make_folder: bool, result: ExportResult
) -> bool:
    """Write one file, where that is allowed; return whether it was written."""
    try:
        is_link = os.path.islink(path)  # noqa: PTH114 (surrogates must survive)
        there = None if is_link else content_of(path)
        if there == content:
            result.unchanged += 1
            return False
        if not options.overwrite and (is_link or (there is not None and sha256(there).digest() != ours)):
            result.refused += 1
            result.name(path, "no export wrote it, or it was changed since")
            return False
        if not options.dry_run:
            _replace(path, content, make_folder)
    except OSError as error:
        result.failed += 1
        result.name(path, error.strerror or str(error))
        return False
    result.written += 1
    return not options.dry_run


def _replace(path: str, content: bytes, make_folder: bool) -> None:
    """Write a file beside its place and move it there; a link is replaced, not followed."""
    folder = os.path.dirname(path)  # noqa: PTH120
    if make_folder:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
    write_whole(path, content, 0o666 & ~_umask())


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
