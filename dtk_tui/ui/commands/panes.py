"""How wide the panes beside the images are."""

from __future__ import annotations

from typing import Any

from dtk_tui.domain.queue import Target
from dtk_tui.ui.commands.run import Run
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.widgets.side_pane import SidePane

#: By how many cells a key moves a border.
_STEP = 4


def _shown(screen: ContextScreen[Any]) -> list[SidePane]:
    return [pane for pane in screen.query(SidePane) if pane.display]


def resize(sign: int) -> Run:
    """Return a command that makes the pane with the focus wider, or narrower."""

    def run(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
        panes = _shown(screen)
        focused = next((pane for pane in panes if pane.has_focus_within), None)
        # The images take their room from the preview, and without one from the folders.
        pane, step = (panes[-1], -sign * _STEP) if focused is None else (focused, sign * _STEP)
        if not pane.resize_to(pane.width + step):
            context.notify(f"This pane cannot be {'wider' if sign > 0 else 'narrower'}.")

    return run


def reset(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Make all panes as wide as usual."""
    for pane in _shown(screen):
        pane.reset()
