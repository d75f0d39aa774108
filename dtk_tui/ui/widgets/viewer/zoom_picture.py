"""A picture that can be zoomed and moved, by every protocol that pictures are drawn with."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from dtk_tui.ui.widgets.picture import Picture, PictureLoader
from dtk_tui.ui.widgets.viewer.viewport import Part, Zoom, part_of

if TYPE_CHECKING:
    from PIL import Image as PILImage

#: A larger picture is decoded at this many pixels in each direction: 200 MB are enough for one picture.
_MOST = (8192, 8192)
#: From this scale on pixels are shown as they are, not smoothed.
_AS_PIXELS = 2.0


@dataclass
class _Whole:
    """A picture as it is in its file: decoded once, by whoever needs it first."""

    image: PILImage.Image | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class _ZoomedLoader(PictureLoader):
    """Cuts out what is seen."""

    zoom: Zoom
    whole: _Whole
    part: Part | None = None

    def load(self, path: str, room: tuple[int, int]) -> PILImage.Image:
        """Return what is seen; see ``previews.load``."""
        if self.zoom.is_fit:
            return super().load(path, room)
        from PIL import Image as PILImage

        with self.whole.lock:
            image = self.whole.image = self.whole.image or super().load(path, _MOST)
        self.part = part_of(image.size, room, self.zoom)
        smooth = PILImage.Resampling.NEAREST if self.part.scale >= _AS_PIXELS else PILImage.Resampling.BICUBIC
        return image.resize(self.part.drawn, smooth, box=self.part.box, reducing_gap=2.0)


class ZoomPicture(Picture, can_focus=True):
    """Shows one file as large as there is room, or a part of it larger."""

    BINDING_GROUP_TITLE = "Picture"
    ABOUT: ClassVar[str] = "One picture with the whole screen for itself. Keys for work and ratings act on it."
    #: Somebody asked for it, and it has the whole screen.
    WITHIN_S = 1.5

    def __init__(self, protocol: str, *, id: str | None = None) -> None:
        super().__init__(protocol, id=id)
        self._zoom = Zoom()
        self._part: Part | None = None
        self._whole = _Whole()

    def show(self, path: str | None) -> None:
        """Show a file as large as there is room, or nothing; the one that is shown keeps its zoom."""
        if path != self._path:
            self._zoom, self._part, self._whole = Zoom(), None, _Whole()
        super().show(path)

    @property
    def scale(self) -> float | None:
        """Pixels of the screen for one of the picture; None while all of it is shown as large as there is room."""
        return None if self._part is None or self._zoom.is_fit else self._part.scale

    @property
    def is_movable(self) -> bool:
        """Whether a part of the picture lies outside."""
        return not self._zoom.is_fit and self._part is not None and not self._part.is_whole

    def zoom(self, by: int) -> None:
        """Show it larger by some steps, or smaller."""
        self._ask(self._zoom.larger(by))

    def fit(self) -> None:
        """Show all of it."""
        self._ask(Zoom())

    def show_actual_size(self) -> None:
        """Show one pixel of it as one of the screen."""
        self._ask(Zoom(is_actual=True, x=self._zoom.x, y=self._zoom.y))

    def move(self, across: int, down: int) -> None:
        """Show what lies further to the right, and further down."""
        if self._part is not None:
            self._ask(self._part.moved(across, down))

    def _ask(self, zoom: Zoom) -> None:
        if zoom != self._zoom and self._path is not None:
            self._zoom = zoom
            super().show(self._path)

    def _loader(self) -> PictureLoader:
        return _ZoomedLoader(self._zoom, self._whole)

    def _loaded(self, loader: PictureLoader) -> None:
        if isinstance(loader, _ZoomedLoader) and loader.zoom == self._zoom:
            self._part = loader.part
            if self._part is not None:
                self._zoom = self._part.zoom
