"""The error that a cancelled import ends with."""

from __future__ import annotations

from dtk_tui.errors import DtkError


class StoppedError(DtkError):
    """A person stopped the import; the library is as it was."""

    def __init__(self) -> None:
        super().__init__("The migration was stopped.", "The library is as it was. --resume goes on with what was read.")
