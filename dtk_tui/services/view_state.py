"""What a person chose of how the app looks, kept in a small file from one start to the next."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

from dtk_tui.atomic_file import write_whole

_log = logging.getLogger(__name__)
_MOST_BYTES = 1 << 16


class ViewState:
    """Names with a value each, as JSON has it; a file that is missing, damaged or too large counts as empty.

    Several windows may share the file: each keeps what the others chose of other names.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._values = self._read()

    def number(self, name: str, default: int = 0) -> int:
        """Return the number that was kept under a name."""
        value = self._values.get(name)
        return value if isinstance(value, int) and abs(value) < 1 << 31 else default

    def value(self, name: str) -> object:
        """Return whatever was kept under a name; None: nothing."""
        return self._values.get(name)

    def keep(self, **values: object) -> None:
        """Keep values under their names; call it in a thread. Where nothing can be written they are for this run."""
        with self._lock:
            self._values = self._read() | values
            try:
                self._write()
            except OSError as error:
                _log.warning("what the app looks like is not kept: %s", error)

    def _read(self) -> dict[str, object]:
        if not self._file.is_file():  # a pipe would keep whoever reads it for ever
            return {}
        try:
            with self._file.open("rb") as file:
                found = json.loads(file.read(_MOST_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._file, json.dumps(self._values, indent=1).encode())
