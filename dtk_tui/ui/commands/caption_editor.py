"""Opening the caption editor and the edit of many captions, and what they ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dtk_tui.domain.captions import Draft
from dtk_tui.domain.queue import Target
from dtk_tui.services.captions.editor import CaptionPage
from dtk_tui.text import counted, one_line
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.dialogs import Confirm, Entry, Menu
from dtk_tui.ui.messages import BatchEditOpened, CaptionEditorOpened


def edit(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Edit the captions of the marked images, or of the one at the cursor and those behind it."""
    images = screen.images()

    def closed() -> None:
        if screen.is_mounted and screen.is_attached:
            screen.work_changed()

    if images is None or images.current_id is None:
        context.notify("There is no image here whose caption could be edited.", severity="warning")
        return
    screen.app.post_message(CaptionEditorOpened(images, closed))


def edit_many(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Show the edit of the captions of what is chosen, listed or found."""
    sets = screen.image_sets()
    if sets:
        screen.app.post_message(BatchEditOpened(sets))
    else:
        context.notify("There are no images here.", severity="warning")


def ask_about_draft(page: CaptionPage, draft: Draft) -> Confirm:
    """Ask what becomes of a text that was typed before and not saved."""
    when = f"{draft.saved_at.astimezone():%Y-%m-%d %H:%M:%S}"
    text = f"{counted(len(draft.text.split()), 'word')} from {when}: {one_line(draft.text, 200)}"
    if draft.base_id != page.base_id:
        text += "\n\nThe caption was changed since then: the versions show how."
    return Confirm("Take up the text that was not saved?", text, "Take it up", "Keep it among the versions")


def ask_what_becomes_of_it() -> Menu:
    """Ask what becomes of a text that is left without having been saved: ``save``, ``keep`` or ``discard``."""
    entries = [
        Entry("Save it", "s", "save", "s"),
        Entry("Keep it as a draft", "k", "keep", "k"),
        Entry("Discard it", "d", "discard", "d"),
    ]
    return Menu("The text is not saved.", entries)


def ask_for_caption(page: CaptionPage, types: Sequence[tuple[str, str]]) -> Menu:
    """Ask which caption of an image is edited: those that it has first, then other types, given as name and title."""
    there = list(dict.fromkeys(one.type for one in page.all_current))
    entries = [Entry(f"\u25cf {one_line(name, 60)}", "", name) for name in there]
    entries += [Entry(f"  {one_line(title, 60)}", "", name) for name, title in types if name not in there]
    return Menu("Edit which caption of this image?", entries)


def ask_for_type(page: CaptionPage, types: Sequence[tuple[str, str]]) -> Menu:
    """Ask as which type of caption a model writes the text anew, that of the page first."""
    ordered = sorted(types, key=lambda one: one[0] != page.type)
    return Menu("Let the model write which caption?", [Entry(one_line(title, 60), "", name) for name, title in ordered])
