"""The lines of a tree of folders: runs of folders side by side, between those that are open."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from dtk_tui.domain.library import FolderRow, FolderRows

#: The key of the first line, which stands for all images.
EVERYTHING = 0


@dataclass(frozen=True, slots=True)
class _Run:
    """Folders of one list from ``begin`` to before ``end``, on the lines from ``first`` on; the last may be open.

    ``parent`` is the line of the folder that they lie in, None for roots.
    """

    first: int
    rows: FolderRows
    begin: int
    end: int
    depth: int
    parent: int | None
    is_open: bool

    @property
    def last(self) -> int:
        """Its last line."""
        return self.first + self.end - self.begin - 1


class FolderLines:
    """The first line stands for all images, the others for folders; there are as many objects as open folders.

    Args:
        roots: None while they are not fetched: then there are no lines.
        opened: the folders in each open one, by its id.
    """

    def __init__(self, roots: FolderRows | None = None, opened: Mapping[int, FolderRows] | None = None) -> None:
        self.roots = roots
        self.opened: Mapping[int, FolderRows] = opened or {}
        self._runs: list[_Run] = []
        self.count = 0
        if roots is not None:
            self.count = 1
            self._add(roots, 0, None)
        self._firsts = [run.first for run in self._runs]

    def _add(self, rows: FolderRows, depth: int, parent: int | None) -> None:
        begin = 0
        for place in places_of(rows, self.opened):
            self._add_run(rows, begin, place + 1, depth, parent, is_open=True)
            self._add(self.opened[rows.ids[place]], depth + 1, self.count - 1)
            begin = place + 1
        self._add_run(rows, begin, len(rows), depth, parent, is_open=False)

    def _add_run(
        self, rows: FolderRows, begin: int, end: int, depth: int, parent: int | None, *, is_open: bool
    ) -> None:
        if begin < end:
            self._runs.append(_Run(self.count, rows, begin, end, depth, parent, is_open))
            self.count += end - begin

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FolderLines) and (self.roots, self.opened) == (other.roots, other.opened)

    __hash__ = None  # type: ignore[assignment]

    def _run_of(self, line: int) -> _Run:
        return self._runs[bisect_right(self._firsts, line) - 1]

    def key(self, line: int) -> int:
        """Return the id of the folder on a line, or EVERYTHING."""
        if line == 0:
            return EVERYTHING
        run = self._run_of(line)
        return run.rows.ids[run.begin + line - run.first]

    def row(self, line: int) -> FolderRow | None:
        """Return the folder on a line, None for the line that stands for all images."""
        if line == 0:
            return None
        run = self._run_of(line)
        return run.rows[run.begin + line - run.first]

    def depth(self, line: int) -> int:
        """Return how many folders the one on a line lies in."""
        return self._run_of(line).depth if line else 0

    def is_open(self, line: int) -> bool:
        """Say whether the folder on a line is open."""
        run = self._run_of(line) if line else None
        return run is not None and run.is_open and line == run.last

    def parent(self, line: int) -> int | None:
        """Return the line of the folder that the one on a line lies in, if it lies in one."""
        return self._run_of(line).parent if line else None

    def end(self, line: int) -> int:
        """Return the line behind a folder and all that is shown below it."""
        if not self.is_open(line):
            return line + 1
        depth = self.depth(line)
        after = self._runs[bisect_right(self._firsts, line) :]
        return next((run.first for run in after if run.depth <= depth), self.count)

    def open_between(self, line: int, end: int) -> list[int]:
        """Return the ids of the open folders on some lines."""
        return [run.rows.ids[run.end - 1] for run in self._runs if run.is_open and line <= run.last < end]

    def line_of(self, key: int) -> int | None:
        """Return the line of a folder; None when it is not shown."""
        if key == EVERYTHING:
            return 0 if self.count else None
        for run in self._runs:
            try:
                return run.first + run.rows.ids.index(key, run.begin, run.end) - run.begin
            except ValueError:
                continue
        return None

    def nearest(self, old: FolderLines, line: int) -> int:
        """Return the line of the folder that was on an old line, or of the nearest one above it that is left."""
        same = self.line_of(old.key(line)) if old.count else 0
        if same is not None:
            return same
        left = set(array("q", b"".join(run.rows.ids[run.begin : run.end].tobytes() for run in self._runs)))
        above = (old.key(one) for one in range(line - 1, 0, -1))
        return self.line_of(next((key for key in above if key in left), EVERYTHING)) or 0


def places_of(rows: FolderRows, ids: Collection[int]) -> Sequence[int]:
    """Return the places of the folders that have one of some ids, in their order."""
    return [place for place, number in enumerate(rows.ids) if number in ids] if ids else []
