"""Tags and albums of the chosen images, and what is for deletion."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from textual.suggester import Suggester

from dtk_tui.domain.organise import Collection
from dtk_tui.domain.queue import Target
from dtk_tui.services.library.organise import albums, trash
from dtk_tui.services.library.organise.albums import ALBUMS
from dtk_tui.services.library.organise.collections import Collections, named_in, require_free
from dtk_tui.services.library.organise.tags import TAGS
from dtk_tui.text import counted, file_size, one_line
from dtk_tui.ui.background import in_thread, start_task
from dtk_tui.ui.commands.organise import Work, carry_out, chosen_ids
from dtk_tui.ui.commands.run import Run, in_background
from dtk_tui.ui.context import AppContext, ContextScreen, LibraryChange
from dtk_tui.ui.dialogs import Confirm, Entry, InputDialog, Menu
from dtk_tui.ui.format import name_words, trash_words
from dtk_tui.ui.messages import CollectionsOpened
from dtk_tui.ui.widgets.search_line import SearchLine

#: So many tags or albums are offered to be taken away.
_OFFERED = 200
_NEW = "new"
_SHOWN = 60
_NOTHING_FLAGGED = "No image is for deletion; {} flags one."


def _start(context: AppContext, screen: ContextScreen[Any], title: str, number: int, work: Work, each: int = 1) -> None:
    """Edit images, now that a person has answered."""
    doing = partial(carry_out, context, screen, title, number, work, each=each)
    start_task(screen.app, doing, name="edit", group="organise", exclusive=False, asked=True)


# -- tags -------------------------------------------------------------------------------------------------------------


class TagSuggester(Suggester):
    """Completes the last of several names by the tags that people gave, which are fetched once."""

    def __init__(self, fetch: Callable[[], list[Collection]]) -> None:
        super().__init__(use_cache=False)
        self._fetch = fetch
        self._names: list[str] | None = None

    async def get_suggestion(self, value: str) -> str | None:
        """Return what is typed with the last name completed; None: there is no such tag."""
        if self._names is None:
            self._names = [tag.name for tag in await in_thread(self._fetch)]
        typed = value.rpartition(",")[2].lstrip()
        found = next((name for name in self._names if typed and name.lower().startswith(typed.lower())), None)
        return None if found is None or not found.isprintable() else value + found[len(typed) :]


def add_tags(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Ask for tags, and give them to the chosen images."""
    ids = chosen_ids(context, target)
    if not ids:
        return

    def answered(text: str | None) -> None:
        if text is not None:
            names = named_in(text)
            title = f"Tag {one_line(', '.join(names), _SHOWN)}"
            add = partial(TAGS.add, context.library.db, ids, names)
            _start(context, screen, title, len(ids), add, each=len(names))

    hint = "one or more names, with commas between them; Tab takes the completion"
    suggester = TagSuggester(partial(TAGS.listed, context.library.db))
    ask = InputDialog(f"Tag {screen.target_name()}", hint, suggester=suggester, check=named_in)
    screen.app.push_screen(ask, answered)


# -- albums -----------------------------------------------------------------------------------------------------------


@in_background("organise", exclusive=False, asked=True)
async def add_to_album(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Offer the albums, and put the chosen images into one, or into a new one."""
    ids = chosen_ids(context, target)
    if not ids:
        return
    db = context.library.db
    albums_there = await in_thread(ALBUMS.listed, db)
    found = [album for album in albums_there if album.query is None]

    def named(name: str | None) -> None:
        if name is not None:
            title = f"Album {one_line(name, _SHOWN)}"
            _start(context, screen, title, len(ids), partial(_create, context, name, ids))

    def answered(result: str | None) -> None:
        if result == _NEW:
            check = partial(require_free, albums_there)
            screen.app.push_screen(InputDialog("A new album", "its name", check=check), named)
        elif result is not None:
            name = result.removeprefix("=")
            title = f"Into the album {one_line(name, _SHOWN)}"
            _start(context, screen, title, len(ids), partial(ALBUMS.add, db, ids, [name]))

    entries = [Entry("A new album\u2026", "n", _NEW, "n")]
    entries += [Entry(f"{name_words(album.name, _SHOWN)}  {album.images:,}", "", f"={album.name}") for album in found]
    screen.app.push_screen(Menu(f"Put {screen.target_name()} into which album?", entries), answered)


def _create(context: AppContext, name: str, ids: Any, progress: Any, stop: Any) -> Any:
    return albums.create(context.library.db, name, ids, None, progress, stop)


# -- taking away ------------------------------------------------------------------------------------------------------


def _take_away(collections: Collections, nothing: str, question: str) -> Run:
    """Return a command that offers the tags or albums of the chosen images, and takes one of these away.

    Args:
        nothing: what is said where they have none.
        question: the title of the offer.
    """

    @in_background("organise", exclusive=False, asked=True)
    async def run(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
        ids = chosen_ids(context, target)
        if not ids:
            return
        db = context.library.db
        found = await in_thread(collections.of_images, db, ids, _OFFERED)
        if not found:
            context.notify(nothing)
            return

        def answered(name: str | None) -> None:
            if name is not None:
                title = collections.removed.format(one_line(name, _SHOWN))
                _start(context, screen, title, len(ids), partial(collections.remove, db, ids, name))

        entries = [Entry(_listed(one), "", one.name) for one in found]
        screen.app.push_screen(Menu(question, entries), answered)

    return run


def _listed(one: Collection) -> str:
    name = name_words(one.name, _SHOWN)
    return f"{name}  {one.images:,}" if one.images else name


remove_tag = _take_away(
    TAGS, "Nobody gave a tag to what is chosen. What models say is not taken away.", "Take which tag away?"
)
remove_from_album = _take_away(ALBUMS, "What is chosen is in no album.", "Take it out of which album?")


# -- lists ------------------------------------------------------------------------------------------------------------


def open_collections(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Show the albums, and the tags that people gave."""
    screen.app.post_message(CollectionsOpened(screen.query_one(SearchLine).ask))


# -- deletion ---------------------------------------------------------------------------------------------------------


@in_background("review", asked=True)
async def review(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Show the images that are for deletion."""
    if not await in_thread(trash.is_any_flagged, context.library.db):
        context.notify(_NOTHING_FLAGGED.format(context.key("work.for_deletion")))
        return
    screen.query_one(SearchLine).ask("delete:true")
    trash_key, flag = context.key("main.trash"), context.key("work.for_deletion")
    context.notify(f"{trash_key} moves their files into the trash; {flag} takes the flag from what is chosen.")


@in_background("trash", asked=True)
async def to_trash(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Move the files that are for deletion into the system's trash, after a question."""
    db = context.library.db
    files = await in_thread(trash.flagged, db)
    if not files:
        context.notify(_NOTHING_FLAGGED.format(context.key("work.for_deletion")))
        return

    def answered(yes: bool | None) -> None:
        if yes:
            work = partial(_move, context, files)
            start_task(screen.app, work, name="to_trash", group="trash", exclusive=False, asked=True)

    size = file_size(sum(file.size for file in files))
    text = "\n".join(one_line(file.path, 200) for file in files[:8])
    text += f"\n... and {len(files) - 8:,} more" if len(files) > 8 else ""
    text += "\n\nWhat is taken out of the trash again comes back with the next scan."
    title = f"Move {counted(len(files), 'file')} ({size}) into the trash?"
    screen.app.push_screen(Confirm(title, text, "Move it" if len(files) == 1 else "Move them"), answered)


async def _move(context: AppContext, files: Any) -> None:
    tasks = context.tasks
    tasks.activity.publish(f"Moving {counted(len(files), 'file')} into the trash")
    try:
        result = await in_thread(trash.to_trash, context.library.db, context.config, files)
    finally:
        tasks.activity.publish("")
        context.library_changed.publish(LibraryChange.IMAGES)
    context.notify(trash_words(result), severity="warning" if result.failed else "information")
