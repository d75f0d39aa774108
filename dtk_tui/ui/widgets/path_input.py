"""Paths as people type them: completed while typing, and what a pasted one means."""

from __future__ import annotations

import os
from pathlib import Path

from textual.suggester import Suggester

from dtk_tui.text import one_line
from dtk_tui.ui.background import in_thread


def typed_path(text: str) -> str:
    """Return the path that somebody means: one that was pasted behind the folder that stood there counts alone."""
    for sign in ("//", "/~"):
        at = text.rfind(sign)
        if at > 0 and not os.path.lexists(text):
            text = text[at + 1 :]
    return os.path.expanduser(text)  # noqa: PTH111 (names may be any bytes)


def typable_path(path: str | None) -> str:
    """Return a path to begin with in an input line: one that a terminal would act on is not shown there."""
    return path if path and one_line(path, 4000) == path else str(Path.home()) + "/"


class FolderSuggester(Suggester):
    """Completes the names of folders, and of files with certain endings."""

    def __init__(self, endings: tuple[str, ...] = ()) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._endings = endings

    async def get_suggestion(self, value: str) -> str | None:
        """Return the first folder or file that begins with what was typed."""
        return await in_thread(self._complete, value)

    def _complete(self, value: str) -> str | None:
        meant = typed_path(value)
        start, typed = os.path.split(meant)
        try:
            with os.scandir(start or ".") as entries:
                found = [e for e in entries if e.name.startswith(typed) and (typed or not e.name.startswith("."))]
            names = sorted(
                e.name + "/" if e.is_dir() else e.name
                for e in found
                if e.is_dir() or e.name.endswith(self._endings or "/")
            )
        except OSError:
            return None
        if not names or one_line(names[0]) != names[0]:
            return None
        return value + names[0].removeprefix(typed)  # what was typed must stay as it is
