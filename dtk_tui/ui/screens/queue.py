"""The queue: jobs that run, wait or failed."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from dtk_tui.domain.job import JobState, Kind
from dtk_tui.domain.queue import FailureReason
from dtk_tui.domain.stats import QueueCounts, Stats
from dtk_tui.errors import DtkError
from dtk_tui.text import counted, one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.commands.registry import bindings
from dtk_tui.ui.context import AppContext
from dtk_tui.ui.dialogs import Confirm, ErrorDialog
from dtk_tui.ui.messages import FailuresOpened, PictureOpened
from dtk_tui.ui.screens.base import StatusScreen
from dtk_tui.ui.widgets.key_footer import KeyFooter
from dtk_tui.ui.widgets.status import Line
from dtk_tui.ui.widgets.tables.cursor_list import CursorList
from dtk_tui.ui.widgets.tables.image_table import MarkedImages
from dtk_tui.ui.widgets.tables.job_table import JobTable, state_word
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable

_KINDS: tuple[Kind | None, ...] = (None, *Kind)
_FILTERS: tuple[tuple[str, JobState | None], ...] = (
    ("All", None),
    ("Waiting", JobState.PENDING),
    ("Running", JobState.RUNNING),
    ("Failed", JobState.FAILED),
)
#: While nothing is marked, the list follows the queue at most this often, and rests ten times as long as a look took.
_FOLLOW_S = 2.0


class QueueScreen(StatusScreen[None]):
    """Shows and changes the queue."""

    BINDING_GROUP_TITLE = "Queue"
    AUTO_FOCUS = "#jobs"
    COMMAND_GROUPS = ("queue",)
    BINDINGS: ClassVar[list[BindingType]] = bindings("queue")

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self._filter = self._kind = 0
        self._reason: FailureReason | None = None
        self._counts: QueueCounts | None = None
        self._next_load = 0.0
        self._is_behind = False  # the queue has moved since the list was loaded

    def body(self) -> ComposeResult:
        """The title with the filters, and the table."""
        yield Line(id="jobs-title", classes="pane-title")
        yield Line(id="jobs-heads", classes="heads")
        yield JobTable(self.library.job_rows, id="jobs")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Load all jobs."""
        self._load(keep=False)

    @property
    def table(self) -> JobTable:
        """The table."""
        return self.query_one(JobTable)

    @task("ids")
    async def _load(self, *, keep: bool) -> None:
        started, self._is_behind = monotonic(), False
        if self._reason is not None:
            ids = await in_thread(self.library.jobs_of_reason, self._reason)
        else:
            ids = await in_thread(self.library.jobs, _FILTERS[self._filter][1], _KINDS[self._kind])
        self.table.set_ids(ids, keep=keep)
        self.table.say_empty(self._empty_words())
        self._next_load = monotonic() + max(_FOLLOW_S, 10 * (monotonic() - started))
        self._draw_title()

    def _empty_words(self) -> str:
        """Return what fills the list in the present filter."""
        if _FILTERS[self._filter][1] is JobState.FAILED:
            return "No job has failed."
        if _FILTERS[self._filter][1] is JobState.RUNNING:
            return f"No job is running. {self.key('app.start')} starts the workers, where jobs are waiting."
        kinds = ("queue", "tag", "caption", "tag_caption")
        one, deep = ([self.key(f"work.{kind}{end}") for kind in kinds] for end in ("", "_deep"))
        return (
            f"No job is waiting. In the list of images {one[0]} queues what is chosen for embedding, {one[1]} for "
            f"tags, {one[2]} for a caption, {one[3]} for both; in the tree of folders these keys take a folder, "
            f"and {' '.join(deep)} those below it, too. {self.key('app.start')} starts the workers."
        )

    @on(VirtualTable.SelectionChanged)
    def _draw_title(self) -> None:
        parts: list[Content] = []
        for number, (name, state) in enumerate(_FILTERS):
            count = self._count(state)
            words = name if count is None else f"{name} {count:,}"
            parts.append(Content.styled(words, "bold $accent" if number == self._filter else "$muted"))
        title = Content("   ").join(parts)
        if (kind := _KINDS[self._kind]) is not None:
            title = Content.assemble(title, (f"      only {kind.label}", "$accent"))
        if self._reason is not None:
            reason = self._reason
            words = f"Failed {reason.jobs:,}, {reason.kind.label}: {one_line(reason.reason, 200)}"
            title = Content.assemble(("All   ", "$muted"), (words, "bold $accent"))
        if self.table.selected_count:
            title = Content.assemble(title, (f"      {self.table.selected_count:,} selected", "$accent"))
        self.query_one("#jobs-title", Line).show(title)

    def _count(self, state: JobState | None) -> int | None:
        queue = self._counts
        if queue is None:
            return None
        by_state = {JobState.PENDING: queue.pending, JobState.RUNNING: queue.running, JobState.FAILED: queue.failed}
        return sum(by_state.values()) if state is None else by_state[state]

    @on(VirtualTable.ColumnsPlaced)
    def _columns_placed(self, event: VirtualTable.ColumnsPlaced) -> None:
        self.query_one("#jobs-heads", Line).show(Content(event.titles))

    @on(CursorList.Chosen)
    def _chosen(self) -> None:
        row = self.table.current_row
        if row is not None:
            self.app.push_screen(
                ErrorDialog(DtkError(row.path, self.in_keys(row.error or f"{row.kind.label}: {state_word(row.state)}")))
            )

    def show_filter(self, step: int) -> None:
        """Show only jobs in one state."""
        self._filter = 0 if self._reason is not None else (self._filter + step) % len(_FILTERS)
        self._reason = None
        self._draw_title()
        self._load(keep=False)

    def show_kind(self) -> None:
        """Show only jobs of one kind."""
        self._kind, self._reason = (self._kind + 1) % len(_KINDS), None
        self._draw_title()
        self._load(keep=False)

    def show_reasons(self) -> None:
        """Show failures by their reasons, and list the jobs of the one that is chosen."""
        self.app.post_message(FailuresOpened(self._reason_chosen))

    def _reason_chosen(self, reason: FailureReason | None) -> None:
        if reason is not None:
            self._reason, self._kind = reason, 0
        self._load(keep=False)

    def open_picture(self) -> None:
        """Show the picture of the job under the cursor."""
        row = self.table.current_row
        if row is None:
            self.context.notify("There is no job here.")
        else:
            self.app.post_message(PictureOpened(MarkedImages([row.image_id], row.image_id), self.picture_closed))

    def load_again(self) -> None:
        """Fetch the list again."""
        self._load(keep=True)

    def go_back(self) -> None:
        """Unmark, or show all jobs again, or go back."""
        if self.table.clear_selection():
            return
        if self._reason is not None:
            self.show_filter(0)
        else:
            self.dismiss(None)

    def prioritize(self) -> None:
        """Do the chosen jobs first."""
        ids = self.table.chosen_ids()
        none = "Nothing to move: what is chosen has ended."
        self._change(lambda: self.library.prioritize(ids), "job moved to the front", "jobs moved to the front", none)

    def retry(self) -> None:
        """Let the chosen failed jobs wait again."""
        ids = self.table.chosen_ids()
        none = "Nothing to try again: what is chosen has not failed."
        self._change(lambda: self.library.retry(ids), "job waits again", "jobs wait again", none)

    def retry_all(self) -> None:
        """Let all failed jobs wait again."""
        none = "Nothing to try again: no job has failed."
        self._change(lambda: self.library.retry(None), "job waits again", "jobs wait again", none)

    def remove_jobs(self) -> None:
        """Take the chosen jobs out of the queue, after a question."""
        ids = self.table.chosen_ids()
        if not ids:
            self.context.notify("There is no job here.")
            return
        count = counted(len(ids), "job")
        text = "Jobs that run now are not touched. The images stay as they are and can be queued again."

        def answered(yes: bool | None) -> None:
            if yes:
                none = "Nothing to remove: what is chosen runs now, or has ended."
                self._change(lambda: self.library.remove(ids), "job removed", "jobs removed", none)

        self.app.push_screen(Confirm(f"Remove {count} from the queue?", text, f"Remove {count}"), answered)

    @task("change", exclusive=False, asked=True)
    async def _change(self, change: Callable[[], int], one: str, many: str, none: str) -> None:
        number = await in_thread(change)
        self.context.notify(counted(number, one, many) if number else none)
        self.context.stats.poll_now()
        self._load(keep=True)

    def show_stats(self, stats: Stats) -> None:
        """Take over fresh numbers; the list follows while nothing is marked."""
        super().show_stats(stats)
        is_new, is_first = stats.queue != self._counts, self._counts is None
        self._counts = stats.queue
        self._is_behind = (self._is_behind or is_new) and not is_first
        if self._is_behind and monotonic() > self._next_load and not self.table.selected_count:
            self._load(keep=True)
        elif is_new:
            self.table.renew()
        if is_new:
            self._draw_title()

    def recover(self) -> None:
        """Load again after the database came back."""
        self._load(keep=True)
