"""All commands in one table: bindings, palette, menus, help and the check of ``[keys]`` read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from dtk_tui.domain.job import NOW, Kind, WorkerState
from dtk_tui.domain.queue import Target
from dtk_tui.ui.commands import (
    caption_editor,
    edits,
    facets,
    folders,
    images,
    imports,
    queries,
    thresholds,
    workers,
)
from dtk_tui.ui.commands.run import Run, ScreenMethod
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.messages import (
    CaptionerTestOpened,
    HelpOpened,
    JournalOpened,
    PaletteOpened,
    QueueOpened,
    RunsOpened,
)
from dtk_tui.ui.widgets.captions.area import FindInput
from dtk_tui.ui.widgets.cursor_list import CursorList
from dtk_tui.ui.widgets.folder_tree import FolderTree
from dtk_tui.ui.widgets.search_line import QueryInput
from dtk_tui.ui.widgets.virtual_table import VirtualTable

SCREEN = "This screen"
WORK = "Work on the folder, the image or the selection"
FOLDERS = "Folders"
TABLES = "Tables"
LISTS = "Lists"
PREVIEW = "Preview"
SEARCH = "Search line"
FIND = "Find and replace"
EVERYWHERE = "Everywhere"
#: Headings in the order of the help.
GROUPS = (SCREEN, WORK, FOLDERS, TABLES, LISTS, PREVIEW, SEARCH, FIND, EVERYWHERE)

Applies = Callable[[ContextScreen[Any]], bool]


def _always(screen: ContextScreen[Any]) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that a person can do.

    Attributes:
        id: what ``[keys]`` of config.toml calls it; its first part says which screens offer it.
        keys: the keys it is bound to, separated by commas, as Textual names them.
        title: what palette, menus, help and footer call it.
        group: the heading under which the help lists it.
        run: does it, for the context, the screen and what work is for.
        applies: says whether a screen can do it now; where it cannot, its key is free.
        in_footer, tooltip, key_name: how the footer shows it; ``key_name`` instead of the first key.
        priority: bound before what has the focus, dialogs included.
        widget: it is offered where one of these can have the focus.
        widget_action: the widget binds its key itself, to this action; ``run`` is for the palette.
    """

    id: str
    keys: str
    title: str
    group: str
    run: Run
    applies: Applies = _always
    in_footer: bool = False
    tooltip: str = ""
    key_name: str | None = None
    priority: bool = False
    widget: type[Widget] | None = None
    widget_action: str = ""

    @property
    def area(self) -> str:
        """The first part of the id."""
        return self.id.partition(".")[0]

    @property
    def action(self) -> str:
        """What app or screen carry out; without a prefix, the screen that has the binding, even one behind a dialog."""
        place = "app." if self.area == "app" else "" if self.widget is None else "screen."
        return f"{place}command({self.id!r})"

    def binding(self) -> Binding:
        """Return the binding of its keys, which a keymap may change."""
        return Binding(
            self.keys,
            self.action,
            self.title,
            show=self.in_footer,
            key_display=self.key_name,
            priority=self.priority,
            tooltip=self.tooltip,
            id=self.id,
        )

    def pressed(self, keymap: Mapping[str, str]) -> str:
        """Return its keys as Textual hears them, separated by commas."""
        return ",".join(one.key for one in Binding.make_bindings([Binding(keymap.get(self.id, self.keys), "")]))

    def key_names(self, app: App[Any], keymap: Mapping[str, str]) -> str:
        """Return its keys as people read them, e.g. ``\u2191 k``."""
        first, *others = Binding.make_bindings([Binding(keymap.get(self.id, self.keys), "")])
        first = replace(first, key_display=self.key_name)
        names = (app.get_key_display(one) for one in (first, *others))
        return " ".join(name.upper() if name[:1] == "f" and name[1:].isdigit() else name for name in names)


# -- commands of widgets ----------------------------------------------------------------------------------------------


def _of_widget(kind: type[Widget], group: str) -> tuple[Command, ...]:
    """Return the commands that a widget binds itself: moving about in it, which is its own business."""
    own = (one for one in kind.__dict__["BINDINGS"] if isinstance(one, Binding))
    return tuple(
        Command(
            one.id or "",
            one.key,
            one.description,
            group,
            _on_widget(kind, one.action),
            in_footer=one.show,
            key_name=one.key_display,
            widget=kind,
            widget_action=one.action,
        )
        for one in own
    )


def _on_widget(kind: type[Widget], action: str) -> Run:
    def run(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
        widget = next((one for one in screen.focus_chain if isinstance(one, kind)), None)
        if widget is not None:
            screen.call_later(screen.app.run_action, action, widget)

    return run


# -- the table --------------------------------------------------------------------------------------------------------


def _post(message: Callable[[], Message]) -> Run:
    def run(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
        screen.app.post_message(message())

    return run


def _quit(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    screen.app.call_later(screen.app.action_quit)


def _is_not_typing(screen: ContextScreen[Any]) -> bool:
    """A search that is being typed cannot be started."""
    return not (screen.is_mounted and any(line.has_focus for line in screen.query(QueryInput)))


def _is_offered(command_id: str) -> Applies:
    return lambda screen: screen.offers(command_id)


def _state(number: str, keys: str, title: str, method: str, tooltip: str = "") -> Command:
    """Return a command of a screen that offers it in some of its states."""
    applies = _is_offered(number)
    return Command(number, keys, title, SCREEN, ScreenMethod(method), applies, in_footer=True, tooltip=tooltip)


_BROWSER = (
    Command(
        "main.search", "slash", "Search", SCREEN, ScreenMethod("start_search"), _is_not_typing,
        in_footer=True, key_name="/",
    ),
    Command("main.queries", "Q,f9", "Saved queries and history", SCREEN, queries.choose),
    Command("main.sort", "S", "Sort", SCREEN, queries.sort),
    Command("main.preview", "p", "Preview", SCREEN, ScreenMethod("toggle_preview"), in_footer=True),
    Command("main.facets", "F", "Facets", SCREEN, facets.toggle),
    Command("main.refresh", "r", "Refresh", SCREEN, ScreenMethod("load_again")),
    Command("main.back", "escape", "Unselect, or leave the search", SCREEN, ScreenMethod("go_back")),
)  # fmt: skip
_QUEUE = (
    Command(
        "queue.now", "n", "Now", SCREEN, ScreenMethod("prioritize"),
        in_footer=True, tooltip="Do the chosen jobs before everything else",
    ),
    Command(
        "queue.retry", "y", "Retry", SCREEN, ScreenMethod("retry"),
        in_footer=True, tooltip="Let the chosen failed jobs wait again",
    ),
    Command("queue.retry_all", "Y", "Retry all failed", SCREEN, ScreenMethod("retry_all")),
    Command("queue.remove", "d,delete", "Remove", SCREEN, ScreenMethod("remove_jobs"), in_footer=True, key_name="d"),
    Command("queue.filter", "tab", "Filter", SCREEN, ScreenMethod("show_filter", (1,)), in_footer=True, key_name="Tab"),
    Command("queue.filter_back", "shift+tab", "Filter backwards", SCREEN, ScreenMethod("show_filter", (-1,))),
    Command("queue.refresh", "r", "Refresh", SCREEN, ScreenMethod("load_again"), in_footer=True),
    Command("queue.leave", "escape,q", "Back", SCREEN, ScreenMethod("go_back"), in_footer=True, key_name="Esc"),
)  # fmt: skip
_RUNS = (
    Command("runs.refresh", "r", "Refresh", SCREEN, ScreenMethod("load_again"), in_footer=True),
    Command("runs.leave", "escape", "Back", SCREEN, ScreenMethod("go_back"), in_footer=True, key_name="Esc"),
)
_IMAGE = (
    Command(
        "detail.next", "right,n,down,j", "Next", SCREEN, ScreenMethod("step", (1,)),
        in_footer=True, key_name="\u2192",
    ),
    Command(
        "detail.previous", "left,b,up,k", "Previous", SCREEN, ScreenMethod("step", (-1,)),
        in_footer=True, key_name="\u2190",
    ),
    Command("detail.leave", "escape,q,enter", "Back", SCREEN, ScreenMethod("go_back"), in_footer=True, key_name="Esc"),
)  # fmt: skip
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
_JOURNAL = (
    Command(
        "journal.undo", "u", "Undo", SCREEN, ScreenMethod("undo"),
        in_footer=True, tooltip="Give back what this edit changed",
    ),
    _state("journal.stop", "c", "Stop", "stop", "End what is under way; nothing is changed then"),
    Command("journal.refresh", "r", "Refresh", SCREEN, ScreenMethod("load_again"), in_footer=True),
    Command("journal.leave", "escape,q", "Back", SCREEN, ScreenMethod("go_back"), in_footer=True, key_name="Esc"),
)  # fmt: skip
_WORK = (
    Command(
        "work.embed_now", "e", "Embed now", WORK, images.enqueue(Kind.EMBED, priority=NOW),
        in_footer=True, tooltip="Embed before everything else",
    ),
    Command(
        "work.embed_now_deep", "E", "Embed now with subfolders", WORK,
        images.enqueue(Kind.EMBED, priority=NOW, deep=True), images.has_subfolders,
    ),
    Command("work.queue", "u", "Queue", WORK, images.enqueue(Kind.EMBED), tooltip="Queue for embedding"),
    Command(
        "work.queue_deep", "U", "Queue with subfolders", WORK, images.enqueue(Kind.EMBED, deep=True),
        images.has_subfolders,
    ),
    Command("work.tag", "t", "Tag", WORK, images.enqueue(Kind.TAG), in_footer=True),
    Command(
        "work.tag_deep", "T", "Tag with subfolders", WORK, images.enqueue(Kind.TAG, deep=True),
        images.has_subfolders,
    ),
    Command("work.caption", "c", "Caption", WORK, images.enqueue(Kind.CAPTION)),
    Command(
        "work.caption_deep", "C", "Caption with subfolders", WORK, images.enqueue(Kind.CAPTION, deep=True),
        images.has_subfolders,
    ),
    Command("work.tag_caption", "w", "Tag & caption", WORK, images.enqueue(Kind.TAG, Kind.CAPTION)),
    Command(
        "work.tag_caption_deep", "W", "Tag & caption with subfolders", WORK,
        images.enqueue(Kind.TAG, Kind.CAPTION, deep=True), images.has_subfolders,
    ),
    Command(
        "work.edit_caption", "d", "Edit caption", WORK, caption_editor.edit, caption_editor.has_images,
        tooltip="Edit the captions of the chosen images, one after the other",
    ),
    Command("work.edit_captions", "B", "Edit captions of many", WORK, edits.edit_captions),
    Command("work.similar", "s", "Find similar", WORK, ScreenMethod("show_similar")),
    Command("work.menu", "m", "Menu", WORK, images.open_menu, in_footer=True),
)  # fmt: skip
_PREVIEW = (
    Command("preview.prompt", "1", "Show prompt", PREVIEW, images.show_tab(0)),
    Command("preview.parameters", "2", "Show parameters", PREVIEW, images.show_tab(1)),
    Command("preview.tags", "3", "Show tags", PREVIEW, images.show_tab(2)),
    Command("preview.similar", "4", "Show similar", PREVIEW, images.show_tab(3)),
)
_FOLDERS = (
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
    Command("app.journal", "J", "Journal of edits", EVERYWHERE, _post(JournalOpened)),
    Command("app.runs", "P", "Tag & caption: progress and summaries", EVERYWHERE, _post(RunsOpened)),
    Command("app.thresholds", "H", "Thresholds of tags", EVERYWHERE, thresholds.open_thresholds),
    Command("app.captioner_test", "K", "Test the captioner", EVERYWHERE, _post(CaptionerTestOpened)),
    Command(
        "app.trouble", "exclamation_mark", "What keeps the workers", EVERYWHERE, workers.show_trouble, key_name="!"
    ),
    Command("app.help", "question_mark,f1", "Help", EVERYWHERE, _post(HelpOpened), in_footer=True),
    Command("app.palette", "ctrl+p", "All commands", EVERYWHERE, _post(PaletteOpened)),
    Command("app.quit", "ctrl+q", "Quit", EVERYWHERE, _quit, priority=True),
    Command("app.add_folder", "ctrl+o", "Add a folder", EVERYWHERE, folders.add_folder),
    Command("app.scan_again", "ctrl+r", "Scan again", EVERYWHERE, folders.scan_again),
    Command("app.forget_missing", "X", "Forget images without a file", EVERYWHERE, folders.forget_missing),
    Command("app.import", "I", "Import a Diffusion Toolkit database", EVERYWHERE, imports.open_import),
)
#: In the order of the help.
COMMANDS: tuple[Command, ...] = (
    *_BROWSER, *_QUEUE, *_RUNS, *_IMAGE, *_CAPTION, *_IMPORT, *_BATCH, *_JOURNAL, *_WORK,
    *_of_widget(FolderTree, FOLDERS), *_FOLDERS,
    *_of_widget(VirtualTable, TABLES), *_of_widget(CursorList, LISTS),
    *_PREVIEW, *_of_widget(QueryInput, SEARCH), *_of_widget(FindInput, FIND), *_APP,
)  # fmt: skip
BY_ID: Mapping[str, Command] = {command.id: command for command in COMMANDS}


def bindings(*areas: str) -> list[BindingType]:
    """Return the bindings of the commands whose ids begin so, besides those that widgets bind themselves."""
    found: Iterable[Command] = (one for area in areas for one in COMMANDS if one.area == area)
    return [one.binding() for one in found if not one.widget_action]


def offered(screen: ContextScreen[Any]) -> list[Command]:
    """Return every command that a screen, its widgets and the app offer, in the order of the help."""
    areas = {*screen.COMMAND_GROUPS, "app"}
    chain = screen.focus_chain

    def is_here(command: Command) -> bool:
        if command.widget is not None:
            return any(isinstance(widget, command.widget) for widget in chain)
        return command.area in areas

    return [command for command in COMMANDS if is_here(command)]
