"""What is done with the folders of the library: add, scan, leave out, take out, forget what is gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from dtk_tui.domain.library import FolderRow, Rule
from dtk_tui.domain.queue import Target
from dtk_tui.errors import DatabaseLostError, UsageError
from dtk_tui.services.library.browse import MOST_FOLDERS
from dtk_tui.services.library.folder_rules import absolute, require_folder
from dtk_tui.text import counted, one_line
from dtk_tui.ui.background import in_thread, start_task
from dtk_tui.ui.commands.run import Run, in_background
from dtk_tui.ui.context import AppContext, ContextScreen, LibraryChange
from dtk_tui.ui.dialogs import Confirm, FolderDialog
from dtk_tui.ui.folder_dialog import FolderFinder
from dtk_tui.ui.widgets.folder_tree import FolderTree
from dtk_tui.ui.widgets.path_input import FolderSuggester, typed_path

# -- scans ------------------------------------------------------------------------------------------------------------


def add_folder(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Ask for a folder and scan it."""
    _ask_folder(context, screen, str(Path.home()) + "/")


def _ask_folder(context: AppContext, screen: ContextScreen[Any], typed: str, refused: str = "") -> None:
    def answered(asked: tuple[str, bool] | None) -> None:
        if asked is None:
            return
        work = partial(_add, context, screen, asked[0], recursive=asked[1])
        start_task(screen.app, work, name="add_folder", group="add folder", asked=True)

    screen.app.push_screen(FolderDialog("Add a folder of images", typed, FolderSuggester(), refused), answered)


async def _add(context: AppContext, screen: ContextScreen[Any], typed: str, *, recursive: bool) -> None:
    # To look at a path takes as long as the file system likes.
    path = await in_thread(absolute, await in_thread(typed_path, typed))
    try:
        await in_thread(require_folder, path)
    except UsageError as error:
        _ask_folder(context, screen, typed, f"{error.title} {error.detail}")
        return
    if not recursive:
        await in_thread(context.library.add_folder, path, recursive=False)
    scan(context, path)


def find_folder(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Ask for words of a folder's path, and go to the one that is chosen."""

    def answered(chosen: FolderRow | None) -> None:
        if chosen is not None:
            work = partial(_go_to, context, screen, chosen.id)
            start_task(screen.app, work, name="go_to_folder", group="go to folder", asked=True)

    screen.app.push_screen(FolderFinder(context.library.find_folders, MOST_FOLDERS), answered)


async def _go_to(context: AppContext, screen: ContextScreen[Any], folder_id: int) -> None:
    way = await in_thread(context.library.way_to, folder_id)
    tree = screen.query_one(FolderTree)
    if way:
        tree.reveal(way)
        tree.focus()


def scan_again(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Scan the folder that is chosen again, or all folders of the library."""
    folder = screen.folder()
    if folder is not None:
        scan(context, folder.path)
    elif screen.query_one(FolderTree).has_folders:
        scan(context)
    else:
        add_folder(context, screen, target)


def scan(context: AppContext, *paths: str) -> None:
    """Scan folders, without any all of the library, unless a scan is under way."""
    if not context.tasks.start_scan(*paths):
        context.notify("A scan is running already.", severity="warning")


# -- rules ------------------------------------------------------------------------------------------------------------


def set_rule(change: Callable[[Rule], Rule], back: tuple[str, str] | None = None) -> Run:
    """Return a command that gives the chosen folder another rule, which ``change`` makes of its own one.

    Args:
        back: the command that gives it its rule of before, and what the notice says of it.
    """

    @in_background("rule", asked=True)
    async def run(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
        folder = _chosen(context, screen)
        if folder is None:
            return
        rule = change(Rule(folder.excluded, folder.archived, folder.recursive))
        said = await in_thread(context.library.set_rule, folder.path, rule)
        way_back = f" {context.key(back[0])} {back[1]}." if back is not None else ""
        context.notify(f"{folder.path} {said}{way_back}")
        context.library_changed.publish(LibraryChange.RULES)
        if not (rule.excluded or rule.archived) and context.tasks.scan is None:
            scan(context, folder.path)

    return run


exclude = set_rule(lambda rule: Rule(excluded=True), back=("folders.include", "includes it again"))
archive = set_rule(lambda rule: Rule(archived=True), back=("folders.include", "includes it again"))
include = set_rule(lambda rule: Rule())
alone = set_rule(lambda rule: replace(rule, recursive=not rule.recursive), back=("folders.alone", "takes it back"))


def _chosen(context: AppContext, screen: ContextScreen[Any]) -> FolderRow | None:
    folder = screen.folder()
    if folder is None:
        context.notify("Choose a folder of the tree first.", severity="warning")
    return folder


# -- taking out -------------------------------------------------------------------------------------------------------


@in_background("folder size", asked=True)
async def remove_folder(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Take the chosen folder out of the library, after a question."""
    folder = _chosen(context, screen)
    if folder is None:
        return
    below, images = await in_thread(context.library.folder_size, folder.id)
    text = (
        f"{folder.path}\n\n{counted(below, 'folder')}, {counted(images, 'image')} with all that is known of them: "
        "ratings, tags, captions, vectors. The files stay."
    )

    def answered(yes: bool | None) -> None:
        if yes:
            some = partial(context.library.take_out_some, folder.id)
            _start_taking_out(context, screen, images, "taken out of the library", some)

    screen.app.push_screen(Confirm("Take this out of the library?", text, "Take it out"), answered)


@in_background("folder size", asked=True)
async def forget_missing(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Forget the images whose files are gone, of the folder that work is for or of all, after a question."""
    folder = screen.folder() if target is not None and not target.image_ids else None
    number, path = (None, None) if folder is None else (folder.id, folder.path)
    images = await in_thread(context.library.missing, number)
    where = "the library" if folder is None else one_line(folder.name, 60)
    if not images:
        context.notify(f"No image of {where} is without its file.")
        return
    away = await in_thread(context.library.roots_away, path)
    text = f"{counted(images, 'image')} of {where} without a file, with ratings, tags, captions and vectors."
    text += "".join(f"\n\nAll of {lost} is away: is its disk mounted?" for lost in away)

    def answered(yes: bool | None) -> None:
        if yes:
            _start_taking_out(context, screen, images, "forgotten", partial(context.library.forget_some, number))

    screen.app.push_screen(Confirm("Forget images?", text, "Forget them" if images > 1 else "Forget it"), answered)


def _start_taking_out(
    context: AppContext, screen: ContextScreen[Any], images: int, verb: str, some: Callable[[], int]
) -> None:
    if context.tasks.scan is not None:
        context.notify("A scan is running: this must wait for its end.", severity="warning")
        return
    work = partial(_take_out, context, images, verb, some)
    start_task(screen.app, work, name="take_out", group="take out", exclusive=False)


async def _take_out(context: AppContext, images: int, verb: str, some: Callable[[], int]) -> None:
    done = 0
    try:
        while taken := await in_thread(some):
            done += taken
            context.tasks.activity.publish(f"{done:,} of {counted(images, 'image')} {verb}")
    except DatabaseLostError:
        context.notify(f"Only {counted(done, 'image')} {verb}: the database went away. Ask again when it is back.")
        raise
    finally:
        context.tasks.activity.publish("")
        context.library_changed.publish(LibraryChange.IMAGES)
    context.notify(f"{counted(done, 'image')} {verb}.")
