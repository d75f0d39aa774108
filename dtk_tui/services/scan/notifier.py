"""Notifications of the system about changes in folders, through watchfiles."""

from __future__ import annotations

import threading
from typing import Literal, Protocol

from watchfiles import Change
from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

#: Kind of change and path.
Changes = set[tuple[int, str]]
DELETED = Change.deleted
NotifierError = WatchfilesRustInternalError


class Notifier(Protocol):
    """The part of watchfiles' RustNotify that is used."""

    def watch(
        self, debounce_ms: int, step_ms: int, timeout_ms: int, stop_event: threading.Event | None
    ) -> Changes | Literal["signal", "stop", "timeout"]:
        """Wait for changes."""
        ...

    def close(self) -> None:
        """End watching."""
        ...


def open_notifier(paths: list[str]) -> Notifier:
    """Watch folders with all below them.

    Raises:
        OSError: the limit of inotify is reached, a folder is not there or may not be read.
        UnicodeEncodeError: a name is not UTF-8.
    """
    return RustNotify(paths, False, False, 0, True, False)


def failure_text(error: Exception, poll_s: float) -> tuple[str, str]:
    """Return title and detail for a person of why there is no notifier; folders are polled every ``poll_s`` then."""
    instead = f"The times of the folders are looked at every {poll_s:.0f} s instead."
    if "limit reached" in str(error) or getattr(error, "errno", None) == 28:
        return (
            "The system's limit of watched folders is reached.",
            f"{instead} To raise it: sudo sysctl fs.inotify.max_user_watches=1048576",
        )
    return "The system cannot send news of all folders.", f"{error}. {instead}"
