"""A pane beside the images whose border can be moved, with the mouse or by commands; its width is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Literal

from textual import events
from textual.containers import Vertical

from dtk_tui.services.view_state import ViewState
from dtk_tui.ui.background import in_thread, task

#: The narrowest that a pane can be made, and what is left to the images, in cells.
_LEAST, _LEAST_IMAGES = 14, 30
#: How long a width must rest before it is kept.
_REST_S = 0.3


class SidePane(Vertical):
    """A pane left or right of the images.

    Args:
        border: on which side of it the border is that can be moved.
        state: where its width is kept from session to session; None leaves it as the styles say.
    """

    def __init__(self, border: Literal["left", "right"], state: ViewState | None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._border = border
        self._state = state
        self._is_dragged = False
        self._chosen = 0
        #: Widths that rest before they are kept.
        self._resting: dict[str, int] = {}

    @property
    def _kept_as(self) -> str:
        return f"{'wide' if self.screen.has_class('wide') else 'narrow'}_{self.id}"

    def fit(self) -> None:
        """Take the width that was chosen for a screen like this; those that were chosen share what room there is."""
        kept = self._kept_width
        if not kept:
            self._be_usual()
            return
        shown = list(self._shown())
        room = self.screen.size.width - _LEAST_IMAGES - sum(one._usual_width for one in shown if not one._kept_width)
        chosen = max(kept, sum(one._kept_width for one in shown))
        self._become(max(_LEAST, min(kept, kept * room // chosen)))

    @property
    def width(self) -> int:
        """How wide it is, or will be when it is drawn again, in cells."""
        return self._chosen or self.outer_size.width

    @property
    def _kept_width(self) -> int:
        if self._state is None:
            return 0
        name = self._kept_as
        return max(0, self._resting[name] if name in self._resting else self._state.number(name))

    @property
    def _usual_width(self) -> int:
        usual = self.styles.base.width
        if usual is None:
            return 0
        return int(usual.value if usual.is_cells else usual.value * self.screen.size.width / 100)

    def _shown(self) -> Iterable[SidePane]:
        return (one for one in self.screen.query(SidePane) if one.display)

    def resize_to(self, width: int) -> bool:
        """Become so many cells wide, as far as there is room, and return whether that is another width than before."""
        beside = sum(one.width for one in self._shown() if one is not self)
        width = max(_LEAST, min(width, self.screen.size.width - beside - _LEAST_IMAGES))
        if self._state is None or width == self.width:
            return False
        self._become(width)
        self._keep(width)
        return True

    def _become(self, width: int) -> None:
        self._chosen = width
        self.styles.width = width

    def _be_usual(self) -> None:
        self._chosen = 0
        if self.styles.inline.clear_rule("width"):
            self.refresh(layout=True)

    def reset(self) -> None:
        """Become as wide as the styles say."""
        self._be_usual()
        self._keep(0)

    def _keep(self, width: int) -> None:
        self._resting[self._kept_as] = width
        self._write()

    @task("width")
    async def _write(self) -> None:
        await asyncio.sleep(_REST_S)  # a mouse that drags would have it written at each cell
        if self._state is not None:
            written = dict(self._resting)
            await in_thread(self._state.keep, **written)
            self._resting = dict(self._resting.items() - written.items())

    def on_unmount(self) -> None:
        """Keep what had no time to rest."""
        if self._state is not None and self._resting:
            self._state.keep(**self._resting)

    # -- the mouse ----------------------------------------------------------------------------------------------------

    def _is_on_border(self, event: events.MouseEvent) -> bool:
        return event.x == (0 if self._border == "left" else self.outer_size.width - 1)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to move the border."""
        if self._state is not None and event.button == 1 and self._is_on_border(event):
            event.stop()
            self._is_dragged = True
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the border to where the mouse is; a button that was let go elsewhere is not held."""
        if self._is_dragged and not event.button:
            self._let_go()
        elif self._is_dragged:
            event.stop()
            left, right = self.region.x, self.region.right
            self.resize_to(event.screen_x - left + 1 if self._border == "right" else right - event.screen_x)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Leave the border where it is."""
        if self._is_dragged:
            event.stop()
            self._let_go()

    def _let_go(self) -> None:
        self._is_dragged = False
        self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        """Two clicks on the border make the pane as wide as usual."""
        if self._state is not None and event.chain == 2 and self._is_on_border(event):
            event.stop()
            self.reset()
