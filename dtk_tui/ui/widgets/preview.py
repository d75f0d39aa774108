"""Picture and facts of the image under the cursor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from dtk_tui.domain.library import ImageDetail
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services.view_state import ViewState
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.format import lines
from dtk_tui.ui.widgets import detail_text
from dtk_tui.ui.widgets.picture import Picture
from dtk_tui.ui.widgets.picture_pages import PAGES, PictureFacts
from dtk_tui.ui.widgets.side_pane import SidePane
from dtk_tui.ui.widgets.status import Line, clickable

#: The cursor must rest for this long before a picture is decoded.
_REST_S = 0.12
TABS = ("Prompt", "Parameters", "Tags", *PAGES)
#: From these widths on there is room for the names of all pages, and for their keys.
_ROOM_FOR_NAMES, _ROOM_FOR_KEYS = 61, 79

LocalPath = Callable[[str], str]


class TextScroll(VerticalScroll):
    """The text under the tabs; it scrolls."""

    BINDING_GROUP_TITLE = "Preview"
    ABOUT: ClassVar[str] = "What is known of the image under the cursor, a page a tab. Keys for work act on that image."


class Preview(SidePane):
    """Shows one image.

    Args:
        facts: asked in threads.
        local_path: says where this host sees a file of the library.
        advise: says what a service advises in the keys of the app.
        state: as of the pane.
    """

    def __init__(
        self,
        protocol: str,
        facts: PictureFacts,
        local_path: LocalPath,
        advise: Callable[[str], str],
        *,
        state: ViewState | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__("left", state, id=id)
        self._protocol = protocol
        self._local_path = local_path
        self._facts = facts
        self._advise = advise
        self._image_id: int | None = None
        self._detail: ImageDetail | None = None
        self._tab = 0
        self._looked_at: tuple[str, int] | None = None

    def compose(self) -> ComposeResult:
        """Picture, name, tabs, text."""
        picture = Picture(self._protocol, id="picture")
        picture.display = self._protocol != "off"
        yield picture
        with Vertical(id="sheet"):
            yield Line(id="tabs", classes="pane-title")
            with TextScroll(id="facts"):
                yield Static("", markup=False, id="facts-text")

    def on_resize(self) -> None:
        """The tabs leave out their keys where the room is short."""
        self.call_after_refresh(self._show_tabs)

    def show(self, image_id: int | None) -> None:
        """Show an image as soon as the cursor rests; None shows nothing."""
        if image_id != self._image_id:
            self.query_one(Picture).give_up()
            self._image_id = image_id
            self._load(_REST_S)

    def again(self) -> None:
        """Show the same image again, after something about it may have changed."""
        if self._image_id is not None:
            self._load(0.0)

    @task("detail")
    async def _load(self, rest_s: float) -> None:
        await asyncio.sleep(rest_s)
        image_id = self._image_id
        detail = None if image_id is None else await in_thread(self._facts.detail, image_id)
        picture = self.query_one(Picture)
        moved = detail is None or self._detail is None or detail.id != self._detail.id
        self._detail = detail
        if moved or picture.is_given_up:
            picture.show(self._local_path(detail.path) if detail is not None else None)
        if moved:
            self.query_one(TextScroll).scroll_home(animate=False)
        self._show_text()

    def show_tab(self, number: int) -> None:
        """Show another page of facts."""
        self._tab = number
        self._show_tabs()
        self.query_one(TextScroll).scroll_home(animate=False)
        self._show_text()

    def _show_tabs(self) -> None:
        width = self.query_one("#sheet").size.width
        parts = []
        for number, name in enumerate(TABS):
            is_shown = number == self._tab
            key = f"{number + 1} " if number else "Alt+1 "
            if width < _ROOM_FOR_NAMES:
                label = Content.assemble((key.rstrip(), "$faint"), (f" {name}" if is_shown else "", "bold $accent"))
            else:
                shown = (key if width >= _ROOM_FOR_KEYS else "", "$faint")
                label = Content.assemble(shown, (name, "bold $accent" if is_shown else "$muted"))
            parts.append(clickable(label, f"screen.command({f'preview.{name.lower()}'!r})"))
        self.query_one("#tabs", Line).show(Content("  ").join(parts))

    def _show_text(self) -> None:
        detail, text = self._detail, self.query_one("#facts-text", Static)
        if self._looked_at is not None and (detail is None or self._looked_at != (TABS[self._tab], detail.id)):
            self._looked_at = None
        text.set_class(TABS[self._tab] == "Workflow", "tree")
        if detail is None:
            text.update(Content(""))
        elif TABS[self._tab] == "Prompt":
            text.update(detail_text.prompt(detail))
        elif TABS[self._tab] == "Parameters":
            text.update(detail_text.parameters(detail))
        elif TABS[self._tab] == "Tags":
            text.update(detail_text.tags(detail))
        else:
            page = (TABS[self._tab], detail.id)
            if page != self._looked_at:  # what was shown stays until there is something new
                text.update(Content.styled("Looking\u2026", "$muted"))
            self._load_page(TABS[self._tab], detail)

    @task("page")
    async def _load_page(self, name: str, detail: ImageDetail) -> None:
        await asyncio.sleep(_REST_S)
        try:
            found = await in_thread(PAGES[name], self._facts, detail)
        except DatabaseLostError:
            raise
        except DtkError as error:
            found = lines(f"{error.title}\n{self._advise(error.detail)}")
        if self._detail is detail and TABS[self._tab] == name:
            self._looked_at = (name, detail.id)
            self.query_one("#facts-text", Static).update(found)
