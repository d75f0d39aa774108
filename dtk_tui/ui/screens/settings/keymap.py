"""All commands with their keys, and binding them to others in ``[keys]`` of config.toml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from dtk_tui.errors import DtkError
from dtk_tui.services.settings import values
from dtk_tui.services.settings.schema import find
from dtk_tui.text import one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.commands.command import Command
from dtk_tui.ui.commands.registry import BY_ID, COMMANDS, bindings
from dtk_tui.ui.commands.settings.keymap import keymap_faults
from dtk_tui.ui.context import AppContext
from dtk_tui.ui.format import line
from dtk_tui.ui.messages import SettingSaved
from dtk_tui.ui.screens.base import CommandScreen
from dtk_tui.ui.screens.settings.dialogs import KeysDialog
from dtk_tui.ui.screens.settings.finding import find_dialog, having
from dtk_tui.ui.widgets.key_footer import KeyFooter
from dtk_tui.ui.widgets.status import Line
from dtk_tui.ui.widgets.tables.columns import Column
from dtk_tui.ui.widgets.tables.cursor_list import Cell, CursorList
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A line of the table.

    Attributes:
        keys: as config.toml names them.
        command: None of an entry of config.toml that names no command.
    """

    id: int
    name: str
    keys: str
    command: Command | None
    is_own: bool
    fault: str = ""


def _title(row: KeyRow) -> Cell:
    return (f" {row.command.title}", "") if row.command is not None else (" (no such action)", "list--bad")


def _keys(row: KeyRow) -> Cell:
    return one_line(row.keys, 100), "list--bad" if row.fault else "list--accent" if row.is_own else "list--dim"


_COLUMNS: tuple[Column[KeyRow], ...] = (
    Column(" What it does", _title, 25, share=2, most=51),
    Column("Keys", _keys, 20, share=2),
    Column("Name in [keys]", lambda row: (one_line(row.name, 60), "list--dim"), 22, share=1, rank=1),
    Column("From", lambda row: ("file" if row.is_own else "default", "list--dim"), 8, rank=2),
)


class KeyTable(VirtualTable[KeyRow]):
    """All commands in the order of the help."""

    BINDING_GROUP_TITLE = "Keys"
    ABOUT: ClassVar[str] = "Every action with the keys that it has now. A change holds at once."
    HELP: ClassVar[str] = "From: whether config.toml names the keys, or they are those of the program."

    def columns(self) -> Sequence[Column[KeyRow]]:
        """The columns."""
        return _COLUMNS


class KeymapScreen(CommandScreen[None]):
    """Lists all commands with their keys, and gives them others."""

    BINDING_GROUP_TITLE = "Keys"
    AUTO_FOCUS = "#keymap"
    COMMAND_GROUPS = ("keymap",)
    BINDINGS: ClassVar[list[BindingType]] = bindings("keymap")

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self._rows: list[KeyRow] = []
        self._words = ""
        self._keymap: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """The title, the table, and what is wrong with the keys at the cursor."""
        yield Line(id="keymap-title", classes="pane-title")
        yield Line(id="keymap-heads", classes="heads")
        yield KeyTable(self._fetch, id="keymap")
        yield Line(id="keymap-fault")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Read them."""
        self._load()

    @property
    def table(self) -> KeyTable:
        """The table."""
        return self.query_one(KeyTable)

    def _fetch(self, ids: Sequence[int]) -> list[KeyRow]:
        rows = self._rows
        return [rows[number] for number in ids if number < len(rows)]

    @task("load", asked=True)
    async def _load(self) -> None:
        state = await in_thread(values.state_of, self.context.config.paths, "keys")
        found = state.value if isinstance(state.value, dict) else {}
        self._keymap = {str(name): str(keys) for name, keys in found.items()}
        faults = await in_thread(keymap_faults, self._keymap)
        unknown = [(name, None) for name in self._keymap if name not in BY_ID]
        every = [*unknown, *((one.id, one) for one in COMMANDS)]
        keep = len(every) == len(self._rows)  # else the rows have other numbers
        self._rows = [
            KeyRow(
                number,
                name,
                self._keymap.get(name, command.keys if command is not None else ""),
                command,
                name in self._keymap,
                faults.get(name, ""),
            )
            for number, (name, command) in enumerate(every)
        ]
        self._show_found(keep=keep)

    def _show_found(self, *, keep: bool = True) -> None:
        """Show the commands that have the words that were asked for."""
        found = having(self._texts(), self._words)
        self.table.say_empty("No command has these words any more: / finds others.")
        self.table.set_ids(found, keep=keep)
        parts = [Content.styled("Keys", "bold")]
        if self._words:
            words = f"{len(found):,} of {len(self._rows):,} with {self._words}"
            parts.append(line(words, "$accent", 100))
        words = f"{len(self._keymap):,} of {len(COMMANDS):,} from {self.context.config.paths.config_file}"
        parts.append(line(words, "$muted", 200))
        self.query_one("#keymap-title", Line).show(Content("  ").join(parts))

    def _texts(self) -> list[str]:
        return [f"{row.name} {row.keys} {self._told(row)}" for row in self._rows]

    def _told(self, row: KeyRow) -> str:
        """Return what a command does, and its keys as people read them."""
        if row.command is None:
            return ""
        return f"{row.command.title} {row.command.key_names(self.app, {} if row.fault else self._keymap)}"

    def find(self) -> None:
        """Ask for words, and show the commands that have them."""
        self.app.push_screen(find_dialog("command", self._texts(), self._words), self._asked)

    def _asked(self, words: str | None) -> None:
        if words is not None:
            self._words = words
            self._show_found()

    @on(VirtualTable.ColumnsPlaced)
    def _columns_placed(self, event: VirtualTable.ColumnsPlaced) -> None:
        self.query_one("#keymap-heads", Line).show(Content(event.titles))

    def _current(self) -> KeyRow | None:
        number = self.table.current_id
        return None if number is None or number >= len(self._rows) else self._rows[number]

    @on(CursorList.Moved)
    def _moved(self) -> None:
        row = self._current()
        words = row.fault if row is not None else ""
        self.query_one("#keymap-fault", Line).show(Content.assemble(" ", line(words, "$error", 300)))

    @on(CursorList.Chosen)
    def edit(self) -> None:
        """Ask for other keys."""
        row = self._current()
        if row is None:
            return
        if row.command is None:
            self.context.notify(
                f"There is no such action: {self.key('keymap.unset')} takes it out of config.toml.", severity="warning"
            )
            return
        about = Content.assemble(f"{row.command.title}  ", (f"{row.command.keys} by default", "$muted"))
        keymap = {name: keys for name, keys in self._keymap.items() if name != row.name}

        def fault_of(keys: str) -> str:
            known = values.fault_of(self.context.config.paths, f"keys.{row.name}", keys)
            return known or keymap_faults({**keymap, row.name: keys}).get(row.name, "")

        self.app.push_screen(KeysDialog(row.name, about, row.keys, fault_of), partial(self._answered, row))

    def _answered(self, row: KeyRow, keys: str | None) -> None:
        if keys is not None and keys != row.keys:
            default = row.command.keys if row.command is not None else ""
            self._save(row.name, keys if keys != default else None)

    def unset(self) -> None:
        """Give the command its own keys back."""
        row = self._current()
        if row is None:
            return
        if row.is_own:
            self._save(row.name, None)
        else:
            self.context.notify("It has its own keys already.")

    @task("save", exclusive=False, asked=True)
    async def _save(self, name: str, keys: str | None) -> None:
        try:
            await in_thread(values.set_value, self.context.config.paths, f"keys.{name}", keys)
        except DtkError as error:
            self.context.notify(f"{error.title} {error.detail}", severity="error")
            return
        info = find("keys")
        if info is not None:
            self.app.post_message(SettingSaved(info))
        self._load()

    def go_back(self) -> None:
        """Show all commands again, where some were found, else go back."""
        if self._words:
            self._asked("")
        else:
            self.dismiss(None)
