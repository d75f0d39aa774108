"""What all full screens share."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.screen import Screen

from dtk_tui.domain.stats import Stats

if TYPE_CHECKING:
    from dtk_tui.services.library.browse import LibraryBrowser
    from dtk_tui.ui.app import DtkApp


class DtkScreen(Screen[None]):
    """A full screen of this app."""

    @property
    def dtk(self) -> DtkApp:
        """The app."""
        return cast("DtkApp", self.app)

    @property
    def library(self) -> LibraryBrowser:
        """The library that is open."""
        return self.dtk.library

    def show_stats(self, stats: Stats) -> None:
        """Take over fresh numbers."""

    def show_lost(self, words: str) -> None:
        """Say that the database does not answer."""

    def recover(self) -> None:
        """Load again after the database came back."""
