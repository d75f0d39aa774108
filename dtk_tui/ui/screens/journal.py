"""The journal: every edit that a person made, and taking one back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from dtk_tui.domain.journal import Edit, Undone
from dtk_tui.errors import DtkError
from dtk_tui.services.library import journal
from dtk_tui.text import counted, one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.commands.registry import bindings
from dtk_tui.ui.dialogs import Confirm, ErrorDialog
from dtk_tui.ui.format import edit_words
from dtk_tui.ui.screens.base import CommandScreen
from dtk_tui.ui.widgets.key_footer import KeyFooter
from dtk_tui.ui.widgets.status import Line
from dtk_tui.ui.widgets.tables.cursor_list import CursorList
from dtk_tui.ui.widgets.tables.edit_table import EditTable
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable

if TYPE_CHECKING:
    from dtk_tui.services.library.edits import EditTask

#: So many images that an undo left alone are named.
_NAMED = 200
_NOTHING = "Nothing was edited yet."


class JournalScreen(CommandScreen[None]):
    """Lists the edits, the newest first, and takes them back."""

    BINDING_GROUP_TITLE = "Journal"
    AUTO_FOCUS = "#edits"
    COMMAND_GROUPS = ("journal",)
    BINDINGS: ClassVar[list[BindingType]] = bindings("journal")

    _ended: EditTask | None = None

    def compose(self) -> ComposeResult:
        """The title, which tells what goes on, and the table."""
        yield Line(id="edits-title", classes="pane-title")
        yield Line(id="edits-heads", classes="heads")
        yield EditTable(self.library.edit_rows, id="edits")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Load the edits, and show how an undo ended whose screen was left."""
        tasks = self.context.tasks
        tasks.edit_screens += 1
        tasks.edit_moved.subscribe(self, self._edit_moved)
        if tasks.editing is not None and isinstance(tasks.editing.result, Undone):
            self._edit_moved(tasks.editing)
        self._load(keep=False)

    def on_unmount(self) -> None:
        """From now on somebody has to be told of the end of an undo."""
        self.context.tasks.edit_screens -= 1

    @property
    def table(self) -> EditTable:
        """The table."""
        return self.query_one(EditTable)

    def refusal(self, command_id: str) -> str:
        """Refuse to stop where nothing is under way."""
        is_idle = command_id == "journal.stop" and not self.context.tasks.is_editing
        return "Nothing is under way." if is_idle else ""

    @task("ids")
    async def _load(self, *, keep: bool) -> None:
        self.table.set_ids(await in_thread(self.library.edits), keep=keep)
        self.table.say_empty(f"{_NOTHING} What you change of ratings, flags, tags, albums and captions is listed here.")
        self._draw_title()

    def _draw_title(self) -> None:
        running = self.context.tasks.editing
        title = Content.assemble(("Journal", "bold"), (f"  {counted(self.table.count, 'edit')}", "$muted"))
        if running is not None and self.context.tasks.is_editing:
            share = f": {running.done:,} of {running.total:,}" if running.total else ""
            title = Content.assemble(title, (f"   {one_line(running.title, 60)}{share}", "$accent"))
        self.query_one("#edits-title", Line).show(title)
        self.refresh_bindings()

    @on(VirtualTable.ColumnsPlaced)
    def _columns_placed(self, event: VirtualTable.ColumnsPlaced) -> None:
        self.query_one("#edits-heads", Line).show(Content(event.titles))

    @on(CursorList.Chosen)
    def _chosen(self) -> None:
        row = self.table.current_row
        if row is not None:
            self.app.push_screen(ErrorDialog(DtkError(f"Edit {row.id}", _facts(row))))

    def load_again(self) -> None:
        """Fetch the list again."""
        self._load(keep=True)

    def go_back(self) -> None:
        """Go back; an undo goes on without this screen."""
        self.dismiss(None)

    # -- undo ---------------------------------------------------------------------------------------------------------

    def undo(self) -> None:
        """Take the edit under the cursor back, after a question."""
        row = self.table.current_row
        if row is None:
            self.context.notify(_NOTHING)
            return
        if row.undone_at is not None:
            self.context.notify("This edit was undone before.", severity="warning")
            return

        def answered(yes: bool | None) -> None:
            if yes and not self.context.tasks.start_edit(
                f"Undo of edit {row.id}", partial(journal.undo, self.library.db, row.id)
            ):
                self.context.notify("Another edit is under way.", severity="warning")

        text = f"{_facts(row)}\n\nWhat was edited again since stays as it is, and is named."
        self.app.push_screen(Confirm("Undo this edit?", text, "Undo it"), answered)

    def stop(self) -> None:
        """End the undo or the edit that is under way; nothing is changed then."""
        if self.context.tasks.editing is not None:
            self.context.tasks.editing.stop()

    def _edit_moved(self, running: EditTask) -> None:
        if not running.is_done:
            self._draw_title()
        elif running is not self._ended:  # the news of its last step may come behind those of its end
            self._ended = running
            self._show_end(running)
            self._load(keep=True)

    def _show_end(self, ended: EditTask) -> None:
        if isinstance(ended.result, Undone):
            self.context.tasks.editing = None  # it was seen
        if ended.error is not None:
            self.app.push_screen(ErrorDialog(DtkError(ended.error.title, self.in_keys(ended.error.detail))))
        elif isinstance(ended.result, Undone) and ended.result.left:
            self.app.push_screen(ErrorDialog(DtkError(edit_words(ended.result), _left(ended.result))))
        elif ended.result is not None:
            self.context.notify(edit_words(ended.result))


def _facts(row: Edit) -> str:
    made = f"{row.made_at.astimezone():%Y-%m-%d %H:%M:%S}"
    facts = f"{one_line(row.title, 1000)}\n{row.kind}, {made}, {row.changed:,} changed."
    if row.undone_at is not None:
        facts += f"\nUndone {row.undone_at.astimezone():%Y-%m-%d %H:%M:%S}, {row.restored or 0:,} restored."
    return facts


def _left(undone: Undone) -> str:
    named = [path or f"the image {image_id}, which is gone" for image_id, path in undone.left[:_NAMED]]
    more = len(undone.left) - len(named)
    return "\n".join([*(one_line(name, 1000) for name in named), *([f"... and {more:,} more"] if more else [])])
