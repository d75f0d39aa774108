"""All commands in one table: bindings, palette, menus, help and the check of ``[keys]`` read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from textual.app import App
from textual.binding import BindingType
from textual.message import Message

from dtk_tui.config import Config
from dtk_tui.domain.job import NOW, Kind, WorkerState
from dtk_tui.domain.organise import Mark
from dtk_tui.domain.queue import Target
from dtk_tui.ui.commands import (
    appearance,
    caption_editor,
    collect,
    columns,
    facets,
    folders,
    grid,
    images,
    imports,
    jump,
    organise,
    panes,
    queries,
    suspend,
    thresholds,
    workers,
)
from dtk_tui.ui.commands.command import (
    EVERYWHERE,
    FIND,
    FOLDERS,
    GRID,
    LISTS,
    ORGANISE,
    SCREEN,
    SEARCH,
    TABLES,
    WORK,
    Command,
    Refusal,
    never,
    of_widget,
)
from dtk_tui.ui.commands.picture import view
from dtk_tui.ui.commands.picture.table import FACTS, IMAGE, PICTURE, PREVIEW_PAGES
from dtk_tui.ui.commands.run import Run, ScreenMethod
from dtk_tui.ui.commands.work.table import ACTIVITY, FAILURES, LOG, QUEUE
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.messages import (
    ActivityOpened,
    CaptionerTestOpened,
    DuplicatesOpened,
    HelpOpened,
    JournalOpened,
    LogOpened,
    ModelsOpened,
    PaletteOpened,
    QueueOpened,
    RunsOpened,
    SettingsOpened,
)
from dtk_tui.ui.widgets.captions.area import FindInput
from dtk_tui.ui.widgets.folder_tree import FolderTree
from dtk_tui.ui.widgets.grid.tiled_table import TiledTable
from dtk_tui.ui.widgets.search_line import QueryInput
from dtk_tui.ui.widgets.tables.cursor_list import CursorList
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable


def _post(message: Callable[[], Message]) -> Run:
    def run(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
        screen.app.post_message(message())

    return run


def _quit(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    screen.app.call_later(screen.app.action_quit)


def _is_typing(screen: ContextScreen[Any]) -> str:
    """Refuse what is for images while a query is typed."""
    is_typing = screen.is_mounted and any(line.has_focus for line in screen.query(QueryInput))
    return f"A query is being typed: {screen.context.key('main.back')} leaves it." if is_typing else ""


def _as_the_screen_says(command_id: str) -> Refusal:
    return lambda screen: screen.refusal(command_id)


def _state(number: str, keys: str, title: str, method: str, tooltip: str = "") -> Command:
    """Return a command of a screen that offers it in some of its states."""
    refusal = _as_the_screen_says(number)
    return Command(number, keys, title, SCREEN, ScreenMethod(method), refusal, in_footer=True, tooltip=tooltip)


_BROWSER = (
    Command(
        "main.search", "slash", "Search", SCREEN, ScreenMethod("start_search"), _is_typing,
        in_footer=True, key_name="/",
    ),
    Command("main.collections", "L", "Albums and tags", SCREEN, collect.open_collections),
    Command("main.review_deletion", "V", "What is for deletion", SCREEN, collect.review),
    Command("main.trash", "R", "Move what is for deletion into the trash", SCREEN, collect.to_trash),
    Command("main.queries", "Q,f9", "Saved queries and history", SCREEN, queries.choose),
    Command("main.sort", "S", "Sort", SCREEN, queries.sort),
    Command("main.columns", "vertical_line,f4", "Columns", SCREEN, columns.choose, key_name="|"),
    Command("main.fold", "Z", "Fold what is alike, or not", SCREEN, columns.fold),
    Command("main.unfold", "z", "Unfold the row, or fold it again", SCREEN, columns.unfold_row, columns.needs_folds),
    Command("main.preview", "p", "Preview", SCREEN, ScreenMethod("toggle_preview"), in_footer=True),
    Command("main.facets", "F", "Facets", SCREEN, facets.toggle),
    Command("main.picture", "v", "Full screen: zoom, slideshow", SCREEN, view.open_picture, view.needs_pictures),
    Command("main.grid", "G", "Thumbnails, or the table", SCREEN, grid.toggle),
    Command(
        "main.smaller", "less_than_sign", "Smaller thumbnails", SCREEN, grid.resize(-1), grid.needs_thumbnails,
        key_name="<",
    ),
    Command(
        "main.larger", "greater_than_sign", "Larger thumbnails", SCREEN, grid.resize(1), grid.needs_thumbnails,
        key_name=">",
    ),
    Command("main.narrower", "left_square_bracket", "This pane narrower", SCREEN, panes.resize(-1), key_name="["),
    Command("main.wider", "right_square_bracket", "This pane wider", SCREEN, panes.resize(1), key_name="]"),
    Command("main.usual_widths", "equals_sign", "Panes as wide as usual", SCREEN, panes.reset, key_name="="),
    Command("main.refresh", "r", "Refresh", SCREEN, ScreenMethod("load_again")),
    Command("main.back", "escape", "Unselect, or leave the search", SCREEN, ScreenMethod("go_back")),
)  # fmt: skip
_RUNS = (
    Command("runs.refresh", "r", "Refresh", SCREEN, ScreenMethod("load_again"), in_footer=True),
    Command("runs.leave", "escape", "Back", SCREEN, ScreenMethod("go_back"), in_footer=True, key_name="Esc"),
)
_CAPTION = (
    Command("caption.save", "ctrl+s", "Save", SCREEN, ScreenMethod("save"), in_footer=True),
    Command("caption.next", "ctrl+n,f4", "Next", SCREEN, ScreenMethod("step", (1,)), in_footer=True),
    Command("caption.previous", "ctrl+b,f3", "Previous", SCREEN, ScreenMethod("step", (-1,)), in_footer=True),
    Command(
        "caption.ask", "ctrl+g", "Ask model", SCREEN, ScreenMethod("ask"),
        in_footer=True, tooltip="Let the model write the text anew, as any type of caption",
    ),
    Command("caption.find", "ctrl+f", "Find", SCREEN, ScreenMethod("find"), in_footer=True, tooltip="Find and replace"),
    Command("caption.type", "ctrl+t", "Another type", SCREEN, ScreenMethod("choose_type"), in_footer=True),
    Command("caption.discard", "ctrl+l", "Discard changes", SCREEN, ScreenMethod("discard")),
    Command("caption.leave", "escape", "Back, or stop the model", SCREEN, ScreenMethod("go_back"), key_name="Esc"),
)  # fmt: skip
_IMPORT = (
    _state("import.start", "i", "Import", "start", "Bring everything over"),
    _state("import.dry_run", "d", "Dry run", "start_dry_run", "Read and check everything, write nothing"),
    _state("import.resume", "r", "Resume", "resume", "Go on with the import that was interrupted"),
    _state("import.stop", "c", "Stop", "stop", "End it; what was read is kept for a resume"),
    _state("import.undo", "u", "Undo", "undo", "Remove what the last import brought"),
    _state("import.again", "n", "New import", "show_form_again"),
    Command("import.back", "escape", "Back", SCREEN, ScreenMethod("go_back"), in_footer=True, key_name="Esc"),
)
_BATCH = (
    _state("batch.apply", "f2", "Apply", "start", "Edit them, after a question"),
    _state("batch.stop", "c", "Stop", "stop", "End it; nothing is changed then"),
    _state("batch.again", "n", "Another edit", "show_form_again"),
    Command("batch.leave", "escape", "Back", SCREEN, ScreenMethod("go_back"), in_footer=True, key_name="Esc"),
)
_DUPLICATES = (
    Command("duplicates.keep", "space", "Keep this one", SCREEN, ScreenMethod("keep")),
    Command(
        "duplicates.mark", "d", "Mark the rest", SCREEN, ScreenMethod("mark"),
        in_footer=True, tooltip="Mark all images of the chosen sets for deletion but the one that stays",
    ),
    Command(
        "duplicates.rule", "b", "Which one stays", SCREEN, ScreenMethod("show_rule"),
        in_footer=True, tooltip="The largest, the newest, the best rated, what is in an album",
    ),
    Command(
        "duplicates.kind", "t", "Kind", SCREEN, ScreenMethod("show_kind"),
        in_footer=True, tooltip="The same content, the same generation, pictures that look alike",
    ),
    _state("duplicates.stop", "c", "Stop", "stop", "End the search"),
    Command("duplicates.undo", "ctrl+z", "Undo the last edit", SCREEN, organise.turn(redo=False)),
    Command("duplicates.redo", "ctrl+y", "Do it again", SCREEN, organise.turn(redo=True)),
    Command("duplicates.refresh", "r", "Search again", SCREEN, ScreenMethod("load_again")),
    Command("duplicates.leave", "escape,q", "Back", SCREEN, ScreenMethod("go_back"), in_footer=True, key_name="Esc"),
)  # fmt: skip
_JOURNAL = (
    Command(
        "journal.undo", "u", "Undo", SCREEN, ScreenMethod("undo"),
        in_footer=True, tooltip="Give back what this edit changed",
    ),
    _state("journal.stop", "c", "Stop", "stop", "End what is under way; nothing is changed then"),
    Command("journal.refresh", "r", "Refresh", SCREEN, ScreenMethod("load_again"), in_footer=True),
    Command("journal.leave", "escape,q", "Back", SCREEN, ScreenMethod("go_back"), in_footer=True, key_name="Esc"),
)  # fmt: skip
_COLLECTIONS = (
    Command("collections.new", "n", "New album", SCREEN, ScreenMethod("make"), in_footer=True),
    Command(
        "collections.smart", "s", "New smart album", SCREEN, ScreenMethod("make_smart"),
        in_footer=True, tooltip="An album of what a query finds",
    ),
    Command("collections.rename", "r", "Rename or merge", SCREEN, ScreenMethod("rename"), in_footer=True),
    Command(
        "collections.delete", "d,delete", "Delete", SCREEN, ScreenMethod("delete"), in_footer=True, key_name="d",
        tooltip="Delete the album, or take the tag from all images",
    ),
    Command("collections.up", "minus", "Move up", SCREEN, ScreenMethod("move", (-1,)), key_name="-"),
    Command("collections.down", "plus", "Move down", SCREEN, ScreenMethod("move", (1,)), key_name="+"),
    Command("collections.undo", "ctrl+z", "Undo the last edit", SCREEN, organise.turn(redo=False)),
    Command("collections.redo", "ctrl+y", "Do it again", SCREEN, organise.turn(redo=True)),
    Command("collections.leave", "escape,q", "Back", SCREEN, ScreenMethod("go_back"), in_footer=True, key_name="Esc"),
)  # fmt: skip
_SETTINGS = (
    Command("settings.edit", "e", "Edit", SCREEN, ScreenMethod("edit"), in_footer=True, tooltip="Also with Enter"),
    Command(
        "settings.unset", "d,delete", "Default", SCREEN, ScreenMethod("unset"), in_footer=True, key_name="d",
        tooltip="Take it out of config.toml",
    ),
    Command("settings.keys", "b", "Keys", SCREEN, ScreenMethod("show_keys"), in_footer=True, tooltip="Bind commands"),
    Command("settings.find", "slash", "Find", SCREEN, ScreenMethod("find"), in_footer=True),
    Command("settings.refresh", "r", "Read again", SCREEN, ScreenMethod("load_again"), in_footer=True),
    Command("settings.leave", "escape,q", "Back", SCREEN, ScreenMethod("go_back"), in_footer=True, key_name="Esc"),
)  # fmt: skip
_KEYMAP = (
    Command("keymap.edit", "e", "Edit", SCREEN, ScreenMethod("edit"), in_footer=True, tooltip="Also with Enter"),
    Command(
        "keymap.unset", "d,delete", "Default", SCREEN, ScreenMethod("unset"), in_footer=True, key_name="d",
        tooltip="Take it out of config.toml",
    ),
    Command("keymap.find", "slash", "Find", SCREEN, ScreenMethod("find"), in_footer=True),
    Command("keymap.leave", "escape,q", "Back", SCREEN, ScreenMethod("go_back"), in_footer=True, key_name="Esc"),
)  # fmt: skip
_WORK = (
    Command(
        "work.embed_now", "e", "Embed now", WORK, images.enqueue(Kind.EMBED, priority=NOW), images.needs_rest,
        in_footer=True, tooltip="Embed before everything else",
    ),
    Command(
        "work.embed_now_deep", "E", "Embed now with subfolders", WORK,
        images.enqueue(Kind.EMBED, priority=NOW, deep=True), images.needs_folder,
    ),
    Command(
        "work.queue", "u", "Queue", WORK, images.enqueue(Kind.EMBED), images.needs_rest, tooltip="Queue for embedding",
    ),
    Command(
        "work.queue_deep", "U", "Queue with subfolders", WORK, images.enqueue(Kind.EMBED, deep=True),
        images.needs_folder,
    ),
    Command(
        "work.preview_queue", "M", "What queueing would do", WORK, images.preview, images.needs_rest,
        tooltip="Count what is new, and show a sample of it, before anything is queued",
    ),
    Command("work.tag", "t", "Tag", WORK, images.enqueue(Kind.TAG), images.needs_rest, in_footer=True),
    Command(
        "work.tag_deep", "T", "Tag with subfolders", WORK, images.enqueue(Kind.TAG, deep=True),
        images.needs_folder,
    ),
    Command("work.caption", "c", "Caption", WORK, images.enqueue(Kind.CAPTION), images.needs_rest),
    Command(
        "work.caption_deep", "C", "Caption with subfolders", WORK, images.enqueue(Kind.CAPTION, deep=True),
        images.needs_folder,
    ),
    Command(
        "work.tag_caption", "w", "Tag & caption", WORK, images.enqueue(Kind.TAG, Kind.CAPTION), images.needs_rest,
    ),
    Command(
        "work.tag_caption_deep", "W", "Tag & caption with subfolders", WORK,
        images.enqueue(Kind.TAG, Kind.CAPTION, deep=True), images.needs_folder,
    ),
    Command(
        "work.edit_caption", "d", "Edit caption", WORK, caption_editor.edit, images.needs_images_now,
        tooltip="Edit the captions of the chosen images, one after the other",
    ),
    Command("work.edit_captions", "B", "Edit captions of many", WORK, caption_editor.edit_many, images.needs_all),
    Command("work.similar", "s", "Find similar", WORK, ScreenMethod("show_similar"), images.needs_images),
    Command("work.menu", "m", "Menu", WORK, images.open_menu, in_footer=True),
)  # fmt: skip
_ORGANISE = (
    *(
        Command(
            f"work.rate_{digit}", str(digit), f"Rate {digit}", ORGANISE, organise.rate(digit),
            images.needs_chosen_images,
        )
        for digit in range(10)
    ),
    Command(
        "work.unrate", "grave_accent", "Take the rating away", ORGANISE, organise.rate(None),
        images.needs_chosen_images, key_name="`",
    ),
    Command("work.rate", "asterisk", "Rate", ORGANISE, organise.ask_rating, images.needs_chosen_images, key_name="*"),
    Command(
        "work.favorite", "f", "Favourite, or not", ORGANISE, organise.flag(Mark.FAVORITE), images.needs_chosen_images
    ),
    Command("work.nsfw", "N", "NSFW, or not", ORGANISE, organise.flag(Mark.NSFW), images.needs_chosen_images),
    Command(
        "work.for_deletion", "delete", "For deletion, or not", ORGANISE, organise.flag(Mark.FOR_DELETION),
        images.needs_chosen_images,
    ),
    Command(
        "work.add_tags", "plus", "Give a tag", ORGANISE, collect.add_tags, images.needs_chosen_images, key_name="+",
    ),
    Command(
        "work.remove_tag", "minus", "Take a tag away", ORGANISE, collect.remove_tag, images.needs_chosen_images,
        key_name="-",
    ),
    Command("work.add_to_album", "A", "Put into an album", ORGANISE, collect.add_to_album, images.needs_chosen_images),
    Command(
        "work.remove_from_album", "O", "Take out of an album", ORGANISE, collect.remove_from_album,
        images.needs_chosen_images,
    ),
    Command("work.undo", "ctrl+z", "Undo the last edit", ORGANISE, organise.turn(redo=False), _is_typing),
    Command("work.redo", "ctrl+y", "Do it again", ORGANISE, organise.turn(redo=True), _is_typing),
)  # fmt: skip
_FOLDERS = (
    Command(
        "folders.find", "g", "Go to a folder by words of its path", FOLDERS, folders.find_folder, widget=FolderTree
    ),
    Command("folders.exclude", "x", "Exclude from scans", FOLDERS, folders.exclude, widget=FolderTree),
    Command("folders.archive", "v", "Archive: keep as it is", FOLDERS, folders.archive, widget=FolderTree),
    Command("folders.include", "i", "Include in scans again", FOLDERS, folders.include, widget=FolderTree),
    Command("folders.alone", "o", "With or without subfolders", FOLDERS, folders.alone, widget=FolderTree),
    Command("folders.remove", "delete", "Take out of the library", FOLDERS, folders.remove_folder, widget=FolderTree),
)
_APP = (
    Command("app.start", "f5", "Start the workers", EVERYWHERE, workers.set_desired_state(WorkerState.RUNNING)),
    Command("app.pause", "f6", "Pause the workers", EVERYWHERE, workers.set_desired_state(WorkerState.PAUSED)),
    Command("app.stop", "f7", "Stop the workers", EVERYWHERE, workers.set_desired_state(WorkerState.STOPPED)),
    Command("app.clear", "f8", "Clear the queue", EVERYWHERE, workers.clear_queue),
    Command("app.queue", "q", "Queue", EVERYWHERE, _post(QueueOpened), in_footer=True),
    Command("app.log", "alt+l", "Log of all work", EVERYWHERE, _post(LogOpened)),
    Command("app.activity", "alt+w", "Workers, speed and load", EVERYWHERE, _post(ActivityOpened)),
    Command("app.journal", "J", "Journal of edits", EVERYWHERE, _post(JournalOpened)),
    Command("app.duplicates", "D", "Duplicates", EVERYWHERE, _post(DuplicatesOpened)),
    Command("app.runs", "P", "Tag & caption: progress and summaries", EVERYWHERE, _post(RunsOpened)),
    Command("app.thresholds", "H", "Thresholds of tags", EVERYWHERE, thresholds.open_thresholds),
    Command("app.settings", "comma", "Settings", EVERYWHERE, _post(SettingsOpened), key_name=","),
    Command("app.models", "alt+m", "Models: what is here, and getting the rest", EVERYWHERE, _post(ModelsOpened)),
    Command("app.captioner_test", "K", "Test the captioner", EVERYWHERE, _post(CaptionerTestOpened)),
    Command(
        "app.trouble", "exclamation_mark", "What keeps the workers", EVERYWHERE, workers.show_trouble, key_name="!"
    ),
    Command("app.help", "question_mark,f1", "Help", EVERYWHERE, _post(HelpOpened), in_footer=True),
    Command("app.theme", "alt+t", "Next theme: dark, light, contrast, 16 colours", EVERYWHERE, appearance.next_theme),
    Command("app.jump", "alt+j", "Jump: a letter for each part of the screen", EVERYWHERE, jump.jump),
    Command("app.palette", "ctrl+p", "All commands", EVERYWHERE, _post(PaletteOpened)),
    Command("app.quit", "ctrl+q", "Quit", EVERYWHERE, _quit, priority=True),
    Command("app.suspend", "alt+z", "Suspend: back to the shell until fg", EVERYWHERE, suspend.suspend),
    Command("app.add_folder", "ctrl+o", "Add a folder", EVERYWHERE, folders.add_folder),
    Command("app.scan_again", "ctrl+r", "Scan again", EVERYWHERE, folders.scan_again),
    Command("app.forget_missing", "X", "Forget images without a file", EVERYWHERE, folders.forget_missing),
    Command("app.import", "I", "Import a Diffusion Toolkit database", EVERYWHERE, imports.open_import),
)
#: In the order of the help.
COMMANDS: tuple[Command, ...] = (
    *_BROWSER, *QUEUE, *FAILURES, *LOG, *ACTIVITY, *_RUNS, *IMAGE, *PICTURE,
    *_CAPTION, *_IMPORT, *_BATCH, *_DUPLICATES, *_JOURNAL, *_COLLECTIONS,
    *_SETTINGS, *_KEYMAP,
    *_WORK, *FACTS, *_ORGANISE,
    *of_widget(FolderTree, FOLDERS), *_FOLDERS,
    *of_widget(VirtualTable, TABLES), *of_widget(TiledTable, GRID), *of_widget(CursorList, LISTS),
    *PREVIEW_PAGES, *of_widget(QueryInput, SEARCH), *of_widget(FindInput, FIND), *_APP,
)  # fmt: skip
BY_ID: Mapping[str, Command] = {command.id: command for command in COMMANDS}


def first_key(app: App[Any], config: Config, command_id: str) -> str:
    """Return the first key that a command has now, as people read it."""
    return BY_ID[command_id].key_names(app, config.settings.keys).split(" ", 1)[0]


def bindings(*areas: str) -> list[BindingType]:
    """Return the bindings of the commands whose ids begin so, besides those that widgets bind themselves."""
    found: Iterable[Command] = (one for area in areas for one in COMMANDS if one.area == area)
    return [one.binding() for one in found if not one.widget_action]


def refusing(keymap: Mapping[str, str]) -> dict[str, list[Command]]:
    """Return the commands that may be refused, by their keys as Textual hears them."""
    found: dict[str, list[Command]] = {}
    for command in COMMANDS:
        for key in command.pressed(keymap).split(",") if command.refusal is not never else ():
            found.setdefault(key, []).append(command)
    return found


def offered(screen: ContextScreen[Any]) -> list[Command]:
    """Return every command that a screen, its widgets and the app offer, in the order of the help."""
    areas = {*screen.COMMAND_GROUPS, "app"}
    chain = screen.focus_chain

    def is_here(command: Command) -> bool:
        if command.widget is not None:
            return any(isinstance(widget, command.widget) for widget in chain)
        return command.area in areas

    return [command for command in COMMANDS if is_here(command)]
