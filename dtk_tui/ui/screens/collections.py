"""Albums and tags: looked through, made, renamed, put in order, deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

import numpy as np
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from dtk_tui.domain.organise import Collection, EditDone
from dtk_tui.services.library.organise import albums, tags
from dtk_tui.services.library.organise.collections import checked, require_free
from dtk_tui.services.library.organise.smart_albums import check_query
from dtk_tui.text import counted, one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.commands.organise import Work, carry_out
from dtk_tui.ui.commands.registry import bindings
from dtk_tui.ui.context import AppContext, LibraryChange
from dtk_tui.ui.dialogs import Confirm, InputDialog
from dtk_tui.ui.format import name_words
from dtk_tui.ui.screens.base import CommandScreen
from dtk_tui.ui.widgets.key_footer import KeyFooter
from dtk_tui.ui.widgets.status import Line
from dtk_tui.ui.widgets.tables.collection_table import CollectionTable
from dtk_tui.ui.widgets.tables.cursor_list import CursorList
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable

_SHOWN = 60
_NOTHING = "There is no album yet, and nobody gave an image a tag."


class CollectionsScreen(CommandScreen[str]):
    """Lists albums and tags; its result is the query of the one whose images shall be shown."""

    BINDING_GROUP_TITLE = "Albums and tags"
    AUTO_FOCUS = "#collections"
    COMMAND_GROUPS = ("collections",)
    BINDINGS: ClassVar[list[BindingType]] = bindings("collections")

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self._rows: dict[int, Collection] = {}

    def compose(self) -> ComposeResult:
        """The title and the table."""
        yield Line(id="collections-title", classes="pane-title")
        yield Line(id="collections-heads", classes="heads")
        yield CollectionTable(self._fetch, id="collections")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Load the list, and follow what becomes of it."""
        self.context.library_changed.subscribe(self, self._library_changed)
        self._load(None)

    @property
    def table(self) -> CollectionTable:
        """The table."""
        return self.query_one(CollectionTable)

    def _fetch(self, ids: Sequence[int]) -> list[Collection]:
        rows = self._rows
        return [rows[number] for number in ids if number in rows]

    def _library_changed(self, change: LibraryChange) -> None:
        if change in (LibraryChange.MARKS, LibraryChange.IMAGES):
            self._load(self.table.current_id)

    @task("ids")
    async def _load(self, current: int | None) -> None:
        db = self.library.db
        rows = [*await in_thread(albums.ALBUMS.listed, db), *await in_thread(tags.TAGS.listed, db)]
        self._rows = {row.id: row for row in rows}
        self.table.set_ids(np.array([row.id for row in rows], np.int64), keep=current is not None)
        number = sum(row.is_album for row in rows)
        self.table.say_empty(
            f"{_NOTHING} {self.key('collections.new')} makes an album, {self.key('collections.smart')} one that a "
            f"query fills; in the list of images {self.key('work.add_to_album')} puts what is chosen into an album, "
            f"and {self.key('work.add_tags')} gives it a tag."
        )
        words = f"  {counted(number, 'album')}, {counted(len(rows) - number, 'tag')}"
        title = Content.assemble(("Albums and tags", "bold"), (words, "$muted"))
        self.query_one("#collections-title", Line).show(title)

    @on(VirtualTable.ColumnsPlaced)
    def _columns_placed(self, event: VirtualTable.ColumnsPlaced) -> None:
        self.query_one("#collections-heads", Line).show(Content(event.titles))

    @on(CursorList.Chosen)
    def _chosen(self) -> None:
        row = self.table.current_row
        if row is not None:
            self.dismiss(row.line)

    def go_back(self) -> None:
        """Go back to the images."""
        self.dismiss(None)

    # -- edits --------------------------------------------------------------------------------------------------------

    @task("edit", exclusive=False, asked=True)
    async def _edit(self, title: str, number: int, work: Work) -> None:
        await carry_out(self.context, self, title, number, work)

    def _edit_row(self, title: str, act: Callable[[], EditDone]) -> None:
        self._edit(title, 0, lambda progress, stop: act())

    def _require_free(self, but: Collection | None = None) -> Callable[[str], None]:
        """Return a check of a name for an album, which may be that of ``but``."""
        return partial(require_free, [row for row in self._rows.values() if row is not but])

    def make(self) -> None:
        """Ask for a name, and make an album."""

        def answered(name: str | None) -> None:
            if name is not None:
                self._edit_row(f"Album {one_line(name, _SHOWN)} made", partial(albums.create, self.library.db, name))

        self.app.push_screen(InputDialog("A new album", "its name", check=self._require_free()), answered)

    def make_smart(self) -> None:
        """Ask for a query and a name, and make a smart album."""

        def asked(line: str | None) -> None:
            if line is not None:
                ask = InputDialog("A new smart album", "its name", check=self._require_free())
                self.app.push_screen(ask, partial(named, line))

        def named(line: str, name: str | None) -> None:
            if name is not None:
                create = partial(albums.create, self.library.db, name, (), line)
                self._edit_row(f"Album {one_line(name, _SHOWN)} made", create)

        hint = "what it shall have, as a query: rating:>=4 tag:fox"
        self.app.push_screen(InputDialog("A new smart album", hint, check=check_query), asked)

    def rename(self) -> None:
        """Ask for another name of the album or the tag; a tag that gets the name of another one becomes one with it."""
        row = self.table.current_row
        if row is None:
            self.context.notify(_NOTHING)
            return

        shown = one_line(row.name, 1000)

        def answered(name: str | None) -> None:
            if name is None or name == shown:
                return
            title = f"{one_line(row.name, _SHOWN)} becomes {one_line(name, _SHOWN)}"
            db = self.library.db
            if row.is_album:
                self._edit_row(title, partial(albums.rename, db, row.name, name))
            else:
                self._edit(title, row.images, partial(tags.rename, db, [row.name], name))

        hint = "its new name" if row.is_album else "its new name; that of another tag makes one of both"
        is_free = self._require_free(row) if row.is_album else checked

        def check(name: str) -> None:
            if name != shown:  # what an import brought may be longer than a name that a person gives
                is_free(name)

        self.app.push_screen(
            InputDialog(f"Rename {name_words(row.name, 1000)}", hint, value=shown, check=check), answered
        )

    def delete(self) -> None:
        """Delete the album, or take the tag from all images, after a question."""
        row = self.table.current_row
        if row is None:
            self.context.notify(_NOTHING)
            return

        def answered(yes: bool | None) -> None:
            if not yes:
                return
            db, name = self.library.db, one_line(row.name, _SHOWN)
            if row.is_album:
                self._edit(f"Album {name} deleted", row.images, partial(albums.delete, db, row.name))
            else:
                self._edit(f"Without the tag {name}", row.images, partial(tags.TAGS.remove, db, None, row.name))

        what = "Delete this album?" if row.is_album else "Take this tag from all images?"
        shown = name_words(row.name, 1000)
        text = f"{shown}\n{counted(row.images, 'image')}, which stay. {self.key('collections.undo')} takes it back."
        self.app.push_screen(Confirm(what, text, "Delete it" if row.is_album else "Take it away"), answered)

    def move(self, by: int) -> None:
        """Move the album among the others."""
        row = self.table.current_row
        if row is None or not row.is_album:
            self.context.notify("Only albums have an order; tags are listed by name.")
            return
        last = sum(one.is_album for one in self._rows.values())
        place = max(1, min(self.table.cursor + 1 + by, last))
        title = f"Album {one_line(row.name, _SHOWN)} at place {place}"
        self._edit_row(title, partial(albums.move, self.library.db, row.name, place))
