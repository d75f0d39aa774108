"""Picture and facts of the image under the cursor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from dtk_tui.domain.library import Hit, ImageDetail, ImageRow
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.format import lines
from dtk_tui.ui.widgets import detail_text
from dtk_tui.ui.widgets.picture import Picture
from dtk_tui.ui.widgets.status import Line, clickable

#: The cursor must rest for this long before a picture is decoded.
_REST_S = 0.12
_ROOM_FOR_KEYS = 46
TABS = ("Prompt", "Parameters", "Tags", "Similar")
_KEYS = ("Alt+1", "2", "3", "4")

FetchDetail = Callable[[int], ImageDetail | None]
FetchSimilar = Callable[[int], Sequence[tuple[Hit, ImageRow]]]
LocalPath = Callable[[str], str]


class TextScroll(VerticalScroll):
    """The text under the tabs; it scrolls."""

    BINDING_GROUP_TITLE = "Preview"


class Preview(Vertical):
    """Shows one image.

    Args:
        fetch, similar: called in threads.
        local_path: says where this host sees a file of the library.
    """

    def __init__(
        self,
        protocol: str,
        fetch: FetchDetail,
        similar: FetchSimilar,
        local_path: LocalPath,
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._protocol = protocol
        self._local_path = local_path
        self._fetch = fetch
        self._similar = similar
        self._image_id: int | None = None
        self._detail: ImageDetail | None = None
        self._tab = 0

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
        self._show_tabs()

    def show(self, image_id: int | None) -> None:
        """Show an image as soon as the cursor rests; None shows nothing."""
        if image_id != self._image_id:
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
        detail = None if image_id is None else await in_thread(self._fetch, image_id)
        moved = detail is None or self._detail is None or detail.id != self._detail.id
        self._detail = detail
        if moved:
            self.query_one(Picture).show(self._local_path(detail.path) if detail is not None else None)
            self.query_one(TextScroll).scroll_home(animate=False)
        self._show_text()

    def show_tab(self, number: int) -> None:
        """Show another page of facts."""
        self._tab = number
        self._show_tabs()
        self.query_one(TextScroll).scroll_home(animate=False)
        self._show_text()

    def _show_tabs(self) -> None:
        parts = []
        for number, name in enumerate(TABS):
            style = "bold $accent" if number == self._tab else "$muted"
            key = f"{_KEYS[number]} " if self.size.width >= _ROOM_FOR_KEYS else ""
            label = Content.assemble((key, "$faint"), (name, style))
            parts.append(clickable(label, f"screen.command({f'preview.{name.lower()}'!r})"))
        self.query_one("#tabs", Line).show(Content("  ").join(parts))

    def _show_text(self) -> None:
        detail, text = self._detail, self.query_one("#facts-text", Static)
        if detail is None:
            text.update(Content(""))
        elif TABS[self._tab] == "Prompt":
            text.update(detail_text.prompt(detail))
        elif TABS[self._tab] == "Parameters":
            text.update(detail_text.parameters(detail))
        elif TABS[self._tab] == "Tags":
            text.update(detail_text.tags(detail))
        else:
            text.update(Content.styled("Looking\u2026", "$muted"))
            self._load_similar(detail.id)

    @task("similar")
    async def _load_similar(self, image_id: int) -> None:
        await asyncio.sleep(_REST_S)
        try:
            found = detail_text.similar(await in_thread(self._similar, image_id))
        except DatabaseLostError:
            raise
        except DtkError as error:
            found = lines(f"{error.title}\n{error.detail}")
        if self._detail is not None and self._detail.id == image_id and TABS[self._tab] == "Similar":
            self.query_one("#facts-text", Static).update(found)
