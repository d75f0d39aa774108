"""Folders that are away: a disk that is not mounted, a share that does not answer.

Nothing is wrong with their files: what is queued for them waits, and goes on when the folder is back. A root that is
empty counts as away, for that is what a mount point without its disk looks like.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dtk_tui.domain.events import ProblemReported
from dtk_tui.domain.stats import AwayFolder
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services.worker.state import PipelineState
from dtk_tui.store.database import Connection
from dtk_tui.store.library import folders
from dtk_tui.store.queue import missing
from dtk_tui.store.queue.missing import ImagePlace, PlaceFolder

#: How often is looked whether a folder is back, and what waits for it.
_LOOK_S = 1.0
_COUNT_S = 5.0
#: Counting stays below one part in so many of the time.
_THRIFT = 20
#: A folder that does not answer for so long is away.
_ANSWER_S = 5.0
#: So many folders are waited for at once; what is in others is tried again a few times, and then fails.
_MOST = 50


def why_away(path: str) -> str | None:
    """Return why a folder counts as away, as the end of a sentence; None when it is there with something in it."""
    try:
        with os.scandir(path) as entries:
            if any(not entry.name.startswith(".") and entry.name != "lost+found" for entry in entries):
                return None
    except FileNotFoundError:
        return "is not there"
    except NotADirectoryError:
        return "is no folder any more"
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    return "is empty"


class Probe:
    """A look at the folders of an image, root first, in a thread of its own: a disk may never answer.

    Args:
        place: where the image is.
        local_path: turns a path in the library into the one of this host.
    """

    def __init__(self, place: ImagePlace, local_path: Callable[[str], str]) -> None:
        self._place = place
        self._local_path = local_path
        self._at = place.folders[0]
        self._found: tuple[PlaceFolder, str] | None = None
        self._begun = time.monotonic()
        self._ended = threading.Event()
        threading.Thread(target=self._run, name="dtk-probe", daemon=True).start()

    def _run(self) -> None:
        self._found = self._look()
        self._ended.set()

    def _look(self) -> tuple[PlaceFolder, str] | None:
        for folder in self._place.folders:
            self._at = folder
            why = why_away(self._local_path(folder.path))
            # A scan that has looked since knows better of a folder; of a root it cannot know, for both look the same.
            if why is not None and (folder.is_root or not self._place.unavailable):
                return folder, why
        return None

    @property
    def is_over(self) -> bool:
        """Whether the folders have answered, or took too long to."""
        return self._ended.is_set() or time.monotonic() > self._begun + _ANSWER_S

    @property
    def has_answered(self) -> bool:
        """Whether the folders have answered."""
        return self._ended.is_set()

    def wait(self) -> None:
        """Wait until it is over."""
        self._ended.wait(_ANSWER_S)

    @property
    def away(self) -> tuple[PlaceFolder, str] | None:
        """The highest folder that is away, and why; None when all are there."""
        return self._found if self._ended.is_set() else (self._at, "does not answer")


@dataclass(slots=True)
class _Waiting:
    """A folder that is waited for.

    Attributes:
        local: its path on this host, without a separator at its end.
        ids: of it and all folders below it.
        probe: the look that is under way.
    """

    folder: PlaceFolder
    local: str
    reason: str
    probe: Probe
    ids: Sequence[int] = field(default_factory=list)
    jobs: int = 0


class AwayFolders:
    """The folders that are away for this worker; any thread."""

    def __init__(self, state: PipelineState) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._waiting: dict[int, _Waiting] = {}
        self._counted_at = 0.0
        self._pause_s = _COUNT_S

    @property
    def folders(self) -> tuple[AwayFolder, ...]:
        """What is waited for."""
        with self._lock:
            return tuple(AwayFolder(one.folder.path, one.reason, one.jobs) for one in self._waiting.values())

    @property
    def ids(self) -> list[int]:
        """Ids of the folders whose images cannot be read."""
        with self._lock:
            return sorted({number for one in self._waiting.values() for number in one.ids})

    def covers(self, path: str) -> bool:
        """Say whether a file is in a folder that is away.

        Args:
            path: on this host.
        """
        with self._lock:
            places = [one.local for one in self._waiting.values()]
        return any(path.startswith(local) and path[len(local) :][:1] in ("/", "\\") for local in places)

    def probe(self, place: ImagePlace) -> Probe:
        """Look whether the folders of an image are there."""
        return Probe(place, self._state.local_path)

    def add(self, folder: PlaceFolder, reason: str, probe: Probe) -> bool:
        """Wait for a folder from now on, and say so once; False when too many are waited for.

        Args:
            probe: what found it away; one that has not answered yet is waited for.
        """
        local = self._state.local_path(folder.path).rstrip("/\\")
        one = _Waiting(folder, local, reason, probe)
        with self._lock:
            if folder.id in self._waiting:
                return True
            if len(self._waiting) >= _MOST:
                return False
        self._count(one)
        with self._lock:
            if folder.id in self._waiting:
                return True
            self._waiting[folder.id] = one
        detail = "It goes on by itself when it is back."
        if local != folder.path.rstrip("/\\"):
            detail = f"It is looked for at {local}. {detail}"
        elif not folder.path.startswith("/"):
            detail = f"Where this host sees it, [paths] map in config.toml says. {detail}"
        self._state.emit(ProblemReported(f"The folder {folder.path} {reason}: what is queued for it waits.", detail))
        return True

    def run(self) -> None:
        """Look for what is away until the pipeline stops."""
        state = self._state
        while not state.wait_stopping(_LOOK_S):
            with self._lock:
                waiting = list(self._waiting.values())
            try:
                for one in waiting:
                    self._look(one)
                if waiting and time.monotonic() > self._counted_at + self._pause_s:
                    self._count_all(waiting)
            except DatabaseLostError:
                continue
            except DtkError as error:
                state.report(error)

    def _look(self, one: _Waiting) -> None:
        """Look whether a folder is back; one look at a time."""
        if not one.probe.has_answered:
            if one.probe.is_over:
                one.reason = "does not answer"
            return
        found = one.probe.away
        if found is None:
            self._end(one)
            self._state.emit(
                ProblemReported(f"The folder {one.folder.path} is there again.", "The work on it goes on.")
            )
            return
        one.reason = found[1] if found[0].id == one.folder.id else one.reason
        one.probe = self.probe(ImagePlace("", unavailable=False, folders=(one.folder,)))

    def _count_all(self, waiting: Sequence[_Waiting]) -> None:
        begun = time.monotonic()
        for one in waiting:
            self._count(one)
            if not one.jobs:
                self._end(one)  # what was queued there is elsewhere, or gone, or a scan knows that its files are
        self._counted_at = time.monotonic()
        self._pause_s = max(_COUNT_S, _THRIFT * (self._counted_at - begun))

    def _count(self, one: _Waiting) -> None:
        kinds = tuple(self._state.handlers)

        def query(conn: Connection) -> tuple[Sequence[int], int]:
            ids = folders.subtree(conn, one.folder.id)
            return ids, missing.count_waiting(conn, kinds, ids, gone=one.folder.is_root)

        one.ids, one.jobs = self._state.transaction(query)

    def _end(self, one: _Waiting) -> None:
        with self._lock:
            self._waiting.pop(one.folder.id, None)
        self._state.wake()
