"""Inspecting a source before its import: how many images, under which folders, and where those lie here."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass

from dtk_tui.config import Config
from dtk_tui.domain.imports import Prefix, SourceSummary
from dtk_tui.services.diffusion_toolkit import paths
from dtk_tui.services.diffusion_toolkit.source.database import open_source
from dtk_tui.store.database import Database
from dtk_tui.store.diffusion_toolkit import records, staging

#: More prefixes than this are no choice any more: the smallest are left to the paths as they are.
_MOST_PREFIXES = 40
#: A drive with no more folders than this is offered folder by folder.
_FEW_FOLDERS = 8
# A path without its characters that are no separators at its end: the folder, with what separates it.
_IMAGES_BY_FOLDER = r"""
SELECT rtrim(Path, replace(replace(Path, '/', ''), '\', '')) AS folder, count(*)
  FROM Image WHERE typeof(Path) = 'text' GROUP BY folder
"""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An interrupted import: its source file, and how many rows were read."""

    source: str
    rows: int


def unfinished(db: Database) -> Unfinished | None:
    """Return the import that a resume would go on with."""
    with db.connection() as conn:
        row = records.unfinished(conn)
        if row is None or row.facts.get("dry_run") or not staging.exists(conn):
            return None
        return Unfinished(row.source, sum(rows for rows, _ in staging.row_counts(conn).values()))


def inspect_source(path: str, config: Config, roots: Sequence[str] = ()) -> SourceSummary:
    """Return the summary of a database of Diffusion Toolkit.

    Args:
        roots: folders of the library, where files may lie that the source knows by another path.

    Raises:
        DtkError: as ``open_source``.
    """
    with open_source(path, config.paths.cache / "migration-look") as source:
        images = source.bounds("Image")[2]
        albums = source.bounds("Album")[2] if "Album" in source.columns else 0
        with closing(source.connect()) as conn:
            counts = _folders(conn)
        found = tuple(
            locate_prefix(prefix, images, (), roots) for prefix, images in common_prefixes(counts)[:_MOST_PREFIXES]
        )
        size = int(source.facts["size"]) + int(source.facts["wal_size"])
        return SourceSummary(path, size, images, albums, found)


def _folders(conn: sqlite3.Connection) -> dict[str, int]:
    """Return images by folder; of a damaged table those that can be read."""
    counts: dict[str, int] = {}
    try:
        for folder, count in conn.execute(_IMAGES_BY_FOLDER):
            text = paths.strip_separators(folder.decode("utf-8", "surrogateescape"))
            counts[text] = counts.get(text, 0) + count
    except sqlite3.DatabaseError:
        # What can be saved of a damaged file is the import's business; here it is only not offered.
        return counts
    return counts


def common_prefixes(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Return (folder, images below it) of the few folders under which everything lies, most images first."""
    below: dict[str, int] = {}
    children: dict[str, set[str]] = {}
    tops: set[str] = set()
    names: dict[str, str] = {}
    # The spelling that most images have is shown.
    for folder, count in sorted(counts.items(), key=lambda pair: -pair[1]):
        at: str | None = folder
        if not folder:
            continue
        child = None
        while at is not None:
            key = _key(at)
            names.setdefault(key, at)
            below[key] = below.get(key, 0) + count
            if child is not None:
                children.setdefault(key, set()).add(child)
            child, at = key, paths.parent(at)
        assert child is not None
        tops.add(child)
    own = {_key(folder) for folder in counts}
    found: list[tuple[str, int]] = []
    for top in tops:
        for key in _split(top, children, own):
            found.append((names[key], below[key]))
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def _key(folder: str) -> str:
    return paths.unify_separators(folder).lower() if paths.is_windows(folder) else folder


def _split(top: str, children: dict[str, set[str]], own: set[str]) -> list[str]:
    """Go down from a root while there is one way only; a root itself is given as its few folders."""
    at = _descend(top, children, own)
    under = children.get(at, set())
    if at == top and at not in own and 1 < len(under) <= _FEW_FOLDERS:
        return [_descend(child, children, own) for child in under]
    return [at]


def _descend(at: str, children: dict[str, set[str]], own: set[str]) -> str:
    while at not in own and len(children.get(at, ())) == 1:
        (at,) = children[at]
    return at


def locate_prefix(
    prefix: str, images: int, maps: Iterable[tuple[str, str]], roots: Sequence[str], guess_it: bool = True
) -> Prefix:
    """Return where a folder of that machine lies here: as mapped, as it is, or as a guess that exists."""
    mapping = paths.Mapping(list(maps))
    target = mapping.apply(prefix)
    if target != prefix:
        return Prefix(prefix, images, target, _is_folder(target))
    if not paths.is_windows(prefix) and _is_folder(prefix):
        return Prefix(prefix, images, None, True)
    guesses = _guesses(prefix, roots) if guess_it else []
    guess = next((one for one in guesses if _is_folder(one)), None)
    return Prefix(prefix, images, guess, guess is not None)


def _is_folder(path: str) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 (names may be any bytes)


def _guesses(prefix: str, roots: Sequence[str]) -> list[str]:
    """Return where a folder may lie: a drive that is mounted here, or a root of the library that ends alike."""
    parts = prefix.replace("\\", "/").split("/")
    found: list[str] = []
    if paths.is_windows(prefix) and prefix[1:2] == ":":
        drive, rest = prefix[0], "/".join(part for part in parts[1:] if part)
        for base in (f"/mnt/{drive.lower()}", f"/mnt/{drive.upper()}", f"/{drive.lower()}", f"/media/{drive.lower()}"):
            found.append(f"{base}/{rest}".rstrip("/"))
    tail = [part.lower() for part in parts if part and not part.endswith(":")]
    for root in roots:
        known = [part for part in root.split("/") if part]
        if tail and known and known[-1].lower() == tail[-1]:
            found.append(root)
    return found
