"""The log: every job that ended, followed while workers work."""

from __future__ import annotations

from time import monotonic
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from dtk_tui.domain.job import Kind
from dtk_tui.domain.queue import LogEntry
from dtk_tui.domain.stats import Stats
from dtk_tui.errors import DtkError
from dtk_tui.text import duration
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.commands.registry import bindings
from dtk_tui.ui.context import AppContext
from dtk_tui.ui.dialogs import ErrorDialog
from dtk_tui.ui.messages import PictureOpened
from dtk_tui.ui.screens.base import StatusScreen
from dtk_tui.ui.widgets.key_footer import KeyFooter
from dtk_tui.ui.widgets.status import Line
from dtk_tui.ui.widgets.tables.cursor_list import CursorList
from dtk_tui.ui.widgets.tables.image_table import MarkedImages
from dtk_tui.ui.widgets.tables.log_table import LogTable
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable

_OUTCOMES: tuple[tuple[str, str | None], ...] = (
    ("All", None), ("Done", "done"), ("Failed", "failed"), ("Removed", "removed"),
)  # fmt: skip
_KINDS: tuple[Kind | None, ...] = (None, *Kind)
#: The list follows the workers at most this often, and rests ten times as long as a look took.
_FOLLOW_S, _THRIFT = 1.0, 10


class LogScreen(StatusScreen[None]):
    """Lists what ended, the newest first."""

    BINDING_GROUP_TITLE = "Log"
    AUTO_FOCUS = "#log"
    COMMAND_GROUPS = ("log",)
    BINDINGS: ClassVar[list[BindingType]] = bindings("log")

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self._outcome = self._kind = 0
        self._follows = True
        self._ended: tuple[int, int, int] | None = None
        self._next_look = 0.0

    def body(self) -> ComposeResult:
        """The title with the filters, and the table."""
        yield Line(id="log-title", classes="pane-title")
        yield Line(id="log-heads", classes="heads")
        yield LogTable(self.library.log_rows, id="log")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Load what ended."""
        self._load(keep=False)

    @property
    def table(self) -> LogTable:
        """The table."""
        return self.query_one(LogTable)

    @task("ids")
    async def _load(self, *, keep: bool) -> None:
        begun = monotonic()
        ids = await in_thread(self.library.log, _OUTCOMES[self._outcome][1], _KINDS[self._kind])
        self.table.set_ids(ids, keep=keep)
        is_all = not (self._outcome or self._kind)
        words = "No work has ended yet." if is_all else "Nothing of this kind has ended yet."
        start = f" What is queued is worked on when the workers run: {self.key('app.start')} starts them."
        others = f" {self.key('log.filter')} and {self.key('log.kind')} show other ones."
        self.table.say_empty(words + (start if is_all else others))
        self._next_look = monotonic() + max(_FOLLOW_S, _THRIFT * (monotonic() - begun))
        self._draw_title()

    def _draw_title(self) -> None:
        parts = [
            Content.styled(name, "bold $accent" if number == self._outcome else "$muted")
            for number, (name, _) in enumerate(_OUTCOMES)
        ]
        kind = _KINDS[self._kind]
        shown = f"      {self.table.count:,} {'jobs' if kind is None else kind.label}"
        follows = ("   follows", "$success") if self._follows else ("   stands still", "$muted")
        self.query_one("#log-title", Line).show(Content.assemble(Content("   ").join(parts), (shown, "bold"), follows))

    @on(VirtualTable.ColumnsPlaced)
    def _columns_placed(self, event: VirtualTable.ColumnsPlaced) -> None:
        self.query_one("#log-heads", Line).show(Content(event.titles))

    @on(CursorList.Chosen)
    def _chosen(self) -> None:
        row = self.table.current_row
        if row is not None:
            self.app.push_screen(
                ErrorDialog(DtkError(row.path or f"The image {row.image_id}, which is gone", self.in_keys(_facts(row))))
            )

    # -- commands -----------------------------------------------------------------------------------------------------

    def show_outcome(self, step: int) -> None:
        """Show only what ended in one way."""
        self._outcome = (self._outcome + step) % len(_OUTCOMES)
        self._load(keep=False)

    def show_kind(self) -> None:
        """Show only one kind of work."""
        self._kind = (self._kind + 1) % len(_KINDS)
        self._load(keep=False)

    def toggle_follow(self) -> None:
        """Show what ends as it ends, or let the list stand still."""
        self._follows = not self._follows
        if self._follows:
            self._load(keep=False)
        self._draw_title()

    def load_again(self) -> None:
        """Fetch the list again."""
        self._load(keep=True)

    def open_picture(self) -> None:
        """Show the picture of the entry under the cursor."""
        row = self.table.current_row
        if row is None or row.path is None:
            self.context.notify("There is no picture here." if row is None else "This image is gone.")
        else:
            images = MarkedImages([row.image_id], row.image_id)
            self.app.post_message(PictureOpened(images, self.picture_closed))

    def go_back(self) -> None:
        """Unmark, or go back."""
        if not self.table.clear_selection():
            self.dismiss(None)

    # -- news ---------------------------------------------------------------------------------------------------------

    def show_stats(self, stats: Stats) -> None:
        """Take over fresh numbers; the list follows while its cursor is on the newest entry."""
        super().show_stats(stats)
        queue = stats.queue
        ended = (stats.processed, queue.failed, queue.pending + queue.running)
        is_new, known = ended != self._ended, self._ended is not None
        is_at_top = not self.table.cursor and not self.table.selected_count
        if is_new and known and self._follows and is_at_top and monotonic() >= self._next_look:
            self._load(keep=False)
        if not known or monotonic() >= self._next_look or not (self._follows and is_at_top):
            self._ended = ended

    def recover(self) -> None:
        """Load again after the database came back."""
        self._load(keep=True)


def _facts(row: LogEntry) -> str:
    parts = [
        f"{row.kind.label}: {row.outcome} {row.finished_at.astimezone():%Y-%m-%d %H:%M:%S}",
        f"Queued {row.queued_at.astimezone():%Y-%m-%d %H:%M:%S}, priority {row.priority}, tries {row.attempts}",
    ]
    if row.started_at is not None:
        parts.append(f"Begun {row.started_at.astimezone():%Y-%m-%d %H:%M:%S}, took {duration(row.seconds)}")
    if row.host or row.model:
        parts.append(f"By {row.host or 'a worker'}, {row.model or 'no model'}")
    return "\n".join([*parts, *(["", row.error] if row.error else [])])
