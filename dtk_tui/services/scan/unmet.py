"""Files that moved after Diffusion Toolkit saw them last and before a scan met them: whose they are."""

from __future__ import annotations

import hashlib
import os
import re
import threading
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from dtk_tui.errors import UnreadableFileError
from dtk_tui.metadata.reader import read_file
from dtk_tui.services.scan.read import ReadBatch
from dtk_tui.services.scan.scan_run import ScanRun
from dtk_tui.store.database import Connection
from dtk_tui.store.scan import unmet
from dtk_tui.store.scan.unmet import ImageParameters, NewFile, UnmetImage

_SHA256 = re.compile("[0-9a-fA-F]{64}")
#: So many images and files of one name and size are not told apart by their parameters.
_MOST_ALIKE = 64


@dataclass(slots=True)
class Claims:
    """Unmet images whose files are gone, and the new files that may be theirs.

    Attributes:
        by_content: ids of the new files by ids of the images, where the content says so.
        by_name: (ids of images, ids of new files) of one size and name, of whose content nothing is known.
        undecided: ids of new files that could not be looked at before the scan was stopped.
        unavailable: ids of the images that count as gone.
    """

    by_content: dict[int, int] = field(default_factory=dict)
    by_name: list[tuple[list[int], list[int]]] = field(default_factory=list)
    undecided: set[int] = field(default_factory=set)
    unavailable: set[int] = field(default_factory=set)

    def settle(self, conn: Connection, batch: ReadBatch) -> dict[int, int]:
        """Return which unmet images are in the places of which new files, whose readings are staged; ids of both."""
        pairs = dict(self.by_content)
        images = {number for numbers, _ in self.by_name for number in numbers}
        files = {number for _, numbers in self.by_name for number in numbers}
        if images:
            raws = {number: raw for number, _, raw in batch.rows if number in files}
            known, read = unmet.known_parameters(conn, images), unmet.staged_parameters(conn, files, raws)
            for some, others in self.by_name:
                pairs.update(_only_ones(some, others, known, read, pairs))
        if not pairs:
            return {}
        there = unmet.still_unmet(conn, pairs.keys()) | unmet.still_unread(conn, pairs.values())
        return {image: file for image, file in pairs.items() if {image, file} <= there}


def find_claims(run: ScanRun, ids: Collection[int]) -> Claims:
    """Find out which unmet images some listed files may be, by their content where the import recorded it.

    Called before the transaction that writes: whole files may be read.
    """
    files = run.read(partial(unmet.new_files, ids=list(ids)))
    if not files:
        return Claims()
    sizes = {file.file_size for file in files}
    images = [image for image in run.read(partial(unmet.of_sizes, sizes=sizes)) if _is_gone(image)]
    return _claims(images, files, run.stop)


def count_claimed(conn: Connection, files: Sequence[tuple[str, int]], vanishing: Collection[int]) -> tuple[int, int]:
    """Return how many new files, by path and size, are of unmet images, and how many of those a scan finds gone.

    Args:
        vanishing: ids of the images that a scan finds gone.
    """
    if not unmet.are_there(conn):
        return 0, 0
    new = [NewFile(number, path, os.path.basename(path), size) for number, (path, size) in enumerate(files)]  # noqa: PTH119
    found = unmet.of_sizes(conn, {file.file_size for file in new})
    images = [image for image in found if image.id in vanishing or _is_gone(image)]
    claims = _claims(images, new, threading.Event())
    pairs = dict(claims.by_content)
    read = {number: _read(files[number][0]) for _, numbers in claims.by_name for number in numbers}
    known = unmet.known_parameters(conn, [number for numbers, _ in claims.by_name for number in numbers])
    for some, others in claims.by_name:
        pairs.update(_only_ones(some, others, known, {n: p for n, p in read.items() if p is not None}, pairs))
    return len(pairs), len(pairs.keys() & set(vanishing))


def _read(path: str) -> ImageParameters | None:
    try:
        return unmet.read_parameters(read_file(path))
    except UnreadableFileError:
        return None


def _claims(images: list[UnmetImage], files: list[NewFile], stop: threading.Event) -> Claims:
    claims = Claims(unavailable={image.id for image in images if image.unavailable})
    _claim_by_content([image for image in images if _is_hashed(image)], files, claims, stop)
    claimed = set(claims.by_content.values()) | claims.undecided
    by_name: dict[tuple[int, str], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for image in images:
        if not _is_hashed(image):
            by_name[_name_key(image)][0].append(image.id)
    for file in files:
        if file.id not in claimed and (key := _name_key(file)) in by_name:
            by_name[key][1].append(file.id)
    claims.by_name = [both for both in by_name.values() if both[1] and max(map(len, both)) <= _MOST_ALIKE]
    return claims


def _claim_by_content(images: list[UnmetImage], files: list[NewFile], claims: Claims, stop: threading.Event) -> None:
    wanted: dict[str, list[UnmetImage]] = defaultdict(list)
    for image in images:
        wanted[str(image.hash).lower()].append(image)
    sizes = {image.file_size for image in images}
    matches: list[tuple[bool, int, int]] = []
    for file in files:
        if file.file_size not in sizes:
            continue
        if stop.is_set():
            claims.undecided.add(file.id)
            continue
        for image in wanted.get(_sha256(file.path), ()):
            matches.append((image.file_name != file.file_name, image.id, file.id))
    # Of copies, those that kept their names go together.
    taken: set[int] = set()
    for _, image_id, file_id in sorted(matches):
        if image_id not in claims.by_content and file_id not in taken:
            claims.by_content[image_id] = file_id
            taken.add(file_id)


def _sha256(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _is_hashed(image: UnmetImage) -> bool:
    return image.hash is not None and _SHA256.fullmatch(image.hash) is not None


def _is_gone(image: UnmetImage) -> bool:
    return image.unavailable or not os.path.lexists(image.path)


def _name_key(file: NewFile | UnmetImage) -> tuple[int, str]:
    return file.file_size, unicodedata.normalize("NFC", file.file_name)


def _only_ones(
    images: Iterable[int],
    files: Iterable[int],
    known: Mapping[int, ImageParameters],
    read: Mapping[int, ImageParameters],
    taken: Mapping[int, int],
) -> dict[int, int]:
    """Return the images and files of one name and size that fit each other and no other."""
    fits = [
        (image, file)
        for image in images
        for file in files
        if image in known and file in read and known[image].may_be(read[file]) and image not in taken
    ]
    of_image: dict[int, int] = defaultdict(int)
    of_file: dict[int, int] = defaultdict(int)
    for image, file in fits:
        of_image[image] += 1
        of_file[file] += 1
    return {image: file for image, file in fits if of_image[image] == of_file[file] == 1}
