"""One image on the whole screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Footer

from dtk_tui.domain.queue import Target
from dtk_tui.ui.commands.images import WorkScreen
from dtk_tui.ui.format import line
from dtk_tui.ui.widgets.image_table import ImageTable
from dtk_tui.ui.widgets.preview import Preview
from dtk_tui.ui.widgets.status import Line

if TYPE_CHECKING:
    from dtk_tui.ui.screens.browser import BrowserScreen


class ImageScreen(WorkScreen):
    """Steps through the images of a table; the table's cursor follows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,n,down,j", "step(1)", "Next", key_display="\u2192", id="detail.next"),
        Binding("left,b,up,k", "step(-1)", "Previous", key_display="\u2190", id="detail.previous"),
        Binding("escape,q,enter", "leave", "Back", key_display="Esc", id="detail.leave"),
    ]

    def __init__(self, main: BrowserScreen, table: ImageTable) -> None:
        super().__init__()
        self._main = main
        self._table = table

    def compose(self) -> ComposeResult:
        """Name, picture, facts."""
        yield Line(id="detail-title", classes="pane-title")
        library = self.library
        yield Preview(
            self.dtk.protocol, library.detail, library.similar_rows, library.config.local_path, id="detail-preview"
        )
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Show the image under the table's cursor."""
        self._show()

    def on_resize(self, event: events.Resize) -> None:
        """Picture and facts stand side by side where there is room."""
        self.set_class(event.size.width >= 120, "wide")

    def _show(self) -> None:
        table = self._table
        row = table.current_row
        name = row.file_name if row is not None else ""
        place = f"   {table.cursor + 1:,} of {table.count:,}"
        self.query_one("#detail-title", Line).show(Content.assemble(line(name, "bold", 300), (place, "$muted")))
        self.query_one(Preview).show(table.current_id)

    def action_step(self, step: int) -> None:
        """Go to the next or the previous image."""
        self._table.cursor += step
        self._show()

    def action_leave(self) -> None:
        """Go back to the table."""
        self.dismiss()

    def target(self, deep: bool) -> Target | None:
        """The image that is shown."""
        current = self._table.current_id
        return None if deep or current is None else Target(image_ids=(current,))

    def target_name(self) -> str:
        """The image's name."""
        row = self._table.current_row
        return row.file_name if row is not None else "Image"

    def menu_actions(self) -> list[str]:
        """What can be done with an image."""
        return ["work.queue", "work.embed_now", "work.tag", "work.similar"]

    def work_changed(self) -> None:
        """Read the image again."""
        self.query_one(Preview).again()
        self._table.renew()

    def action_similar(self) -> None:
        """Find images like this one, in the table."""
        self.dismiss()
        self._main.action_similar()
