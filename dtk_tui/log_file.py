"""The program's own log: one JSON object a line, in files that replace each other, which only their owner may read."""

from __future__ import annotations

import io
import json
import logging
import os
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

_MOST_BYTES = 5_000_000
#: ``dtk.log.1`` is the newest of the older ones.
_OLDER = 3


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line, with the traceback where there is one."""
        told = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "name": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told)


class _OwnFile(RotatingFileHandler):
    def _open(self) -> io.TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the name of logging)
        """Lose a line that cannot be written, on a full disk: a traceback would go to the screen of the app."""


def log_handler(file: Path, most_bytes: int = _MOST_BYTES) -> logging.Handler:
    """Return a handler that writes records to a file in a folder that is there.

    Args:
        most_bytes: a file that would become larger is renamed, and the oldest of four removed.
    """
    handler = _OwnFile(file, maxBytes=most_bytes, backupCount=_OLDER)
    handler.setFormatter(_Lines())
    return handler


def log_files(file: Path) -> list[Path]:
    """Return the files of a log that are there, the newest first."""
    return [path for path in (file, *(Path(f"{file}.{n}") for n in range(1, _OLDER + 1))) if path.is_file()]
