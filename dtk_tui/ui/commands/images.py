"""What is done with images, and with the folders that hold them: queue work, find similar ones, show their facts."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from dtk_tui.domain.job import NORMAL, Kind, WorkerState
from dtk_tui.domain.queue import Target
from dtk_tui.errors import UsageError
from dtk_tui.services import queue as queue_service
from dtk_tui.ui.background import in_thread, start_task
from dtk_tui.ui.commands.run import Run, ScreenMethod, in_background
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.dialogs import InputDialog
from dtk_tui.ui.messages import ErrorReported, MenuOpened, RunQueued
from dtk_tui.ui.widgets.preview import Preview
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from dtk_tui.ui.widgets.tables.image_table import ImageTable

_show_preview = ScreenMethod("toggle_preview")
#: A row by its number, or by a part of all in percent.
_ROW = re.compile(r"([0-9]{1,18})|([0-9]{1,18}(?:\.[0-9]+)?)%")
#: What is no row where a date may stand.
_YEAR, _FIRST_YEAR = re.compile(r"(?:19|20)[0-9]{2}"), 1900
_NO_ROW = "There is no row to go to."
_OR_A_DATE = "Type its number, a part (50%) or a date (2025-11)."
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


def ask_for_row(screen: ContextScreen[Any], table: VirtualTable[Any]) -> None:
    """Ask for a row by its number or a part, and go there."""
    if not table.count:
        screen.context.notify(_NO_ROW)
        return

    def go(typed: str | None) -> None:
        if typed:
            table.cursor = _row(table, typed)

    hint = f"a row from 1 to {table.count:,}, or a part such as 50%"
    screen.app.push_screen(InputDialog("Go to", hint, check=partial(_row, table)), go)


def ask_for_image(screen: ContextScreen[Any], table: ImageTable, newest_first: Callable[[], bool | None]) -> None:
    """Ask for a row by its number, a part or a date, and go there; the marks stay.

    Args:
        newest_first: says which way the table is in the order of dates; None: it is in another order. What is shown may
            become another list while one types.
    """
    if not table.count:
        screen.context.notify(_NO_ROW)
        return

    def place(typed: str) -> int | tuple[date, date]:
        is_by_date = newest_first() is not None
        days = _days(typed, or_year=is_by_date)
        if days is None:
            return _row(table, typed, _OR_A_DATE) if is_by_date else _row(table, typed)
        if not is_by_date:
            way = screen.context.key("main.sort")
            raise UsageError("This list is not in the order of dates.", f"Sort it by date with {way}, then go to one.")
        if screen.is_part:
            raise UsageError("The rest of this list is still on its way.", "Try it again in a moment.")
        return days

    def go(typed: str | None) -> None:
        if not typed:
            return
        try:
            found = place(typed)
        except UsageError as error:
            table.post_message(ErrorReported(error, asked=True))
            return
        if isinstance(found, int):
            table.cursor = found
        else:
            work = partial(_go_to_date, screen, table, typed, found, newest_first=bool(newest_first()))
            start_task(table, work, name="go_to_date", group="go-to", asked=True)

    hint = f"a row from 1 to {table.count:,}, a part such as 50%, or a date such as 2025-11-02, 2025-11, 2025"
    if newest_first() is None:
        hint = f"a row from 1 to {table.count:,}, or a part such as 50%"
    elif table.count >= _FIRST_YEAR:
        hint += "; 2,025 is a row"
    screen.app.push_screen(InputDialog("Go to", hint, check=place), go)


async def _go_to_date(
    screen: ContextScreen[Any], table: ImageTable, typed: str, days: tuple[date, date], *, newest_first: bool
) -> None:
    from dtk_tui.ui.widgets.tables.by_date import first_of_date

    ids, fetch = table.ids_in_order, screen.library.image_rows
    place, is_of_date = await in_thread(first_of_date, ids, fetch, days, newest_first=newest_first)
    table.go_to_image(int(ids[place]))
    if not is_of_date:
        screen.context.notify(f"No image of this list is of {typed}: this is the nearest one.")


def _row(table: VirtualTable[Any], typed: str, expected: str = "Type its number, or a part such as 50%.") -> int:
    """Return the row, from 0, that a number or a part stands for."""
    found = _ROW.fullmatch(typed.replace(",", "").replace(" ", ""))
    if found is None:
        raise UsageError("This is no row.", expected)
    number, part = found.groups()
    return int(number) - 1 if number else round(float(part) / 100 * (table.count - 1))


def _days(typed: str, *, or_year: bool) -> tuple[date, date] | None:
    """Return the first and the last day of what is typed as a date; None: it is none.

    Args:
        or_year: four digits that may well be a year are one, and no row.
    """
    from dtk_tui.domain.query.dates import calendar_days

    if typed.isdecimal() and not (or_year and _YEAR.fullmatch(typed)):
        return None
    return calendar_days(typed)
