"""Rating and flagging the chosen images, and taking the last edit back; where they are many, after a question."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import PurePath
from typing import Any

from dtk_tui.domain.journal import Edit, Undone
from dtk_tui.domain.organise import HIGHEST_RATING, EditDone, Mark, MarkEdit
from dtk_tui.domain.queue import Target
from dtk_tui.errors import UsageError
from dtk_tui.services.library import journal
from dtk_tui.services.library.edits import Progress
from dtk_tui.services.library.organise import bulk, marks
from dtk_tui.text import counted, one_line
from dtk_tui.ui.background import in_thread
from dtk_tui.ui.commands.run import Run, in_background
from dtk_tui.ui.context import AppContext, ContextScreen, LibraryChange
from dtk_tui.ui.dialogs import Confirm, InputDialog
from dtk_tui.ui.format import edit_words

#: More images than these are edited only after a question, and with their progress in sight.
_MANY = 1000
_NOTHING = "Choose images first."

Work = Callable[[Progress, threading.Event | None], EditDone]


def chosen_ids(context: AppContext, target: Target | None) -> Sequence[int]:
    """Return the images that a command is for; says so where there are none."""
    ids = () if target is None else target.image_ids
    if not ids:
        context.notify(_NOTHING, severity="warning")
    return ids


async def carry_out(
    context: AppContext,
    screen: ContextScreen[Any],
    title: str,
    number: int,
    work: Work,
    *,
    is_seen: bool = False,
    each: int = 1,
) -> None:
    """Edit images at once, one edit after the other; many of them after a question, beside the screens.

    Args:
        number: how many images it is for; 0: it is for an album itself.
        is_seen: whether the edit of one image is seen in its line, so that nobody has to be told.
        each: how often it may change one image.
    """
    if context.tasks.is_editing:
        context.notify("Another edit is under way.", severity="warning")
        return
    if number > _MANY:
        _ask(context, screen, title, number, work)
        return
    async with context.tasks.edits_in_order:
        done = await in_thread(work, bulk.silent, None)
    if done.journal is None:
        context.notify(f"{title}: it was so already.")
    elif number > 1 or not is_seen:
        words = edit_words(done) if each == 1 else f"{counted(done.changed, 'change')}."
        told = f"{title}: {words}" if number else f"{title}."
        context.notify(f"{told} {context.key('work.undo')} takes it back.")
    context.library_changed.publish(LibraryChange.MARKS)


def _ask(context: AppContext, screen: ContextScreen[Any], title: str, number: int, work: Work) -> None:
    def answered(yes: bool | None) -> None:
        if yes and not context.tasks.start_edit(title, work):
            context.notify("Another edit is under way.", severity="warning")

    text = f"{counted(number, 'image')}, all or none of them. {context.key('app.journal')} stops it and takes it back."
    screen.app.push_screen(Confirm(f"{one_line(title, 100)}?", text, "Do it"), answered)


def _mark(edit: MarkEdit) -> Run:
    @in_background("organise", exclusive=False, asked=True)
    async def run(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
        ids = chosen_ids(context, target)
        if ids:
            work = partial(marks.apply, context.library.db, ids, edit)
            await carry_out(context, screen, edit.title, len(ids), work, is_seen=True)

    return run


def rate(rating: int | None) -> Run:
    """Return a command that gives the chosen images a rating; None takes it away."""
    return _mark(MarkEdit(Mark.RATING, rating))


def flag(mark: Mark) -> Run:
    """Return a command that flags the chosen images, or takes the flag away where all of them have it."""

    @in_background("organise", exclusive=False, asked=True)
    async def run(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
        ids = chosen_ids(context, target)
        if not ids:
            return
        async with context.tasks.flags_in_order:
            async with context.tasks.edits_in_order:
                has_it = await in_thread(marks.all_have, context.library.db, ids, mark)
            edit = MarkEdit(mark, int(not has_it))
            work = partial(marks.apply, context.library.db, ids, edit)
            await carry_out(context, screen, edit.title, len(ids), work, is_seen=True)

    return run


def ask_rating(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Ask for the rating of the chosen images."""
    if not chosen_ids(context, target):
        return

    def answered(text: str | None) -> None:
        if text is None:
            return
        rate(int(text) if text else None)(context, screen, target)

    hint = f"0 to {HIGHEST_RATING}; nothing takes the rating away"
    ask = InputDialog(f"Rate {screen.target_name()}", hint, may_be_empty=True, check=_check_rating)
    screen.app.push_screen(ask, answered)


def _check_rating(text: str) -> None:
    if not (text.isascii() and text.isdigit() and int(text[:9]) <= HIGHEST_RATING):
        raise UsageError(f"A rating is 0 to {HIGHEST_RATING}.")


# -- undo and redo ----------------------------------------------------------------------------------------------------


def turn(*, redo: bool) -> Run:
    """Return a command that takes the last edit back, or does the one again that was taken back last."""
    act = journal.redo if redo else journal.undo

    @in_background("organise", exclusive=False, asked=True)
    async def run(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
        db = context.library.db
        if context.tasks.is_editing:
            context.notify("Another edit is under way.", severity="warning")
            return
        async with context.tasks.edits_in_order:
            edit = await in_thread(journal.last_edit, db, undone=redo)
            if edit is None:
                context.notify("There is nothing to do again." if redo else "There is nothing to undo.")
                return
            if edit.changed <= _MANY:
                done = await in_thread(act, db, edit.id)
                _tell(context, edit, done, redo=redo)
                return
        title = f"{'Do edit' if redo else 'Undo of edit'} {edit.id}{' again' if redo else ''}"

        def answered(yes: bool | None) -> None:
            if yes and not context.tasks.start_edit(title, partial(act, db, edit.id)):
                context.notify("Another edit is under way.", severity="warning")

        text = f"{one_line(edit.title, 300)}\n{counted(edit.changed, 'change')}."
        screen.app.push_screen(Confirm(f"{title}?", text, "Do it again" if redo else "Undo it"), answered)

    return run


def _tell(context: AppContext, edit: Edit, done: Undone, *, redo: bool) -> None:
    title = one_line(edit.title, 100)
    if done.path is not None:
        title += f" ({one_line(PurePath(done.path).name, 60)})"
    words = f"{counted(done.restored, 'change')}." if not done.left else edit_words(done)
    if redo:
        context.notify(f"Done again: {title}: {words}")
    else:
        context.notify(f"Undone: {title}: {words} {context.key('work.redo')} does it again.")
    context.library_changed.publish(LibraryChange.MARKS)
