"""The pictures of tiles: prepared in threads to the last byte, the ones seen last kept."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Size
from textual.strip import Strip

from dtk_tui.domain.library import PictureFile
from dtk_tui.text import cell_width, one_line
from dtk_tui.ui.drivers.link import LinkSpeed
from dtk_tui.ui.widgets.graphics import KittyImage, SixelImage
from dtk_tui.ui.widgets.picture import centred, drawn, room_of

if TYPE_CHECKING:
    from dtk_tui.services.library.thumbnails.thumbnails import Thumbnail

#: So many pictures are decoded at a time.
LOADERS = 3
#: Terminal cells of the pictures that are kept though they are out of sight: some screens of them.
_KEPT_CELLS = 40_000
_LONGEST = 300

# Not the threads that ask the library: those are not to wait for a decoder.
_threads = ThreadPoolExecutor(max_workers=LOADERS, thread_name_prefix="dtk-picture")


@dataclass(frozen=True, slots=True)
class PictureSource:
    """Where the pictures of a grid come from, and how they are drawn.

    Attributes:
        protocol: how pictures are drawn on this terminal; one of ``terminal.PROTOCOLS``.
        files: returns the files of images; called in a thread.
        load: returns the picture of a file in at most a width and a height of pixels; called in threads.
    """

    protocol: str
    files: Callable[[Sequence[int]], Mapping[int, PictureFile]]
    load: Callable[[PictureFile, tuple[int, int]], Thumbnail]


@dataclass(frozen=True, slots=True)
class TilePicture:
    """A picture for a tile: its lines, or Sixel data; ``reason`` says why there is none, or what is wrong with it."""

    strips: list[Strip]
    cells: int
    kitty: KittyImage | None = None
    sixel: SixelImage | None = None
    reason: str = ""

    def free(self) -> None:
        """Take it out of the terminal's memory."""
        if self.kitty is not None:
            self.kitty.free()


@dataclass(frozen=True, slots=True)
class Painter:
    """How the pictures of a grid are prepared: as its source draws them, for tiles of one size.

    Attributes:
        link: by which they go to the screen.
        most: bytes that one may have there; None: any number.
    """

    source: PictureSource
    size: Size
    ground: Style
    console: Console
    link: LinkSpeed
    most: int | None

    async def picture(self, file: PictureFile) -> TilePicture:
        """Prepare the picture of a file, beside the event loop."""
        future = _threads.submit(self._prepare, file)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            future.add_done_callback(_free_late)
            raise

    def _prepare(self, file: PictureFile) -> TilePicture:
        size, protocol = self.size, self.source.protocol
        found = self.source.load(file, room_of(protocol, size))
        reason = one_line(f"{found.reason} {found.detail}", _LONGEST).strip()
        if found.image is None:
            return TilePicture(self._words(found.detail or found.reason), size.area, reason=reason)
        ready = drawn(found.image, protocol, size, self.ground, self.console, self.link, self.most)
        if isinstance(ready, SixelImage):
            return TilePicture([], size.area, sixel=ready, reason=reason)
        if isinstance(ready, KittyImage):
            return TilePicture(ready.strips, size.area, kitty=ready, reason=reason)
        return TilePicture(ready, size.area, reason=reason)

    def _words(self, reason: str) -> list[Strip]:
        wrapped = Text(one_line(reason, _LONGEST)).wrap(self.console, self.size.width)
        lines = [Strip([Segment(one.plain, self.ground)], cell_width(one.plain)) for one in wrapped]
        return centred(lines, self.size, self.ground)


class PictureMemory:
    """The pictures that were shown last, by image."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, TilePicture] = OrderedDict()
        self._old: set[int] = set()
        self._cells = 0

    def __contains__(self, image_id: int) -> bool:
        return image_id in self._kept and image_id not in self._old

    def get(self, image_id: int) -> TilePicture | None:
        """Return the picture of an image, if there is one, be it an old one."""
        return self._kept.get(image_id)

    def put(self, image_id: int, picture: TilePicture, wanted: Set[int]) -> None:
        """Keep a picture; drop the oldest that are not wanted where there are too many."""
        self._drop(image_id)
        self._kept[image_id] = picture
        self._cells += picture.cells
        if self._cells > _KEPT_CELLS:
            for one in [one for one in self._kept if one not in wanted]:
                if self._cells <= _KEPT_CELLS:
                    break
                self._drop(one)

    def expire(self, image_id: int | None = None) -> None:
        """Let the picture of an image (None: all pictures) be prepared again; it is shown until the new one comes."""
        self._old.update(self._kept if image_id is None else (image_id,))

    def clear(self) -> None:
        """Drop all."""
        for one in list(self._kept):
            self._drop(one)

    def _drop(self, image_id: int) -> None:
        picture = self._kept.pop(image_id, None)
        self._old.discard(image_id)
        if picture is not None:
            self._cells -= picture.cells
            if picture.kitty is not None:
                _threads.submit(picture.free)  # the terminal may be slow to take it


def _free_late(future: Future[TilePicture]) -> None:
    """Free a picture that came when nobody waited for it any more."""
    if not future.cancelled() and future.exception() is None:
        future.result().free()
