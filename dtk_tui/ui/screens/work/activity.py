"""Who works, how far each kind of work is, and how fast it went."""

from __future__ import annotations

from time import monotonic
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from dtk_tui.domain.queue import WorkDone
from dtk_tui.domain.stats import Stats
from dtk_tui.services.stats import pace_of
from dtk_tui.services.work_done import work_done
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.commands.registry import bindings
from dtk_tui.ui.context import AppContext
from dtk_tui.ui.screens.base import StatusScreen
from dtk_tui.ui.widgets.activity_text import activity_text
from dtk_tui.ui.widgets.key_footer import KeyFooter
from dtk_tui.ui.widgets.status import Line

#: The log is looked at this often at most, and rests fifty times as long as a look took.
_LOOK_S, _THRIFT = 5.0, 50


class ActivitySheet(VerticalScroll):
    """The text, which scrolls."""

    BINDING_GROUP_TITLE = "Activity"
    ABOUT: ClassVar[str] = (
        "Workers of all hosts with their devices, a bar for each kind of work, speed and load, now and day by day."
    )


class ActivityScreen(StatusScreen[None]):
    """Shows workers with their hosts and devices, a bar for each kind of work, speed and load over time, and days."""

    BINDING_GROUP_TITLE = "Activity"
    AUTO_FOCUS = "#activity-sheet"
    COMMAND_GROUPS = ("activity",)
    BINDINGS: ClassVar[list[BindingType]] = bindings("activity")

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self._done: WorkDone | None = None
        self._next_look = 0.0

    def body(self) -> ComposeResult:
        """A title, and the text."""
        yield Line(id="activity-title", classes="pane-title")
        with ActivitySheet(id="activity-sheet"):
            yield Static("", markup=False, id="activity-text")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Look at the log."""
        self.query_one("#activity-title", Line).show(Content("Activity"))
        self._look()

    @task("look")
    async def _look(self) -> None:
        begun = monotonic()
        self._next_look = begun + _LOOK_S
        self._done = await in_thread(work_done, self.library.db)
        self._next_look = monotonic() + max(_LOOK_S, _THRIFT * (monotonic() - begun))
        self._draw()

    def _draw(self) -> None:
        stats = self.context.stats.current
        if self._done is not None and stats is not None:
            pace, loads = pace_of(stats.workers), list(self.context.stats.gpu_loads)
            shown = self.query_one("#activity-text", Static)
            width = shown.size.width or self.size.width
            shown.update(activity_text(self._done, stats, pace, loads, self.key("app.start"), width))

    def on_resize(self, event: events.Resize) -> None:
        """Draw the graphs as wide as there is room."""
        self.call_after_refresh(self._draw)

    def load_again(self) -> None:
        """Look again."""
        self._look()

    def go_back(self) -> None:
        """Go back."""
        self.dismiss(None)

    def show_stats(self, stats: Stats) -> None:
        """Take over fresh numbers, and look at the log again from time to time."""
        super().show_stats(stats)
        self._draw()
        if self._done is not None and monotonic() >= self._next_look:
            self._look()

    def recover(self) -> None:
        """Look again after the database came back."""
        self._look()
