"""When the screen looks at the library again, because any process changed it."""

from __future__ import annotations

from time import monotonic

from dtk_tui.domain.stats import LibraryMarks

#: A look rests so many times as long as it took: a change of a million images must not become a second job.
_THRIFT = 10
#: PostgreSQL counts what others do to images a moment after it is there to be read.
_SETTLES_S = 3.0


class CostlyLook:
    """When something that costs is asked again: once at a time, and with a rest, which what a person did ends."""

    def __init__(self) -> None:
        self._is_due = self._is_asked = False
        self._begun: float | None = None
        self._not_before = 0.0

    def ask(self, *, now: bool) -> None:
        """It is to be asked again; ``now`` without a rest."""
        self._is_due = True
        self._is_asked = self._is_asked or now

    def begin(self) -> bool:
        """Say whether it is time for it; then it has begun."""
        now = monotonic()
        if not self._is_due or self._begun is not None or not (self._is_asked or now >= self._not_before):
            return False
        self._is_due = self._is_asked = False
        self._begun = now
        return True

    def end(self, *, failed: bool) -> None:
        """Rest in proportion; what failed is due again, as soon as there are news."""
        now = monotonic()
        if self._begun is not None and not failed:
            self._not_before = now + _THRIFT * (now - self._begun)
        self._begun = None
        self._is_due = self._is_due or failed


class RefreshPolicy:
    """Compares the marks of the library with those that are on the screen.

    ``begin`` says what to look at again; ``end`` tells that it was looked at, or that this failed.
    """

    def __init__(self) -> None:
        self._marks: LibraryMarks | None = None
        self._before: LibraryMarks | None = None
        self._begun: float | None = None
        self._not_before = 0.0
        self._settled_at = 0.0

    def begin(self, marks: LibraryMarks) -> bool | None:
        """Return whether folders changed since the last look; None when nothing did, or when it is too soon to look."""
        now = monotonic()
        old = self._marks
        if marks != old:
            self._settled_at = now + _SETTLES_S
        elif now >= self._settled_at:
            return None
        if self._begun is not None or now < self._not_before:
            return None
        self._begun, self._before, self._marks = now, old, marks
        return old is None or old.folders != marks.folders

    def end(self, *, failed: bool) -> None:
        """Rest in proportion; what failed is looked at again."""
        now = monotonic()
        if self._begun is not None:
            self._not_before = now + _THRIFT * (now - self._begun)
        self._begun = None
        if failed:
            self._marks = self._before
