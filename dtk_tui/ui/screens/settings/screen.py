"""The settings, drawn from their schema: what each is, where that stands, and setting others in config.toml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from dtk_tui.errors import DtkError
from dtk_tui.services.settings import values
from dtk_tui.services.settings.values import SettingState, words_of
from dtk_tui.text import counted, one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.commands.registry import bindings
from dtk_tui.ui.context import AppContext
from dtk_tui.ui.dialogs import Entry, Menu
from dtk_tui.ui.format import line, lines
from dtk_tui.ui.messages import KeymapOpened, SettingSaved
from dtk_tui.ui.screens.base import CommandScreen
from dtk_tui.ui.screens.settings.dialogs import setting_dialog
from dtk_tui.ui.screens.settings.finding import find_dialog, having
from dtk_tui.ui.widgets.key_footer import KeyFooter
from dtk_tui.ui.widgets.status import Line
from dtk_tui.ui.widgets.tables.columns import Column
from dtk_tui.ui.widgets.tables.cursor_list import Cell, CursorList
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable

#: What a section has beside its settings: a command, and what it does.
_BESIDE = {
    "captions": ("app.captioner_test", "tests the captioner"),
    "tags": ("app.thresholds", "sets those of the library"),
}


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A line of the table: a setting, by its place among all."""

    id: int
    state: SettingState


def _value(row: SettingRow) -> Cell:
    state = row.state
    words = one_line(state.words, 300) or ("(unset)" if state.value is None else '""')
    return words, "list--bad" if state.fault else "list--dim" if state.origin == "default" else ""


def _origin(row: SettingRow) -> Cell:
    origin = row.state.origin
    return (
        ("wrong", "list--bad") if row.state.fault else (origin, "list--dim" if origin == "default" else "list--accent")
    )


_COLUMNS: tuple[Column[SettingRow], ...] = (
    Column(" Setting", lambda row: (f" {one_line(row.state.info.key, 60)}", ""), 25, share=1, most=31),
    Column("Value", _value, 20, share=4),
    Column("From", _origin, 12),
)


class SettingTable(VirtualTable[SettingRow]):
    """All settings in the order of config.toml."""

    BINDING_GROUP_TITLE = "Settings"
    ABOUT: ClassVar[str] = "Every setting with its value and where that comes from; what one does stands below."
    HELP: ClassVar[str] = (
        "From: where a value stands, the program's default, the file config.toml, the environment or the command line."
    )

    def columns(self) -> Sequence[Column[SettingRow]]:
        """The columns."""
        return _COLUMNS


class SettingsScreen(CommandScreen[None]):
    """Lists all settings, with what config.toml says of the one at the cursor."""

    BINDING_GROUP_TITLE = "Settings"
    AUTO_FOCUS = "#settings"
    COMMAND_GROUPS = ("settings",)
    BINDINGS: ClassVar[list[BindingType]] = bindings("settings")

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self._rows: list[SettingRow] = []
        self._words = ""
        self._paths = context.config.paths

    def compose(self) -> ComposeResult:
        """The title, the table, and the help of one setting."""
        yield Line(id="settings-title", classes="pane-title")
        yield Line(id="settings-heads", classes="heads")
        yield SettingTable(self._fetch, id="settings")
        yield Static("", id="settings-help", markup=False)
        yield KeyFooter()

    def on_mount(self) -> None:
        """Read them."""
        self._load()

    def keys_changed(self) -> None:
        """Read them again: the keys, which another screen sets, are among them."""
        self._load()

    @property
    def table(self) -> SettingTable:
        """The table."""
        return self.query_one(SettingTable)

    def _fetch(self, ids: Sequence[int]) -> list[SettingRow]:
        rows = self._rows
        return [rows[number] for number in ids if number < len(rows)]

    @task("load", asked=True)
    async def load_again(self) -> None:
        """Read config.toml again, and let the app take over what another program wrote there."""
        await self._show()
        if not any(row.state.fault for row in self._rows):
            self.app.post_message(SettingSaved(None))

    @task("load", asked=True)
    async def _load(self) -> None:
        await self._show()

    async def _show(self) -> None:
        states = await in_thread(values.listed, self._paths)
        self._rows = [SettingRow(number, state) for number, state in enumerate(states)]
        self._show_found()

    def _show_found(self) -> None:
        """Show the settings that have the words that were asked for."""
        found = having(self._texts(), self._words)
        self.table.say_empty("No setting has these words any more: / finds others.")
        self.table.set_ids(found, keep=True)
        parts = [("Settings", "bold")]
        if self._words:
            parts.append((f"  {len(found):,} of {len(self._rows):,} with {one_line(self._words, 60)}", "$accent"))
        if wrong := sum(bool(row.state.fault) for row in self._rows):
            parts.append((f"  {counted(wrong, 'setting')} cannot be used", "$error"))
        parts.append((f"  {one_line(str(self._paths.config_file), 200)}", "$muted"))
        self.query_one("#settings-title", Line).show(Content.assemble(*parts))

    def _texts(self) -> list[str]:
        return [f"{row.state.info.key} {row.state.words} {row.state.info.help}" for row in self._rows]

    def find(self) -> None:
        """Ask for words, and show the settings that have them."""
        self.app.push_screen(find_dialog("setting", self._texts(), self._words), self._asked)

    def _asked(self, words: str | None) -> None:
        if words is not None:
            self._words = words
            self._show_found()

    @on(VirtualTable.ColumnsPlaced)
    def _columns_placed(self, event: VirtualTable.ColumnsPlaced) -> None:
        self.query_one("#settings-heads", Line).show(Content(event.titles))

    @on(CursorList.Moved)
    def _moved(self) -> None:
        state = self._current()
        if state is None:
            return
        info = state.info
        default = one_line(words_of(info.default), 200) or ("unset" if info.default is None else '""')
        facts: list[str | tuple[str, str]] = [
            ("Default: ", "$muted"), default, ("   Kind: ", "$muted"), ", ".join(info.choices) or info.kind,
            ("   A change holds ", "$muted"), str(info.effect),
        ]  # fmt: skip
        if state.named:
            facts += [("   Stands in ", "$muted"), one_line(state.named, 80)]
        if info.section in _BESIDE:
            command, words = _BESIDE[info.section]
            facts += [("   ", ""), (self.key(command), "$accent"), f" {words}"]
        text = Content.assemble(lines(info.help, 2000), "\n", *facts)
        if state.fault:
            text = Content.assemble(text, "\n", line(state.fault, "$error", 300))
        self.query_one("#settings-help", Static).update(text)

    def _current(self) -> SettingState | None:
        number = self.table.current_id
        return None if number is None or number >= len(self._rows) else self._rows[number].state

    @on(CursorList.Chosen)
    def edit(self) -> None:
        """Ask for another value."""
        state = self._current()
        if state is None:
            return
        info = state.info
        if info.key == "keys":
            self.show_keys()
            return
        choices = ("true", "false") if info.kind == "yes or no" else info.choices
        save = partial(self._answered, state)
        if choices:
            now = state.words
            entries = [Entry(word, "now" if word == now else "", word) for word in choices]
            self.app.push_screen(Menu(info.key, entries), save)
        else:
            self.app.push_screen(setting_dialog(state, partial(self._fault_of, state)), save)

    def _fault_of(self, state: SettingState, text: str) -> str:
        if not text and (state.info.default is None or state.shown != state.value):
            return ""
        return values.fault_of(self._paths, state.info.key, text)

    def _answered(self, state: SettingState, text: str | None) -> None:
        """Save what was typed; nothing typed takes out what is unset by default, and leaves a secret as it is."""
        if text is None or text == state.words or (not text and state.shown != state.value):
            return
        self._save(state, text if text or state.info.default is not None else None)

    def unset(self) -> None:
        """Take the setting out of config.toml, so that its default holds."""
        state = self._current()
        if state is None:
            return
        if state.origin == "default":
            self.context.notify("It has its default already.")
        else:
            self._save(state, None)

    @task("save", exclusive=False, asked=True)
    async def _save(self, before: SettingState, text: str | None) -> None:
        try:
            state = await in_thread(values.set_value, self._paths, before.info.key, text)
        except DtkError as error:
            self.context.notify(f"{error.title} {error.detail}", severity="error")
            return
        self._load()
        if state.named:
            done = "Saved." if text is not None else "config.toml says nothing of it."
            self.context.notify(f"{done} {state.named} goes before it.", severity="warning")
        elif state.value != before.value or state.origin != before.origin:
            self.app.post_message(SettingSaved(before.info))

    def show_keys(self) -> None:
        """Show all commands with their keys."""
        self.app.post_message(KeymapOpened())

    def go_back(self) -> None:
        """Show all settings again, where some were found, else go back."""
        if self._words:
            self._asked("")
        else:
            self.dismiss(None)
