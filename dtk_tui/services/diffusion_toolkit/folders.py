"""Importing folders: the tree of those that the source lists, that images need, and that the library has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dtk_tui.services.diffusion_toolkit import paths
from dtk_tui.store.database import Connection
from dtk_tui.store.diffusion_toolkit import dates, folders, records, staging

_NO_FOLDER = "(no folder)"


@dataclass(slots=True)
class _Tree:
    """Folders by path: ``ids`` of those that are there, ``new`` ids of those made now."""

    ids: dict[str, int]
    parents: dict[str, int | None]
    new: set[int] = field(default_factory=set)


def write(conn: Connection, migration_id: int, zone: str, mapping: paths.Mapping) -> bool:
    """Write the staged folders, with all between them and their images, and note which key is which folder.

    Returns:
        Whether each key is the id of its folder: not where somebody else was quicker to write a folder.
    """
    staged = folders.staged_folders(conn)
    needed = folders.staged_paths(conn)
    listed = {row["Id"]: mapping.apply(paths.strip_separators(row["Path"])) for row in staged if row["Path"]}
    listed = {number: paths.strip_separators(path) for number, path in listed.items()}
    known = folders.library_folders(conn)
    tree = _Tree({path: row[0] for path, row in known.items()}, {path: row[1] for path, row in known.items()})
    given = {path: key for key, path, _ in needed}
    _insert_missing(conn, tree, given, [*listed.values(), *given])
    _set_attributes(conn, tree, zone, [(row, listed[row["Id"]]) for row in staged if row["Id"] in listed])
    _write_records(conn, migration_id, tree, staged, listed, needed)
    folders.write_folder_keys(conn, {key: tree.ids[path] for path, key in given.items()}.items())
    return all(tree.ids[path] == key for path, key in given.items())


def _insert_missing(conn: Connection, tree: _Tree, given: Mapping[str, int], wanted: Iterable[str]) -> None:
    """Insert the wanted folders that are missing, and those between them and a folder above, level by level.

    Args:
        given: ids of new folders, by path; others get theirs now.
    """
    above: dict[str, str | None] = {}
    all_known = set(tree.ids) | set(wanted)
    by_form = {paths.unify_separators(path): path for path in sorted(all_known)}
    for path in sorted(all_known - set(tree.ids)):
        chain = _missing_chain(path, by_form)
        for child, upper in zip(chain, [*chain[1:], None], strict=True):
            above.setdefault(child, upper)
    waiting = sorted(path for path in above if path not in tree.ids)
    while waiting:
        ready = [path for path in waiting if above[path] is None or above[path] in tree.ids]
        rows = [
            (path, paths.split(path)[1] or path or _NO_FOLDER, _id(tree, above[path]), given.get(path))
            for path in ready
        ]
        made = folders.add_folders(conn, rows)
        tree.ids.update(made)
        tree.parents.update({path: parent for path, _, parent, _ in rows})
        tree.new.update(made.values())
        waiting = [path for path in waiting if path not in tree.ids]
    _reparent(conn, tree)


def _missing_chain(path: str, known: dict[str, str]) -> list[str]:
    """Return ``path`` and the folders above it up to the highest known one; alone when none above is known."""
    chain, highest = [path], 0
    upper = paths.parent(path)
    while upper is not None:
        upper = known.get(paths.unify_separators(upper), upper)
        chain.append(upper)
        if paths.unify_separators(upper) in known:
            highest = len(chain) - 1
        upper = paths.parent(upper)
    return chain[: highest + 1]


def _reparent(conn: Connection, tree: _Tree) -> None:
    """Put roots that the library had below folders that are new above them."""
    pairs = []
    for path, parent in tree.parents.items():
        if parent is None and tree.ids[path] not in tree.new:
            upper = paths.parent(path)
            if upper in tree.ids and tree.ids[upper] in tree.new:
                pairs.append((tree.ids[path], tree.ids[upper]))
    if pairs:
        folders.reparent_folders(conn, pairs)


def _id(tree: _Tree, path: str | None) -> int | None:
    return None if path is None else tree.ids[path]


def _set_attributes(conn: Connection, tree: _Tree, zone: str, rows: list[tuple[dict[str, Any], str]]) -> None:
    first: dict[int, dict[str, Any]] = {}
    for row, path in rows:
        first.setdefault(tree.ids[path], row)
    folders.set_folder_attributes(conn, zone, [(number, row) for number, row in first.items() if number in tree.new])


def _invalid_values(row: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (reason, what the source says) of values that are not written as they are."""
    invalid = {name: row[name] for name in folders.FLAGS if row[name] not in (0, 1, None)}
    if invalid:
        yield f"{', '.join(invalid)}: is neither 0 nor 1, written as true", invalid
    if row["ScannedDate"] and not dates.is_date(row["ScannedDate"]):
        yield "ScannedDate: is no date, left out", {"ScannedDate": row["ScannedDate"]}


def _hex(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").hex()


def _unusual_start(folder: str, starts: Sequence[str]) -> dict[str, str]:
    """Return what the source has before the names of files in a folder, where that is not what ``paths.join`` makes."""
    usual = paths.join(paths.strip_separators(folder), "")
    return {} if not starts or usual in starts else {"Start": _hex(starts[0])}


def _write_records(
    conn: Connection,
    migration_id: int,
    tree: _Tree,
    staged: list[dict[str, Any]],
    listed: dict[int, str],
    needed: list[tuple[int, str, str]],
) -> None:
    """Write the records and the notes of the folders."""
    recorded: list[tuple[int, int | None, bool, dict[str, Any]]] = []
    noted: list[tuple[int | None, str, str, dict[str, Any]]] = []
    numbers = {row["Id"] for row in staged}
    seen: dict[str, int] = {}
    starts: dict[str, list[str]] = {}
    for _, path, start in needed:
        starts.setdefault(path, []).append(start)
    for row in staged:
        number, parent = row["Id"], row["ParentId"]
        if number not in listed:
            noted.append((number, "refused", "has no path", {"ParentId": parent}))
            continue
        path = listed[number]
        if path in seen:
            noted.append((number, "repaired", f"the same path as row {seen[path]}, made one", {}))
        if parent and parent not in numbers:
            noted.append((number, "repaired", "its parent is not there, placed by its path", {"ParentId": parent}))
        elif parent in listed and tree.ids[listed[parent]] != tree.parents.get(path):
            reason = "ParentId: is not the folder above it, placed by its path"
            noted.append((number, "repaired", reason, {"ParentId": parent}))
        noted += [(number, "repaired", reason, original) for reason, original in _invalid_values(row)]
        seen.setdefault(path, number)
        original = {name: row[name] for name in folders.COLUMNS if name not in ("Id", "ParentId")}
        original |= {"Path": _hex(row["Path"]), **_unusual_start(row["Path"], starts.get(path, ()))}
        recorded.append((tree.ids[path], number, tree.ids[path] in tree.new, original))
    done = {number for number, _, _, _ in recorded}
    for path, found in starts.items():
        number = tree.ids[path]
        if number not in done:
            done.add(number)
            source = paths.strip_separators(paths.split(found[0] + "x")[0])
            recorded.append((number, None, number in tree.new, {"Path": _hex(source), **_unusual_start(source, found)}))
    recorded += [(number, None, True, {}) for number in sorted(tree.new - done)]
    records.write_row_records(conn, migration_id, "folder", recorded)
    staging.write_notes(conn, [("Folder", *note[:3], json.dumps(note[3])) for note in noted])
