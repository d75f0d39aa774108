"""Opening the chosen images in another program."""

from __future__ import annotations

from typing import Any

from dtk_tui.domain.queue import Target
from dtk_tui.services.library.picture.open_with import open_with
from dtk_tui.text import counted, one_line
from dtk_tui.ui.background import in_thread
from dtk_tui.ui.commands.organise import chosen_ids
from dtk_tui.ui.commands.run import in_background
from dtk_tui.ui.context import AppContext, ContextScreen

#: No more files are handed over at once.
_MOST = 20


@in_background("open", asked=True)
async def open_outside(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Open the chosen images in the program of the config."""
    ids = [int(number) for number in chosen_ids(context, target)[: _MOST + 1]]
    if len(ids) > _MOST:
        context.notify(f"At most {_MOST} images are opened at once.", severity="warning")
    elif ids:
        files = await in_thread(context.library.picture_files, ids)
        paths = [files[number].path for number in ids if number in files]
        name = await in_thread(open_with, context.config.settings.preview.open_with, paths)
        context.notify(f"Opened in {one_line(name, 60)}: {counted(len(paths), 'image')}.")
