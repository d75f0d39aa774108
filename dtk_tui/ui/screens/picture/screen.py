"""One picture on the whole screen, without its facts: zoomed, moved, one after the other by itself."""

from __future__ import annotations

import os
from typing import ClassVar

import numpy as np
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.timer import Timer

from dtk_tui.domain.library import ImageRow, PictureFile
from dtk_tui.domain.queue import Target
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.commands.registry import bindings
from dtk_tui.ui.context import AppContext
from dtk_tui.ui.format import line
from dtk_tui.ui.messages import ImageCursor, ImageSet
from dtk_tui.ui.screens.base import CommandScreen
from dtk_tui.ui.screens.view import IMAGE_MENU
from dtk_tui.ui.widgets.key_footer import KeyFooter
from dtk_tui.ui.widgets.picture import Picture
from dtk_tui.ui.widgets.status import Line
from dtk_tui.ui.widgets.viewer.zoom_picture import ZoomPicture

#: A slideshow shows each picture this long, from when it is on the screen.
SLIDE_S = 5.0


class PictureScreen(CommandScreen[int]):
    """Steps through the pictures of a list, whose cursor follows; its result is an image whose likes are asked for."""

    AUTO_FOCUS = "#picture-view"
    COMMAND_GROUPS = ("picture", "work")
    BINDINGS: ClassVar[list[BindingType]] = bindings("picture", "work")

    def __init__(self, context: AppContext, images: ImageCursor) -> None:
        super().__init__(context)
        self._images = images
        self._file_name = ""
        self._row: ImageRow | None = None
        self._shown: int | None = None
        self._is_sliding = False
        self._slide: Timer | None = None

    def compose(self) -> ComposeResult:
        """Name, picture, keys."""
        yield Line(id="picture-title", classes="pane-title")
        yield ZoomPicture(self.context.image_protocol, id="picture-view")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Show the image at the list's cursor."""
        self.context.library_changed.subscribe(self, lambda _: self.work_changed())
        self._show()

    @property
    def view(self) -> ZoomPicture:
        """The picture."""
        return self.query_one(ZoomPicture)

    # -- what is shown ------------------------------------------------------------------------------------------------

    @task("file")
    async def _show(self) -> None:
        current = self._images.current_id
        if current != self._shown:
            self.view.give_up()
        file, self._row = (None, None) if current is None else await in_thread(self._look, current)
        self._file_name = "" if file is None else os.path.basename(file.path)  # noqa: PTH119 (bytes that are not UTF-8)
        if current != self._shown or self.view.is_given_up:
            self._shown = current
            self.view.show(None if file is None else file.path)
        self._draw_title()

    def _look(self, image_id: int) -> tuple[PictureFile | None, ImageRow | None]:
        rows = self.library.image_rows([image_id])
        return self.library.picture_files([image_id]).get(image_id), rows[0] if rows else None

    def _draw_title(self) -> None:
        row, scale = self._row, self.view.scale
        number, count = self._images.position
        parts = [f"{number:,} of {count:,}"]
        if row is not None and row.width and row.height:
            parts.append(f"{row.width}\u00d7{row.height}")
        parts.append("fit" if scale is None else f"{scale:.0%}")
        if row is not None:
            parts += [f"rating {row.rating}"] if row.rating is not None else []
            parts += [word for word, is_set in (("\u2665", row.favorite), ("for deletion", row.for_deletion)) if is_set]
        told = ("   slideshow", "$accent") if self._is_sliding else ("", "")
        title = Content.assemble(line(self._file_name, "bold", 300), ("   " + "   ".join(parts), "$muted"), told)
        self.query_one("#picture-title", Line).show(title)

    @on(Picture.Shown)
    def _picture_shown(self) -> None:
        self._draw_title()
        if self._is_sliding and self._slide is None:
            self._slide = self.set_timer(SLIDE_S, self._slide_on)

    # -- zoom and place -----------------------------------------------------------------------------------------------

    def zoom(self, by: int) -> None:
        """Show the picture larger, or smaller."""
        self.view.zoom(by)

    def fit(self) -> None:
        """Show all of the picture."""
        self.view.fit()

    def show_actual_size(self) -> None:
        """Show one pixel as one of the screen."""
        self.view.show_actual_size()

    def move(self, across: int, down: int) -> None:
        """Move about in a picture that is larger than the screen; else go to the next one, or the one before."""
        if self.view.is_movable:
            self.view.move(across, down)
        else:
            self.step(across + down)

    # -- from one to the next -----------------------------------------------------------------------------------------

    def step(self, by: int) -> None:
        """Go to the next or the previous picture."""
        self._hold_slide()
        number, count = self._images.position
        if 1 <= number + by <= count:
            self._images.step(by)
            self._show()
        else:
            self.context.notify("This is the last image." if by > 0 else "This is the first image.")

    def toggle_slideshow(self) -> None:
        """Show one picture after the other, or stop that."""
        self._hold_slide()
        self._is_sliding = not self._is_sliding
        if self._is_sliding:
            self._slide = self.set_timer(SLIDE_S, self._slide_on)
        self._draw_title()

    def _hold_slide(self) -> None:
        if self._slide is not None:
            self._slide.stop()
            self._slide = None

    def _slide_on(self) -> None:
        self._slide = None
        number, count = self._images.position
        if number < count:
            self.step(1)
        else:
            self._is_sliding = False
            self._draw_title()
            self.context.notify("The slideshow is over: this is the last image.")

    def go_back(self) -> None:
        """Go back."""
        self.dismiss(None)

    def show_similar(self) -> None:
        """Find images like this one, in the list."""
        self.dismiss(self._images.current_id)

    # -- what work is for ---------------------------------------------------------------------------------------------

    @property
    def has_images(self) -> bool:
        """Whether there is one to show."""
        return self._images.current_id is not None

    def target(self) -> Target | None:
        """The image that is shown."""
        current = self._images.current_id
        return None if current is None else Target(image_ids=(current,))

    def images(self) -> ImageCursor:
        """The images that are stepped through."""
        return self._images

    def image_sets(self) -> list[ImageSet]:
        """The image that is shown."""
        current = self._images.current_id
        return [] if current is None else [ImageSet(self.target_name(), lambda: np.array([current], np.int64))]

    def target_name(self) -> str:
        """The image's name."""
        return self._file_name or "Image"

    def menu(self) -> list[str]:
        """What can be done with an image."""
        return list(IMAGE_MENU)

    def work_changed(self) -> None:
        """Show what was given to it; it may be another one by now."""
        self._show()
