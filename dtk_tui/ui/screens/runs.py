"""What was tagged and captioned in one action: how far it is, and the summaries of former runs."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from dtk_tui.domain.runs import Run
from dtk_tui.domain.stats import Stats
from dtk_tui.services import runs
from dtk_tui.text import counted, one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.commands.registry import bindings
from dtk_tui.ui.context import AppContext
from dtk_tui.ui.format import line
from dtk_tui.ui.screens.base import StatusScreen
from dtk_tui.ui.widgets.key_footer import KeyFooter
from dtk_tui.ui.widgets.run_text import run_text
from dtk_tui.ui.widgets.status import Line
from dtk_tui.ui.widgets.tables.cursor_list import Cell, CursorList, fit

#: A run is looked at this often at most, and rests twenty times as long as a look took.
_FOLLOW_S, _THRIFT = 1.0, 20


class RunList(CursorList):
    """Runs, the newest first."""

    BINDING_GROUP_TITLE = "Runs"
    ABOUT: ClassVar[str] = "Each run of tagging and captioning, the newest first, with how far it is."
    HELP: ClassVar[str] = "\u25b8 something of it waits or runs"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._runs: Sequence[Run] = ()

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._runs)

    @property
    def current(self) -> Run | None:
        """The one under the cursor."""
        return self._runs[self.cursor] if self._runs else None

    def show(self, found: Sequence[Run]) -> None:
        """Show runs; the cursor stays on its own."""
        if found == self._runs:
            return
        current = self.current
        self._runs = found
        places = [place for place, one in enumerate(found) if current is not None and one.id == current.id]
        self.count_changed(places[0] if places else 0)

    def cells(self, row: int, width: int) -> list[Cell]:
        """Draw one: whether it is under way, when it was queued, what for."""
        one = self._runs[row]
        sign = ("\u25b8 ", "list--good") if one.is_open else ("  ", "")
        when = f"{one.queued_at.astimezone():%Y-%m-%d %H:%M}  "
        return [sign, (when, "list--dim"), (fit(one_line(one.title, 300), max(0, width - len(when) - 2)), "")]


class RunsScreen(StatusScreen[None]):
    """Follows one run; the others are a key away."""

    BINDING_GROUP_TITLE = "Tag & caption"
    AUTO_FOCUS = "#runs"
    COMMAND_GROUPS = ("runs",)
    BINDINGS: ClassVar[list[BindingType]] = bindings("runs")

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self._next_look = 0.0

    def body(self) -> ComposeResult:
        """The run under the cursor, and all runs."""
        yield Line(id="run-title", classes="pane-title")
        with VerticalScroll(id="run-sheet"):
            yield Static("", markup=False, id="run-text")
        yield Line(id="runs-title", classes="pane-title")
        yield RunList(id="runs")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Look."""
        self._look()

    @property
    def table(self) -> RunList:
        """The list."""
        return self.query_one(RunList)

    @on(CursorList.Moved)
    def _moved(self) -> None:
        run = self.table.current
        words = "Tag & caption" if run is None else run.title
        self.query_one("#run-title", Line).show(line(words, limit=300))
        self._look()

    @task("look")
    async def _look(self) -> None:
        begun = monotonic()
        db = self.library.db
        found = await in_thread(runs.recent, db)
        self.table.show(found)
        self.query_one("#runs-title", Line).show(Content(counted(len(found), "run")))
        run = self.table.current
        report = await in_thread(runs.report, db, run.id) if run is not None else None
        text = self.query_one("#run-text", Static)
        if report is None:
            words = f" Nothing was tagged and captioned in one action yet: {self.key('work.tag_caption')} does it."
            text.update(Content.styled(words, "$muted"))
        else:
            in_sequence = self.context.config.settings.captions.with_tags == "sequence"
            text.update(run_text(report, self.context.stats.current, in_sequence=in_sequence))
        now = monotonic()
        self._next_look = now + max(_FOLLOW_S, _THRIFT * (now - begun))

    def load_again(self) -> None:
        """Look again."""
        self._look()

    def go_back(self) -> None:
        """Go back."""
        self.dismiss(None)

    def show_stats(self, stats: Stats) -> None:
        """Take over fresh numbers, and look how far the run is."""
        super().show_stats(stats)
        if monotonic() >= self._next_look:
            self._look()

    def recover(self) -> None:
        """Look again after the database came back."""
        self._look()
