"""Patterns that keep files and folders out of the library, by the rules of gitignore, relative to their root."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from dtk_tui.config import THUMBNAILS
from dtk_tui.store.database import Connection
from dtk_tui.store.library import folder_rules

_WILD = "*?["


@dataclass(frozen=True, slots=True)
class _Matcher:
    """Compiled patterns; ``files`` and ``folders`` are the first characters of names that can match, None for all."""

    hides_file: Callable[[str], bool]
    hides_folder: Callable[[str], bool]
    files: frozenset[str] | None
    folders: frozenset[str] | None


class Exclusion:
    """The patterns for one root.

    Args:
        patterns: as ``[scan] exclude`` in config.toml has them.
        root: absolute path that patterns are relative to; it is never hidden itself.
    """

    def __init__(self, patterns: Sequence[str], root: str) -> None:
        # Thumbnails that are taken for images would have thumbnails of their own, and so on without an end.
        self._matcher = _compiled((f"{THUMBNAILS}/", *patterns))
        self._start = len(root.rstrip("/")) + 1
        self._root = root
        #: First characters of the names of files that may be hidden; None: any.
        self.first_characters = self._matcher.files

    def hides_folder(self, path: str) -> bool:
        """Whether a folder below the root is hidden by itself; those above it were asked before."""
        first = path[path.rfind("/") + 1 : path.rfind("/") + 2]
        if self._matcher.folders is not None and first not in self._matcher.folders:
            return False
        return path != self._root and self._matcher.hides_folder(path[self._start :] + "/")

    def hides_file(self, folder: str, name: str) -> bool:
        """Whether a file in a folder that is not hidden is."""
        return self._matcher.hides_file(os.path.join(folder, name)[self._start :])  # noqa: PTH118 (surrogates)

    def hides_tree(self, path: str) -> bool:
        """Whether a folder is hidden, or any that it lies in."""
        while len(path) >= self._start and path != self._root:
            if self.hides_folder(path):
                return True
            path = path.rpartition("/")[0]
        return False


def exclusion_for(conn: Connection, patterns: Sequence[str], path: str) -> Exclusion:
    """Return the patterns for the folder at ``path``: relative to the root that it lies in, or to itself."""
    for root in folder_rules.of_roots(conn):
        if path.startswith(root.rstrip("/") + "/"):
            return Exclusion(patterns, root)
    return Exclusion(patterns, path)


@lru_cache(maxsize=8)
def _compiled(patterns: tuple[str, ...]) -> _Matcher:
    from pathspec import GitIgnoreSpec

    # There are no comments in a list of strings: this is the name of a folder.
    lines = ["\\" + line if line.startswith("#") else line for line in patterns]
    spec = GitIgnoreSpec.from_lines(lines)
    active = [(one.include, one.regex, str(one.pattern)) for one in spec.patterns if one.regex is not None]
    hides_file: Callable[[str], bool] = spec.match_file
    # What stands in a folder may be taken in again, unless the last pattern for the folder itself hides it.
    own = [(include, regex) for include, regex, line in active if not line.rstrip().endswith("/**")]

    def hides_folder(path: str) -> bool:
        for include, regex in reversed(own):
            if (match := regex.match(path)) and match.end() == len(path):
                return bool(include)
        return False

    if all(include for include, _, _ in active):
        # Without exceptions any match decides, and one expression finds it much faster.
        whole = "|".join(regex.pattern.replace("(?P<ps_d>", "(?:") for _, regex, _ in active)
        found = re.compile(whole or r"(?!)").match

        def hides_file(path: str) -> bool:
            return found(path) is not None

        hides_folder = hides_file
    names = [line for line in lines if line.strip() and not line.startswith("!")]
    return _Matcher(
        hides_file,
        hides_folder,
        _first_characters([line for line in names if not line.rstrip().endswith("/")]),
        _first_characters(names),
    )


def _first_characters(lines: Sequence[str]) -> frozenset[str] | None:
    """Return the first characters of the names that patterns are about; None where one may be any."""
    found = set()
    for line in lines:
        name = line.strip().rstrip("/").rpartition("/")[2]
        first = name[1:2] if name.startswith("\\") else name[:1]
        if not first or (first in _WILD and not name.startswith("\\")):
            return None
        found.add(first)
    return frozenset(found)
