"""Showing images as thumbnails, and how large; both are kept for the next session."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from dtk_tui.domain.queue import Target
from dtk_tui.ui.background import in_thread
from dtk_tui.ui.commands.run import Run, in_background
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.widgets.grid.image_grid import ImageGrid
from dtk_tui.ui.widgets.grid.pictures import PictureSource
from dtk_tui.ui.widgets.grid.tiles import WIDTHS

if TYPE_CHECKING:
    from dtk_tui.services.library.thumbnails.thumbnails import Thumbnails

_IS_SHOWN, _WIDTH = "grid", "grid_width"
_FIRST_WIDTH = 1


def pictures(context: AppContext) -> PictureSource:
    """Return where the thumbnails of a library come from."""

    @cache
    def thumbnails() -> Thumbnails:
        # Decoders are loaded by the first tile, in its thread.
        from dtk_tui.services.library.thumbnails.thumbnails import thumbnails_of

        return thumbnails_of(context.config, context.tasks.emit)

    source = context.library.picture_files
    return PictureSource(context.image_protocol, source, lambda file, room: thumbnails().load(file, room))


def restore(context: AppContext, screen: ContextScreen[Any]) -> None:
    """Show images as they were shown in the last session."""
    state = context.view_state
    width = state.number(_WIDTH, _FIRST_WIDTH)
    screen.query_one(ImageGrid).show_as(grid=bool(state.number(_IS_SHOWN)), width=width)


async def _show(context: AppContext, grid: ImageGrid, *, shown: bool, width: int) -> None:
    grid.show_as(grid=shown, width=width)
    await in_thread(context.view_state.keep, **{_IS_SHOWN: int(grid.is_grid), _WIDTH: grid.tile_width})


@in_background("grid")
async def toggle(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Show thumbnails instead of the table, or the table again."""
    grid = screen.query_one(ImageGrid)
    if grid.can_be_grid:
        await _show(context, grid, shown=not grid.is_grid, width=grid.tile_width)
        if not grid.count:
            way = "thumbnails" if grid.is_grid else "a table"
            context.notify(f"There is no image here. The next ones are shown as {way}.")
    else:
        context.notify("Pictures are off: [preview] protocol in config.toml says so.", severity="warning")


def resize(step: int) -> Run:
    """Return a command that shows larger thumbnails, or smaller ones."""

    @in_background("grid")
    async def run(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
        grid = screen.query_one(ImageGrid)
        if 0 <= grid.tile_width + step < len(WIDTHS):
            await _show(context, grid, shown=True, width=grid.tile_width + step)
        else:
            context.notify(f"These are the {'largest' if step > 0 else 'smallest'} thumbnails.")

    return run


def needs_thumbnails(screen: ContextScreen[Any]) -> str:
    """Refuse what is for thumbnails where there are none."""
    is_grid = not screen.is_mounted or screen.query_one(ImageGrid).is_grid
    return "" if is_grid else f"This is for thumbnails: {screen.context.key('main.grid')} shows them."
