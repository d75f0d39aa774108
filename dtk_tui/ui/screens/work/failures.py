"""Failed jobs, grouped by why they failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from dtk_tui.domain.queue import FailureReason
from dtk_tui.domain.stats import Stats
from dtk_tui.text import counted, one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.commands.registry import bindings
from dtk_tui.ui.context import AppContext
from dtk_tui.ui.dialogs import Confirm
from dtk_tui.ui.messages import PictureOpened
from dtk_tui.ui.screens.base import StatusScreen
from dtk_tui.ui.widgets.key_footer import KeyFooter
from dtk_tui.ui.widgets.status import Line
from dtk_tui.ui.widgets.tables.cursor_list import Cell, CursorList, fit
from dtk_tui.ui.widgets.tables.image_table import MarkedImages

#: The list follows the queue at most this often, and rests ten times as long as a look took.
_FOLLOW_S, _THRIFT = 1.0, 10
_NO_REASON = "(no reason was given)"


class ReasonList(CursorList):
    """Reasons, the most frequent first."""

    BINDING_GROUP_TITLE = "Failures"
    ABOUT: ClassVar[str] = "What failed, a line for each reason, the most frequent first."
    HELP: ClassVar[str] = "Failures that differ in the file they name, or in a long number, are one line."

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._reasons: Sequence[FailureReason] = ()

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._reasons)

    @property
    def current(self) -> FailureReason | None:
        """The one under the cursor."""
        return self._reasons[self.cursor] if self._reasons else None

    def show(self, found: Sequence[FailureReason]) -> None:
        """Show reasons; the cursor stays on its own, or where that was."""
        if found == self._reasons:
            return
        keys = [(one.kind, one.reason) for one in found]
        current, place = self.current, min(self.cursor, max(0, len(found) - 1))
        if current is not None and (current.kind, current.reason) in keys:
            place = keys.index((current.kind, current.reason))
        self._reasons = found
        self.count_changed(place)

    def cells(self, row: int, width: int) -> list[Cell]:
        """Draw one: how many, which kind, why."""
        one = self._reasons[row]
        head = f"{one.jobs:>9,}  "
        kind = f"{one.kind.label:<8} "
        words = one_line(one.reason, 500) or _NO_REASON
        return [(head, "list--accent"), (kind, ""), (fit(words, max(0, width - len(head) - len(kind))), "list--bad")]


class FailuresScreen(StatusScreen[FailureReason]):
    """Lists why jobs failed; its result is the reason whose jobs shall be listed."""

    BINDING_GROUP_TITLE = "Failures"
    AUTO_FOCUS = "#reasons"
    COMMAND_GROUPS = ("failures",)
    BINDINGS: ClassVar[list[BindingType]] = bindings("failures")

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self._failed: int | None = None
        self._told: int | None = None
        self._next_look = 0.0

    def body(self) -> ComposeResult:
        """The title, and the list."""
        yield Line(id="reasons-title", classes="pane-title")
        yield ReasonList(id="reasons")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Load the reasons."""
        self._load()

    @property
    def table(self) -> ReasonList:
        """The list."""
        return self.query_one(ReasonList)

    @task("reasons")
    async def _load(self) -> None:
        begun = monotonic()
        self._failed, self._next_look = self._told, begun + _FOLLOW_S
        found = await in_thread(self.library.failure_reasons)
        self._next_look = monotonic() + max(_FOLLOW_S, _THRIFT * (monotonic() - begun))
        self.table.show(found)
        self.table.say_empty(
            "No job has failed. What cannot be done stays in the queue with its reason, and is told here."
        )
        jobs = counted(sum(one.jobs for one in found), "failed job")
        words = f"  {jobs}, {counted(len(found), 'reason')}"
        self.query_one("#reasons-title", Line).show(Content.assemble(("Failures", "bold"), (words, "$muted")))

    @on(CursorList.Chosen)
    def _chosen(self) -> None:
        self.dismiss(self.table.current)

    def _of_current(self) -> FailureReason | None:
        reason = self.table.current
        if reason is None:
            self.context.notify("No job has failed.")
        return reason

    def retry(self) -> None:
        """Let the jobs that failed for the reason under the cursor wait again."""
        if (reason := self._of_current()) is not None:
            self._change(reason, self.library.retry, "job waits again", "jobs wait again")

    def remove_jobs(self) -> None:
        """Take the jobs that failed for the reason under the cursor out of the queue, after a question."""
        if (reason := self._of_current()) is None:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._change(reason, self.library.remove, "job removed", "jobs removed")

        count = counted(reason.jobs, "failed job")
        text = f"{one_line(reason.reason, 500) or _NO_REASON}\n\nThe images stay as they are and can be queued again."
        self.app.push_screen(Confirm(f"Remove {count} from the queue?", text, f"Remove {count}"), answered)

    @task("change", exclusive=False, asked=True)
    async def _change(self, reason: FailureReason, change: Callable[[Sequence[int]], int], one: str, many: str) -> None:
        def work() -> int:
            return change(self.library.jobs_of_reason(reason).tolist())

        number = await in_thread(work)
        self.context.notify(
            counted(number, one, many) if number else "Nothing to change: these jobs wait again, or are done."
        )
        self.context.stats.poll_now()
        self._load()

    def open_picture(self) -> None:
        """Show one of the pictures that failed for the reason under the cursor."""
        if (reason := self._of_current()) is not None:
            images = MarkedImages([reason.image_id], reason.image_id)
            self.app.post_message(PictureOpened(images, self.picture_closed))

    def load_again(self) -> None:
        """Fetch the list again."""
        self._load()

    def go_back(self) -> None:
        """Go back."""
        self.dismiss(None)

    def show_stats(self, stats: Stats) -> None:
        """Take over fresh numbers; the list follows them."""
        super().show_stats(stats)
        self._told = stats.queue.failed
        if self._told != self._failed and monotonic() >= self._next_look:
            self._load()

    def recover(self) -> None:
        """Load again after the database came back."""
        self._load()
