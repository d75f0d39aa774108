"""The one error path: every failure that a person may see is a DtkError."""

from __future__ import annotations

import errno


class DtkError(Exception):
    """A failure worded for a person: what went wrong, and what to do about it.

    Args:
        title: one sentence, what went wrong.
        detail: what to do about it, or the reason as far as it is known; may be empty.
    """

    def __init__(self, title: str, detail: str = "") -> None:
        super().__init__(f"{title} {detail}".strip())
        self.title = title
        self.detail = detail


def os_reason(error: OSError) -> str:
    """Return why the system refused something, as sentences; of a full disk they say what to do."""
    reason = f"{error.strerror or error}."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{reason} Make room there, or choose a place on another disk; what was there before is unchanged."
    return reason


class DatabaseLostError(DtkError):
    """The connection to PostgreSQL is gone or cannot be made; trying again later may succeed."""


class ServerAwayError(DatabaseLostError):
    """The database server does not answer."""


class UsageError(DtkError):
    """The command line or the query is not understood; exit status 2."""


class UnreadableFileError(DtkError):
    """A file cannot be read or decoded; trying again will not help."""


class MissingFileError(UnreadableFileError):
    """A file is not where it was: it is gone, it has moved, or its disk is away."""


class ChangedFileError(UnreadableFileError):
    """A file is not the one that a scan has read: another was put in its place."""


class ModelError(DtkError):
    """A model is missing, damaged or cannot run on this machine."""


class NotSetUpError(ModelError):
    """The config names no model for something that not everybody wants."""
