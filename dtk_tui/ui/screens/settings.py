"""The settings, drawn from their schema: what each is, where that stands, and setting others in config.toml."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Footer, Input, Static

from dtk_tui.config import AppPaths
from dtk_tui.errors import DtkError
from dtk_tui.services.settings import values
from dtk_tui.services.settings.values import SettingState
from dtk_tui.text import counted, one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.commands.registry import bindings
from dtk_tui.ui.context import AppContext
from dtk_tui.ui.dialogs import Choices, Dialog
from dtk_tui.ui.format import line, lines
from dtk_tui.ui.screens.base import CommandScreen
from dtk_tui.ui.widgets.safe_input import SafeInput
from dtk_tui.ui.widgets.status import Line
from dtk_tui.ui.widgets.tables.columns import Column
from dtk_tui.ui.widgets.tables.cursor_list import Cell, CursorList
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A line of the table: a setting, by its place among all."""

    id: int
    state: SettingState


def words_of(value: object) -> str:
    """Return a value as people type it; nothing for one that is unset."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def _value(row: SettingRow) -> Cell:
    state = row.state
    if state.fault:
        return one_line(words_of(values.shown(state)), 300), "list--bad"
    return one_line(words_of(values.shown(state)) or "(unset)", 300), "" if state.origin != "default" else "list--dim"


_COLUMNS: tuple[Column[SettingRow], ...] = (
    Column("Setting", lambda row: (one_line(row.state.info.key, 60), ""), 22, share=1, most=30),
    Column("Value", _value, 20, share=3),
    Column("From", lambda row: (row.state.origin, "list--accent" if row.state.origin != "default" else ""), 11, rank=1),
)


class SettingTable(VirtualTable[SettingRow]):
    """All settings in the order of config.toml."""

    BINDING_GROUP_TITLE = "Settings"
    HELP: ClassVar[str] = "From: where a value stands, the program's default, config.toml or the environment."

    def columns(self) -> Sequence[Column[SettingRow]]:
        """The columns."""
        return _COLUMNS


class SettingDialog(Dialog[str]):
    """Asks for the value of a setting, and says while it is typed whether it can be used."""

    def __init__(self, paths: AppPaths, state: SettingState) -> None:
        super().__init__(state.info.key)
        self._paths = paths
        self._state = state
        self._fault = state.fault

    def body(self) -> ComposeResult:
        """What it is, the line, and what is wrong with it."""
        info = self._state.info
        value = "" if info.is_secret else words_of(self._state.value)
        yield Static(lines(info.help, 2000), markup=False, classes="text")
        yield SafeInput(value, password=info.is_secret, compact=True, select_on_focus=False)
        yield Static(line(self._fault, "$error", 300), markup=False, classes="fault")
        yield Choices(("Enter", f"Save ({info.kind})", "screen.save"), ("Esc", "Cancel", "screen.leave"))

    @on(Input.Changed)
    def _typed(self) -> None:
        self._check()

    @task("check")
    async def _check(self) -> None:
        text = self.query_one(SafeInput).value
        self._fault = await in_thread(values.fault_of, self._paths, self._state.info.key, text)
        self.query_one(".fault", Static).update(line(self._fault, "$error", 300))

    @on(Input.Submitted)
    def action_save(self) -> None:
        """Give the value back, which is looked at once more when it is written."""
        self.dismiss(self.query_one(SafeInput).value)


class SettingsScreen(CommandScreen[None]):
    """Lists all settings, with what config.toml says of the one at the cursor."""

    BINDING_GROUP_TITLE = "Settings"
    AUTO_FOCUS = "#settings"
    COMMAND_GROUPS = ("settings",)
    BINDINGS: ClassVar[list[BindingType]] = bindings("settings")

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self._rows: list[SettingRow] = []
        self._paths = context.config.paths

    def compose(self) -> ComposeResult:
        """The title, the table, and the help of one setting."""
        yield Line(id="settings-title", classes="pane-title")
        yield Line(id="settings-heads", classes="heads")
        yield SettingTable(self._fetch, id="settings")
        yield Static("", id="settings-help", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Read them."""
        self.load_again()

    @property
    def table(self) -> SettingTable:
        """The table."""
        return self.query_one(SettingTable)

    def _fetch(self, ids: Sequence[int]) -> list[SettingRow]:
        return [self._rows[number] for number in ids if number < len(self._rows)]

    @task("load")
    async def load_again(self) -> None:
        """Read config.toml again."""
        states = await in_thread(values.listed, self._paths)
        self._rows = [SettingRow(number, state) for number, state in enumerate(states)]
        self.table.set_ids(array("q", range(len(states))), keep=bool(self.table.count))
        wrong = sum(bool(state.fault) for state in states)
        words = f"  {one_line(str(self._paths.config_file), 200)}"
        parts = [("Settings", "bold"), (words, "$muted")]
        if wrong:
            parts.append((f"  {counted(wrong, 'setting')} cannot be used", "$error"))
        self.query_one("#settings-title", Line).show(Content.assemble(*parts))

    @on(VirtualTable.ColumnsPlaced)
    def _columns_placed(self, event: VirtualTable.ColumnsPlaced) -> None:
        self.query_one("#settings-heads", Line).show(Content(event.titles))

    @on(CursorList.Moved)
    def _moved(self) -> None:
        row = self.table.current_row
        if row is None:
            return
        state = row.state
        default = words_of(state.info.default) or "unset"
        text = Content.assemble(
            lines(state.info.help or "config.toml tells more.", 2000),
            ("\nDefault: ", "$muted"),
            line(default, "", 300),
            (f"   {state.info.kind}", "$faint"),
            *((("\n", ""), line(state.fault, "$error", 300)) if state.fault else ()),
        )
        self.query_one("#settings-help", Static).update(text)

    @on(CursorList.Chosen)
    def edit(self) -> None:
        """Ask for another value."""
        row = self.table.current_row
        if row is not None:
            key = row.state.info.key
            self.app.push_screen(
                SettingDialog(self._paths, row.state), lambda text: self._save(key, text) if text is not None else None
            )

    def unset(self) -> None:
        """Take the setting out of config.toml, so that its default holds."""
        row = self.table.current_row
        if row is not None:
            self._save(row.state.info.key, None)

    @task("save", exclusive=False, asked=True)
    async def _save(self, key: str, text: str | None) -> None:
        try:
            state = await in_thread(values.set_value, self._paths, key, text)
        except DtkError as error:
            self.context.notify(f"{error.title} {error.detail}", severity="error")
            return
        if state.origin == "environment":
            self.context.notify("The environment goes before config.toml.", severity="warning")
        self.context.notify(values.TAKES_EFFECT)
        self.load_again()

    def go_back(self) -> None:
        """Go back."""
        self.dismiss(None)
