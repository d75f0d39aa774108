"""What is done with images, and with the folders that hold them: queue work, find similar ones, show their facts."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from textual.app import App

from dtk_tui.domain.job import NORMAL, Kind, WorkerState
from dtk_tui.domain.queue import Target
from dtk_tui.errors import UsageError
from dtk_tui.services import queue as queue_service
from dtk_tui.ui.background import in_thread
from dtk_tui.ui.commands.run import Run, ScreenMethod, in_background
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.dialogs import InputDialog
from dtk_tui.ui.messages import MenuOpened, RunQueued
from dtk_tui.ui.widgets.preview import Preview
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable

_show_preview = ScreenMethod("toggle_preview")
#: A row by its number, or by a part of all in percent.
_ROW = re.compile(r"([0-9]{1,18})|([0-9]{1,18}(?:\.[0-9]+)?)%")
_REST = "The rest of this list is still on its way, and nothing was done: try it again in a moment."


def with_subfolders(target: Target | None) -> Target | None:
    """Return a target with all folders below it; None for images, which have none."""
    if target is None or target.image_ids:
        return None
    return target if target.everything else replace(target, recursive=True)


def needs_rest(screen: ContextScreen[Any]) -> str:
    """Refuse what is for all of a list while only the first of it is there."""
    return _REST if screen.is_mounted and screen.is_part and screen.is_all_chosen else ""


def needs_all(screen: ContextScreen[Any]) -> str:
    """Refuse what can be done to a whole list while only the first of it is there."""
    return _REST if screen.is_mounted and screen.is_part and not screen.is_on_folder else ""


def needs_folder(screen: ContextScreen[Any]) -> str:
    """Refuse what is for a folder with those below it."""
    if not screen.is_mounted or screen.is_on_folder:
        return ""
    return "This takes the folders below a folder along: choose one in the tree."


def needs_images(screen: ContextScreen[Any]) -> str:
    """Refuse what is for images."""
    return "" if not screen.is_mounted or screen.has_images else "There is no image here."


def needs_images_now(screen: ContextScreen[Any]) -> str:
    """Refuse what is for images, all of those that are chosen."""
    return needs_images(screen) or needs_rest(screen)


def needs_chosen_images(screen: ContextScreen[Any]) -> str:
    """Refuse what is for chosen images, and not for a folder."""
    if screen.is_mounted and screen.is_on_folder:
        return "This is for images: Tab goes from the folder to them."
    return needs_images_now(screen)


def enqueue(*kinds: Kind, priority: int = NORMAL, deep: bool = False) -> Run:
    """Return a command that queues some kinds of work for the target, ``deep`` with its subfolders."""

    @in_background("enqueue", exclusive=False, asked=True)
    async def run(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
        name = screen.target_name()
        if deep:
            target = with_subfolders(target)
        if target is None:
            context.notify("There is nothing to queue here.", severity="warning")
            return
        library = context.library
        title = f"{name} with subfolders" if deep and not target.everything else name
        result = await in_thread(
            queue_service.enqueue, library.db, library.config, target, kinds, priority=priority, title=title
        )
        words = result.words()
        stats = context.stats.current
        if result.queued and stats is not None and WorkerState.RUNNING not in stats.asked:
            words += f" The worker is {stats.state.value}: {context.key('app.start')} starts it."
        if Kind.CAPTION in kinds and (missing := queue_service.missing_captioner(library.config)):
            words += f" {missing}"
        if result.run is not None:
            screen.app.post_message(RunQueued(result.run))
        context.notify(words)
        context.stats.poll_now()
        if screen.is_mounted and screen.is_attached:
            screen.work_changed()

    return run


def preview(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Show what queueing the target, a folder with all below it, would do, and queue it when that is wanted."""
    from dtk_tui.ui.queue_preview import QueuePreview

    deep = with_subfolders(target)
    wanted = target if deep is None else deep
    if wanted is None:
        context.notify("There is nothing to queue here.", severity="warning")
        return
    is_deep = deep is not None and not deep.everything
    name = f"{screen.target_name()} with subfolders" if is_deep else screen.target_name()

    def answered(yes: bool | None) -> None:
        if yes:
            enqueue(Kind.EMBED, deep=deep is not None)(context, screen, target)

    screen.app.push_screen(QueuePreview(context.library, wanted, name), answered)


def open_menu(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Offer what can be done here."""
    screen.app.post_message(MenuOpened(screen.target_name(), screen.menu()))


def show_tab(number: int) -> Run:
    """Return a command that shows another page of the preview, and the preview where it is hidden."""

    def run(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
        preview = screen.query_one(Preview)
        if not preview.display:
            _show_preview(context, screen, target)
        preview.show_tab(number)

    return run


def ask_for_row(app: App[Any], table: VirtualTable[Any]) -> None:
    """Ask for a row by its number or a part, and go there."""

    def cursor(typed: str) -> int:
        found = _ROW.fullmatch(typed.replace(",", "").replace(" ", ""))
        if found is None:
            raise UsageError("This is no row.", "Type its number, or a part such as 50%.")
        number, part = found.groups()
        return int(number) - 1 if number else round(float(part) / 100 * (table.count - 1))

    def go(typed: str | None) -> None:
        if typed:
            table.cursor = cursor(typed)

    hint = f"a row from 1 to {table.count:,}, or a part such as 50%"
    app.push_screen(InputDialog("Go to", hint, check=cursor), go)
