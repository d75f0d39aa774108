"""Caption files that are beside the images, or in a folder, taken in as captions of a source of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from dtk_tui.domain.captions import FILE, MAX_LENGTH, Caption
from dtk_tui.domain.parameters import RawChunk
from dtk_tui.metadata.containers.decoding import decode
from dtk_tui.metadata.reader import derive
from dtk_tui.services.captions.places import CaptionPlaces, content_of, digest_of
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import caption_files, captions, images
from dtk_tui.store.library.caption_batch import CaptionBatch, NewText

_CHUNK = 1000
#: Files that are named with the reason why they were not taken.
_NAMED = 1000


@dataclass
class ImportResult:
    """What became of the files that were found.

    ``unchanged`` say what the library knows from them already, ``kept`` are of captions that a person edited since,
    ``ours`` were written by an export, ``parameters`` tell how the image was made, ``failed`` cannot be read or are
    empty. ``journal`` is the number of the edit in the journal; None: nothing was done.
    """

    imported: int = 0
    unchanged: int = 0
    kept: int = 0
    ours: int = 0
    parameters: int = 0
    failed: int = 0
    journal: int | None = None
    named: list[tuple[str, str]] = field(default_factory=list)


def import_files(
    db: Database, image_ids: Sequence[int], where: CaptionPlaces, kind: str, *, dry_run: bool = False
) -> ImportResult:
    """Take in the caption files of images, in one transaction, as one edit in the journal.

    They become captions of the source ``file``: what models and people said stays beside them.

    Args:
        kind: the type that these captions get.
    """
    result = ImportResult()
    with db.connection() as conn:
        batch = CaptionBatch(conn, f"Captions: import of {where.ending} files", by_person=False)
        for start in range(0, len(image_ids), _CHUNK):
            some = [int(number) for number in image_ids[start : start + _CHUNK]]
            found = _read(conn, some, where, kind, result)
            if not dry_run:
                batch.write(found)
        result.journal = batch.finish()
    return result


def _read(
    conn: Connection, image_ids: Sequence[int], where: CaptionPlaces, kind: str, result: ImportResult
) -> list[NewText]:
    captions.lock_images(conn, image_ids)
    paths = images.paths_of(conn, image_ids)
    found = {image_id: where.of(path) for image_id, path in paths.items()}
    known = caption_files.exported(conn, [digest_of(place) for places in found.values() for place in places])
    there = captions.lock(conn, image_ids)
    wanted: list[NewText] = []
    for image_id, places in sorted(found.items()):
        text = next((text for place in places if (text := _text(place, known, result)) is not None), None)
        if text is None:
            continue
        old = next((one for one in there.get(image_id, ()) if (one.source, one.type) == (FILE, kind)), None)
        if _is_wanted(old, text, result):
            wanted.append(NewText(None if old is None else old.id, image_id, FILE, kind, text))
            result.imported += 1
    return wanted


def _is_wanted(old: Caption | None, text: str, result: ImportResult) -> bool:
    if old is not None and old.text == text:
        result.unchanged += 1
    elif old is not None and old.is_user_edited:
        result.kept += 1
    else:
        return True
    return False


def _text(path: str, known: dict[bytes, bytes], result: ImportResult) -> str | None:
    """Return the caption in a file, or None where there is none."""
    try:
        content = content_of(path)
    except OSError as error:
        _failed(path, error.strerror or str(error), result)
        return None
    if content is None:
        return None
    if known.get(digest_of(path)) == sha256(content).digest():
        result.ours += 1
        return None
    is_utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = content.decode("utf-16", "replace") if is_utf16 else decode(content.removeprefix(b"\xef\xbb\xbf"))
    text = text.rstrip("\r\n")
    if not text.strip():
        _failed(path, "it is empty", result)
    elif len(text) > MAX_LENGTH:
        _failed(path, "it is too long for a caption", result)
    elif _is_parameters(text):
        result.parameters += 1
    else:
        return text
    return None


def _is_parameters(text: str) -> bool:
    """Whether a text tells how an image was made, as other programs write it beside theirs."""
    try:
        return derive([RawChunk("sidecar", "txt", text)], None, None)[0] is not None
    except (ArithmeticError, LookupError, MemoryError, RecursionError, TypeError, ValueError):
        return False


def _failed(path: str, reason: str, result: ImportResult) -> None:
    result.failed += 1
    if len(result.named) < _NAMED:
        result.named.append((path, reason))
