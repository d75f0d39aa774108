"""One image on the whole screen."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from dtk_tui.domain.queue import Target
from dtk_tui.ui.commands.registry import bindings
from dtk_tui.ui.context import AppContext
from dtk_tui.ui.format import line
from dtk_tui.ui.messages import ImageCursor, ImageSet
from dtk_tui.ui.screens.base import CommandScreen
from dtk_tui.ui.screens.view import IMAGE_MENU
from dtk_tui.ui.widgets.key_footer import KeyFooter
from dtk_tui.ui.widgets.preview import Preview
from dtk_tui.ui.widgets.status import Line


class ImageScreen(CommandScreen[str]):
    """Steps through the images of a list, whose cursor follows; its result is a command for the list, if any."""

    COMMAND_GROUPS = ("detail", "work", "preview")
    BINDINGS: ClassVar[list[BindingType]] = bindings("work", "preview", "detail")

    def __init__(self, context: AppContext, images: ImageCursor) -> None:
        super().__init__(context)
        self._images = images

    def compose(self) -> ComposeResult:
        """Name, picture, facts."""
        context, library = self.context, self.library
        yield Line(id="detail-title", classes="pane-title")
        yield Preview(context.image_protocol, library, context.config.local_path, self.in_keys, id="detail-preview")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Show the image at the list's cursor."""
        self.context.library_changed.subscribe(self, lambda _: self.work_changed())
        self._show()

    def on_resize(self, event: events.Resize) -> None:
        """Picture and facts stand side by side where there is room."""
        self.set_class(event.size.width >= 120, "wide")

    def _show(self) -> None:
        row = self._images.current_row
        number, count = self._images.position
        name, place = row.file_name if row is not None else "", f"   {number:,} of {count:,}"
        self.query_one("#detail-title", Line).show(Content.assemble(line(name, "bold", 300), (place, "$muted")))
        self.query_one(Preview).show(self._images.current_id)

    @property
    def has_images(self) -> bool:
        """Whether there is one to show."""
        return self._images.current_id is not None

    def step(self, by: int) -> None:
        """Go to the next or the previous image."""
        number, count = self._images.position
        if not 1 <= number + by <= count:
            self.context.notify("This is the last image." if by > 0 else "This is the first image.")
        self._images.step(by)
        self._show()

    def go_back(self) -> None:
        """Go back to the list."""
        self.dismiss(None)

    def show_similar(self) -> None:
        """Find images like this one, in the list."""
        self.dismiss("work.similar")

    def show_like(self, image_id: int) -> None:
        """Find images like one, in the list."""
        self.dismiss("work.similar")

    def target(self) -> Target | None:
        """The image that is shown."""
        current = self._images.current_id
        return None if current is None else Target(image_ids=(current,))

    def images(self) -> ImageCursor:
        """The images that are stepped through."""
        return self._images

    def image_sets(self) -> list[ImageSet]:
        """The image that is shown."""
        row = self._images.current_row
        return [] if row is None else [ImageSet(row.file_name, lambda: np.array([row.id], np.int64))]

    def target_name(self) -> str:
        """The image's name."""
        row = self._images.current_row
        return row.file_name if row is not None else "Image"

    def menu(self) -> list[str]:
        """What can be done with an image."""
        return list(IMAGE_MENU)

    def work_changed(self) -> None:
        """Read the image again; it may be another one by now."""
        self._show()
        self.query_one(Preview).again()
