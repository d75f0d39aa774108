"""The first screen: folders, images, preview, search."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.worker import WorkerCancelled

from dtk_tui.domain.library import Badge
from dtk_tui.domain.stats import QueueCounts, Stats
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.models import needed
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.commands import grid
from dtk_tui.ui.commands.queries import sort_by_column
from dtk_tui.ui.commands.registry import bindings
from dtk_tui.ui.context import AppContext, LibraryChange
from dtk_tui.ui.messages import ImageOpened, ImagesShown, MenuOpened
from dtk_tui.ui.refresh_policy import RefreshPolicy
from dtk_tui.ui.screens.view import Found, ImageListScreen, View, find
from dtk_tui.ui.widgets.empty_library import empty_words
from dtk_tui.ui.widgets.facet_list import FacetList
from dtk_tui.ui.widgets.folder_tree import FolderTree
from dtk_tui.ui.widgets.image_pane import ImagePane
from dtk_tui.ui.widgets.key_footer import KeyFooter
from dtk_tui.ui.widgets.preview import Preview
from dtk_tui.ui.widgets.search_line import QueryInput, SearchLine
from dtk_tui.ui.widgets.side_pane import SidePane
from dtk_tui.ui.widgets.status import Line
from dtk_tui.ui.widgets.tables.cursor_list import CursorList
from dtk_tui.ui.widgets.tables.heads import Heads
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable

#: The cursor must rest for this long on a folder before its images are fetched.
_REST_S = 0.15
#: Badges and visible rows are looked at again no more often than this while workers write.
_RENEW_S = 1.0
#: What follows the first images is fetched when their lines are drawn, or after so long.
_ROWS_S = 2.0
#: From this width on there is room for folders, images and a preview side by side.
_WIDE = 120


class BrowserTree(FolderTree):
    """The tree with the commands for the folder under its cursor."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("folders")


class BrowserScreen(ImageListScreen):
    """Folders, images, preview."""

    AUTO_FOCUS = "#images"
    COMMAND_GROUPS = ("main", "work", "preview")
    BINDINGS: ClassVar[list[BindingType]] = bindings("work", "preview", "main")

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self._view = View()
        self._folder_view = View()
        self._preview_wanted: bool | None = None
        self._rows_came = asyncio.Event()
        self._refreshes = RefreshPolicy()
        self._queue: QueueCounts | None = None
        self._renewed = 0.0

    def body(self) -> ComposeResult:
        """Folders, images and preview side by side, and the lines below them."""
        # What is below is styled once, when it comes.
        self.update_classes(self._shape(self.app.size.width), update=False)
        library, state = self.library, self.context.view_state
        with Horizontal(id="body"):
            with SidePane("right", state, id="folders-pane"):
                with Vertical(id="tree-pane"):
                    yield Line(id="folders-title", classes="pane-title")
                    yield BrowserTree(library.folders, library.badges, id="folders")
                with Vertical(id="facets-pane"):
                    yield Line(id="facets-title", classes="pane-title")
                    yield FacetList(library.facet_counter, id="facets")
            yield ImagePane(library.image_rows, grid.pictures(self.context), state=state, id="images-pane")
            protocol, local_path = self.context.image_protocol, self.context.config.local_path
            yield Preview(protocol, library, local_path, self.in_keys, state=state, id="preview")
        yield Line(id="activity")
        yield SearchLine(library, id="search")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Load the folders and all images."""
        self.query_one("#folders-title", Line).show(Content("Folders"))
        self.query_one("#facets-title", Line).show(Content("Facets"))
        self.query_one("#activity", Line).display = self.query_one(FacetList).display = False
        self.context.tasks.activity.subscribe(self, self._show_activity)
        self._arrange()
        grid.restore(self.context, self)
        self.query_one(FolderTree).reload()
        self._load(0.0, keep=False)

    # -- room ---------------------------------------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """Place the panes for the new size."""
        self._arrange()

    def _shape(self, width: int) -> dict[str, bool]:
        wide = width >= _WIDE
        shown = wide if self._preview_wanted is None else self._preview_wanted
        return {"wide": wide, "with-preview": shown and width > 0}

    def _arrange(self) -> None:
        self.update_classes(self._shape(self.size.width))
        for pane in self.query(SidePane):
            pane.fit()
        if self.has_class("with-preview") and self.is_mounted:
            self.query_one(Preview).show(self.table.current_id)

    def toggle_preview(self) -> None:
        """Show or hide the preview; on a narrow screen it takes the place of the folders."""
        self._preview_wanted = not self.has_class("with-preview")
        if not self.size.width >= _WIDE and self._preview_wanted and self.query_one("#folders-pane").has_focus_within:
            self.table.focus()
        self._arrange()

    @on(FacetList.Narrowed)
    def _narrowed(self, event: FacetList.Narrowed) -> None:
        self.query_one(SearchLine).ask(event.query_text)

    # -- what is shown ------------------------------------------------------------------------------------------------

    @on(CursorList.Moved, "#folders")
    def _folder_moved(self) -> None:
        folder = self.query_one(FolderTree).folder
        view = View() if folder is None else View(folder.id, folder.name, path=folder.path)
        if view != self._folder_view:
            self._folder_view = self._view = view
            self.query_one(SearchLine).clear()
            self._load(_REST_S, keep=False)

    @on(CursorList.Chosen, "#folders")
    def _folder_chosen(self) -> None:
        if not self._view.is_folder:
            self._leave_search()
        self.table.focus()

    @on(CursorList.Moved, "#images")
    def _image_moved(self) -> None:
        if self.has_class("with-preview"):
            self.query_one(Preview).show(self.table.current_id)
        if self.table.current_row is not None and not self._rows_came.is_set():
            self.call_after_refresh(self._show_rest)

    @on(CursorList.Chosen, "#images")
    def _image_chosen(self) -> None:
        def closed(command_id: str | None) -> None:
            if command_id == "work.similar":
                self.show_similar()

        self.app.post_message(ImageOpened(self.table, closed))

    @on(CursorList.MenuAsked)
    def _menu_asked(self, event: CursorList.MenuAsked) -> None:
        event.source.focus()
        self.call_after_refresh(self._open_menu)

    def _open_menu(self) -> None:
        self.app.post_message(MenuOpened(self.target_name(), self.menu()))

    @task("ids")
    async def _load(self, rest_s: float, *, keep: bool) -> None:
        view, library, pane = self._view, self.library, self.query_one(ImagePane)
        await asyncio.sleep(rest_s)
        try:
            if view.query:
                pane.show_title(*self._title_with(view, "searching\u2026"))
            look = partial(find, library, view, folding=pane.is_folding)
            # What is marked stays marked in all of a list, not in the first of it alone.
            is_marked = keep and self.table.selected_count > 0
            found = await in_thread(look, first=not is_marked and (bool(view.query) or not keep))
            if found.is_part:
                await self._show_found(view, found, keep=keep, more="; more follow\u2026")
                if not view.query:  # the first lines do not wait for the order of a million
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._rows_came.wait(), _ROWS_S)
                keep = True
                found = await in_thread(look, first=False)
        except UsageError as error:
            if not self.query_one(SearchLine).is_typing(view.query):
                self.query_one(SearchLine).show_fault(error)
            pane.show_title(*self._title_with(view, "not understood"))
            return
        except DtkError:
            pane.show_title(*self._title_with(view, "not answered"))
            self._end_loading()
            raise
        await self._show_found(view, found, keep=keep)

    def _end_loading(self) -> None:
        self._show_rest()
        self.app.post_message(ImagesShown())

    def _show_rest(self) -> None:
        """Fetch what the first lines do not need, once they are drawn or it is known that there are none."""
        if not self._rows_came.is_set():
            self._rows_came.set()
            self.context.stats.poll_now()
            self.name_library()
            self.query_one(QueryInput).load_history()

    async def _show_found(self, view: View, found: Found, *, keep: bool, more: str = "") -> None:
        pane, name = self.query_one(ImagePane), view.title
        pane.show_new(0)
        goes_on = self.is_part and self._shown == view
        pane.table.show(found.ids, found.scores, found.folds, keep=keep, goes_on=goes_on)
        self._shown, self._is_part = view, bool(more)
        hint = f"No images are here. {self.key('app.scan_again')} looks for new files."
        pane.table.say_empty(hint if view.is_folder else f"Nothing was found. {self.key('main.back')} goes back.")
        if len(found.ids) or view.is_folder:
            pane.show_title(name, view.order(ranked=found.scores is not None) + more, view.sort)
        else:
            pane.show_title(name, "nothing found")
        await self._show_whether_empty(len(found.ids))
        if not more:
            self.query_one(FacetList).follow(view.line)
            self._end_loading()
        if view.query:
            search = self.query_one(SearchLine)
            search.show_notes(found.notes)
            if self.query_one(QueryInput).has_focus and not search.is_typing(view.query):
                self.table.focus()

    async def _show_whether_empty(self, images: int) -> None:
        is_empty = not images and not await in_thread(self.library.folders, None)
        words = empty_words(self.key, await in_thread(needed, self.context.config)) if is_empty else None
        self.query_one(ImagePane).show_empty(words)
        if is_empty:
            self.query_one(FolderTree).focus()
        elif self.focused is None:
            self.table.focus()

    def load_again(self) -> None:
        """Fetch folders and images again; the cursor stays on its image."""
        self.query_one(FolderTree).reload()
        self._load(0.0, keep=True)

    def show_change(self, change: LibraryChange) -> None:
        """Show what became of folders and images; without having been asked, it only offers what is new."""
        if change is LibraryChange.IMAGES:
            self.load_again()
            self.query_one(Preview).again()
        elif change is LibraryChange.MARKS:
            self.work_changed()
        else:
            self.query_one(FolderTree).reload()
            if change is LibraryChange.FOUND:
                self._renew()
                self._offer_new()

    # -- search -------------------------------------------------------------------------------------------------------

    def query_line(self) -> str:
        """The query line of what is shown."""
        return self._view.line

    @on(Heads.SortAsked)
    def _sort_asked(self, event: Heads.SortAsked) -> None:
        sort_by_column(self, event.column)

    @on(Heads.ColumnsAsked)
    def _columns_asked(self) -> None:
        self.action_command("main.columns")

    def start_search(self) -> None:
        """Type a query."""
        self.query_one(SearchLine).start()

    @on(SearchLine.Asked)
    def _asked(self, event: SearchLine.Asked) -> None:
        if event.query_text:
            self._view = View(query=event.query_text)
            self._load(0.0, keep=False)
        else:
            self._leave_search()

    @on(QueryInput.Left)
    def _search_left(self) -> None:
        self._leave_search()

    def _leave_search(self) -> None:
        self.query_one(SearchLine).clear()
        self.table.focus()
        if self._view != self._folder_view:
            self._view = self._folder_view
            self._load(0.0, keep=False)

    def go_back(self) -> None:
        """Unmark all; without marks, leave the search."""
        if not self.table.clear_selection():
            self._leave_search()

    def show_similar(self) -> None:
        """Show the images most like the one under the cursor."""
        if (row := self.table.current_row) is not None:
            self.show_like(row.id)

    def show_like(self, image_id: int) -> None:
        """Show the images most like one."""
        row = self.table.current_row
        name = row.file_name if row is not None and row.id == image_id else f"image {image_id}"
        self.query_one(SearchLine).clear()
        self._view = View(like=image_id, name=f"Like {name}")
        self._load(0.0, keep=False)

    def work_changed(self) -> None:
        """Show marks, badges and captions soon."""
        self._renew(asked=True)
        self.query_one(Preview).again()

    # -- news ---------------------------------------------------------------------------------------------------------

    def show_stats(self, stats: Stats) -> None:
        """Take over fresh numbers; rows and badges are fetched again when the queue moved."""
        super().show_stats(stats)
        if stats.queue != self._queue and monotonic() - self._renewed > _RENEW_S:
            self._queue = stats.queue
            self._renew()
        self.query_one(FolderTree).look_again(Badge(stats.queue.pending + stats.queue.running, stats.queue.priority))
        folders_changed = self._refreshes.begin(stats.marks)
        if folders_changed is not None:
            self._follow(folders_changed)

    def _renew(self, *, asked: bool = False) -> None:
        self._renewed = monotonic()
        self.table.renew()
        self.query_one(FolderTree).ask_for_badges(now=asked)

    @task("follow", exclusive=False)
    async def _follow(self, folders_changed: bool) -> None:
        """Take over what any process changed in the library."""
        failed = True
        try:
            if folders_changed:
                self.name_library()
                with suppress(WorkerCancelled):
                    await self.query_one(FolderTree).reload().wait()
            self.table.renew()
            failed = not await self._compare()
        finally:
            self._refreshes.end(failed=failed)

    @on(VirtualTable.RowsGone)
    def _rows_gone(self) -> None:
        # Of a search they stay in sight as what they are: nobody wants another result under the cursor.
        if self._view.is_folder and self._view == self._shown:
            self._load(0.0, keep=True)

    @task("compare")
    async def _offer_new(self) -> None:
        await self._compare()

    async def _compare(self) -> bool:
        """Let go images that are gone from the folder that is shown, and offer what is new; False if it is too soon."""
        view = self._view
        if not view.is_folder:
            return True
        count = await in_thread(self.library.count, view.folder_id or None)
        if self.is_part or not self._view == view == self._shown:
            return False
        shown = self.table.all_count
        if count < shown or (count and not shown):
            self._load(0.0, keep=True)
        else:
            self.query_one(ImagePane).show_new(count - shown)
        return True

    def _show_activity(self, text: str) -> None:
        """Show what goes on besides the worker; empty takes the line away."""
        activity = self.query_one("#activity", Line)
        activity.display = bool(text)
        activity.show(Content.styled(f" {text}", "$accent"))

    def recover(self) -> None:
        """Load again after the database came back."""
        self.query_one(FolderTree).reload()
        if self.table.count and self._view == self._shown and not self.is_part:
            self.table.renew()
        else:
            self._load(0.0, keep=self._view == self._shown)
        self.query_one(Preview).again()
