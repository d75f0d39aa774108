"""Sets of duplicates: what differs, the pictures side by side, which one stays, and marking the rest for deletion."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message

from dtk_tui.domain.duplicates import DuplicateImage, DuplicateKind, KeepRule, best, differences, facts
from dtk_tui.errors import DtkError
from dtk_tui.services.library import duplicates as service
from dtk_tui.services.library.alike.clusters import NothingEmbeddedError
from dtk_tui.services.library.alike.sets import DuplicateSets, SearchStoppedError
from dtk_tui.text import counted
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.commands.registry import bindings
from dtk_tui.ui.context import AppContext, LibraryChange
from dtk_tui.ui.dialogs import Confirm
from dtk_tui.ui.format import line
from dtk_tui.ui.screens.base import CommandScreen
from dtk_tui.ui.screens.duplicate_lists import MemberList, SetRow, SetTable, file_name
from dtk_tui.ui.widgets.key_footer import KeyFooter
from dtk_tui.ui.widgets.picture import Picture
from dtk_tui.ui.widgets.status import Line
from dtk_tui.ui.widgets.tables.cursor_list import CursorList
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable

if TYPE_CHECKING:
    from dtk_tui.domain.organise import EditDone

_KINDS = {
    DuplicateKind.EXACT: "the same content",
    DuplicateKind.GROUP: "the same generation",
    DuplicateKind.NEAR: "pictures that look alike",
    DuplicateKind.CLUSTER: "similar vectors",
}
_NOTHING = {
    DuplicateKind.EXACT: "No two images have the same content.",
    DuplicateKind.GROUP: "No two images are of the same generation.",
    DuplicateKind.NEAR: "No two pictures that were decoded look alike.",
    DuplicateKind.CLUSTER: "No two images have similar vectors.",
}
_RULES = {
    KeepRule.LARGEST: "the largest stays",
    KeepRule.NEWEST: "the newest stays",
    KeepRule.RATED: "the best rated stays",
    KeepRule.IN_ALBUM: "what is in an album stays",
}


class DuplicatesScreen(CommandScreen[None]):
    """Goes through the sets; nothing is deleted here, images are only marked."""

    BINDING_GROUP_TITLE = "Duplicates"
    AUTO_FOCUS = "#sets"
    COMMAND_GROUPS = ("duplicates",)
    BINDINGS: ClassVar[list[BindingType]] = bindings("duplicates")

    class Progressed(Message):
        """The search for sets came further."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

        def can_replace(self, message: Message) -> bool:
            """Only the newest counts."""
            return isinstance(message, DuplicatesScreen.Progressed)

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self._kind = DuplicateKind.EXACT
        self._rule = KeepRule.LARGEST
        self._sets = DuplicateSets(np.zeros(0, np.int64), np.zeros(0, np.int64))
        self._chosen: dict[int, int] = {}
        self._stop = threading.Event()
        self._state = ""

    def compose(self) -> ComposeResult:
        """The sets, the images of one, and two of their pictures."""
        yield Line(id="sets-title", classes="pane-title")
        with Horizontal(id="duplicates-body"):
            with Vertical(id="sets-pane"):
                yield Line(id="sets-heads", classes="heads")
                yield SetTable(self._fetch, id="sets")
            with Vertical(id="set-pane"):
                yield Line(id="members-heads", classes="pane-title")
                yield MemberList(self._is_kept, id="members")
                with Horizontal(id="pictures"):
                    for side in ("kept", "other"):
                        with Vertical(id=f"{side}-side"):
                            yield Line(id=f"{side}-name", classes="pane-title")
                            yield Picture(self.context.image_protocol, id=f"{side}-picture")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Search for copies, and follow what becomes of images."""
        self.context.library_changed.subscribe(self, self._library_changed)
        self._find()

    def on_unmount(self) -> None:
        """Nobody waits for the search any more."""
        self._stop.set()

    def on_resize(self, event: events.Resize) -> None:
        """Sets and images stand side by side where there is room."""
        self.set_class(event.size.width >= 120, "wide")
        self.call_after_refresh(self._draw_heads)

    @property
    def table(self) -> SetTable:
        """The sets."""
        return self.query_one(SetTable)

    @property
    def members(self) -> MemberList:
        """The images of the set under the cursor."""
        return self.query_one(MemberList)

    # -- searching ----------------------------------------------------------------------------------------------------

    def _fetch(self, numbers: Sequence[int]) -> list[SetRow]:
        sets = self._sets
        wanted = [number for number in numbers if number <= len(sets)]
        found = service.images_of(self.library.db, [sets.members(number - 1) for number in wanted])
        return [SetRow(number, images) for number, images in zip(wanted, found, strict=True)]

    @task("find")
    async def _find(self) -> None:
        self._stop.set()
        stop = self._stop = threading.Event()
        self._state = "searching\u2026"
        self._show(DuplicateSets(np.zeros(0, np.int64), np.zeros(0, np.int64)))
        try:
            found = await in_thread(service.find, self.library.db, self.library.config, self._kind, self._tell, stop)
        except SearchStoppedError:
            self._state = f"stopped; {self.key('duplicates.refresh')} searches again"
            self._draw_title()
            return
        except NothingEmbeddedError:
            self._state = "nothing is embedded yet"
            self._draw_title()
            return
        except DtkError:
            self._state = f"failed; {self.key('duplicates.refresh')} searches again"
            self._draw_title()
            raise
        self._state = ""
        self._show(found)

    def _tell(self, share: float) -> None:
        self.post_message(self.Progressed(share))

    def on_duplicates_screen_progressed(self, event: DuplicatesScreen.Progressed) -> None:
        """Show how far the search is."""
        if self._state.startswith("searching"):
            self._state = f"searching\u2026 {event.share:.0%}"
            self._draw_title()

    def _show(self, sets: DuplicateSets) -> None:
        self._sets = sets
        self._chosen = {}
        self.table.set_ids(np.arange(1, len(sets) + 1))
        self.table.say_empty("" if self._state else self._nothing)
        self._draw_title()
        self._show_set()

    @property
    def _nothing(self) -> str:
        """Say that there is no set of this kind, and what to do."""
        words = f"{_NOTHING[self._kind]} {self.key('duplicates.kind')} looks for another kind."
        if self._sets.unseen and self._kind is not DuplicateKind.CLUSTER:
            words += " A worker that embeds, tags or captions an image decodes its picture, too."
        return words

    def _draw_title(self) -> None:
        what = f"  {_KINDS[self._kind]}"
        parts = [
            ("Duplicates", "bold"),
            (what, "$accent"),
            (f"  {self._state or counted(len(self._sets), 'set')}", "$muted"),
        ]
        # Before the rule, which is the same each time, and so the part that a narrow screen cuts.
        if self._sets.unseen:
            how = "embedded" if self._kind is DuplicateKind.CLUSTER else "decoded"
            parts.append((f"   {counted(self._sets.unseen, 'image')} not {how} yet", "$warning"))
        if not self._state:
            parts.append((f"{'   ' if self._sets.unseen else ', '}{_RULES[self._rule]}", "$muted"))
        self.query_one("#sets-title", Line).show(Content.assemble(*parts))
        self.refresh_bindings()

    @on(VirtualTable.ColumnsPlaced)
    def _columns_placed(self, event: VirtualTable.ColumnsPlaced) -> None:
        self.query_one("#sets-heads", Line).show(Content(event.titles))

    # -- one set ------------------------------------------------------------------------------------------------------

    @on(CursorList.Moved, "#sets")
    def _set_moved(self) -> None:
        self._show_set()

    def _show_set(self) -> None:
        row = self.table.current_row
        self.members.show(row.images if row is not None else ())
        self._draw_heads()
        self._show_pictures()

    def _draw_heads(self) -> None:
        row = self.table.current_row
        title = f"Set {row.id:,}" if row is not None else "Images of a set"
        if row is not None and not differences(row.images):
            title += "  nothing differs"
        heads = self.members.heads(title)
        self.query_one("#members-heads", Line).show(
            Content.assemble((heads[: len(title)], "bold"), heads[len(title) :])
        )

    @on(CursorList.Moved, "#members")
    def _member_moved(self) -> None:
        self._show_pictures()

    def _show_pictures(self) -> None:
        kept, current = self._kept(), self.members.current
        row = self.table.current_row
        if current is not None and kept is not None and current.id == kept.id and row is not None:
            # Beside the one that stays stands another.
            current = next((image for image in row.images if image.id != kept.id), None)
        for side, image in (("kept", kept), ("other", current)):
            name = Content("") if image is None else line(f"{file_name(image)}  {facts(image)['dimensions']}")
            self.query_one(f"#{side}-name", Line).show(name)
            path = None if image is None else self.context.config.local_path(image.path)
            self.query_one(f"#{side}-picture", Picture).show(path)

    def _kept(self) -> DuplicateImage | None:
        row = self.table.current_row
        if row is None or not row.images:
            return None
        chosen = [image for image in row.images if image.id == self._chosen.get(row.id)]
        return chosen[0] if chosen else best(row.images, self._rule)

    def _is_kept(self, image: DuplicateImage) -> bool:
        kept = self._kept()
        return kept is not None and kept.id == image.id

    @on(CursorList.Chosen, "#sets")
    def _set_chosen(self) -> None:
        self.members.focus()

    @on(CursorList.Chosen, "#members")
    def _member_chosen(self) -> None:
        self.keep()

    # -- commands -----------------------------------------------------------------------------------------------------

    def refusal(self, command_id: str) -> str:
        """Refuse to stop where nothing is under way."""
        is_idle = command_id == "duplicates.stop" and not self._state.startswith("searching")
        return f"No search is under way: {self.key('duplicates.refresh')} begins one." if is_idle else ""

    def show_kind(self) -> None:
        """Search for the next kind of duplicates."""
        kinds = list(DuplicateKind)
        self._kind = kinds[(kinds.index(self._kind) + 1) % len(kinds)]
        self._find()

    def show_rule(self) -> None:
        """Keep the best image of each set by the next rule; what was chosen by hand is chosen no more."""
        rules = list(KeepRule)
        self._rule = rules[(rules.index(self._rule) + 1) % len(rules)]
        self._chosen = {}
        self._draw_title()
        self.members.redraw()
        self._show_pictures()

    def keep(self) -> None:
        """Keep the image under the cursor of its set."""
        row, image = self.table.current_row, self.members.current
        if row is None or image is None:
            self.context.notify(self._nothing)
            return
        self._chosen[row.id] = image.id
        self.members.redraw()
        self._show_pictures()

    def mark(self) -> None:
        """Mark all images of the chosen sets for deletion, but the one of each that stays; of many after a question."""
        numbers = [number - 1 for number in self.table.chosen_ids()]
        if not numbers:
            self.context.notify(self._nothing)
            return
        work = partial(service.mark_rest, self.library.db, self._sets, self._rule, dict(self._chosen), numbers=numbers)
        if len(numbers) == 1:
            self._mark_one(work)
            return

        def answered(yes: bool | None) -> None:
            if yes and not self.context.tasks.start_edit("Marking duplicates for deletion", work):
                self.context.notify("Another edit is under way.", severity="warning")

        text = (
            f"Of each set {_RULES[self._rule]}, but where you chose another. No file is touched: the images are "
            "marked for deletion, and the journal takes that back."
        )
        title = f"Mark the rest of {counted(len(numbers), 'set')}?"
        self.app.push_screen(Confirm(title, text, "Mark them"), answered)

    @task("mark", exclusive=False, asked=True)
    async def _mark_one(self, work: Callable[[], EditDone]) -> None:
        done = await in_thread(work)
        if done.changed:
            marked = counted(done.changed, "image")
            self.context.notify(f"{marked} marked for deletion. {self.key('duplicates.undo')} takes it back.")
        else:
            self.context.notify("They were marked before.")
        self.context.library_changed.publish(LibraryChange.MARKS)
        self.table.cursor += 1

    def _library_changed(self, change: LibraryChange) -> None:
        if change is not LibraryChange.RULES:
            self.table.renew()

    def stop(self) -> None:
        """End the search."""
        self._stop.set()

    def load_again(self) -> None:
        """Search again."""
        self._find()

    def go_back(self) -> None:
        """Go back."""
        self.dismiss(None)
