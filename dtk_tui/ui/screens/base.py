"""What full screens share: commands, and a header with the numbers."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult

from dtk_tui.domain.stats import Stats
from dtk_tui.text import one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.commands.advice import in_keys
from dtk_tui.ui.commands.images import ask_for_row
from dtk_tui.ui.commands.registry import BY_ID
from dtk_tui.ui.context import ContextScreen, LibraryChange, ResultT
from dtk_tui.ui.textual_compat import FaultReportingApp
from dtk_tui.ui.widgets.status import ControlBar, HeaderLine
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable

#: Fewer lines than these are needed for the list.
_LOW = 22


class CommandScreen(ContextScreen[ResultT]):
    """A screen that carries out the commands that it offers."""

    def action_command(self, command_id: str) -> None:
        """Do a command."""
        BY_ID[command_id].run(self.context, self, self.target())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide commands that cannot be done now; whoever presses their keys is told why by the app."""
        if action == "command":
            return not BY_ID[str(parameters[0])].refusal(self)
        return super().check_action(action, parameters)

    def key(self, command_id: str) -> str:
        """Return the first key of a command, as people read it."""
        return self.context.key(command_id)

    def in_keys(self, text: str) -> str:
        """Return what a service advises, with keys in the place of commands of the shell."""
        return in_keys(text, self.context.key)

    @on(VirtualTable.GoToAsked)
    def _go_to_asked(self) -> None:
        self.ask_for_row()

    def ask_for_row(self) -> None:
        """Ask for a row of the table, and go there."""
        ask_for_row(self, self.query_one(VirtualTable))


class StatusScreen(CommandScreen[ResultT]):
    """A screen with the header and the control bar, which follow the numbers; a subclass gives the rest."""

    def compose(self) -> ComposeResult:
        """The header and the control bar, which stay in sight, and what is below them."""
        yield HeaderLine()
        yield ControlBar(self._key_names(), self.in_keys)
        yield from self.body()

    def body(self) -> ComposeResult:
        """Yield what stands below the control bar."""
        yield from ()

    def _key_names(self) -> dict[str, str]:
        keymap = self.context.config.settings.keys
        shown = (*(name for name, *_ in ControlBar.BUTTONS), "app.trouble")
        return {name: BY_ID[name].key_names(self.app, keymap) for name in shown}

    def keys_changed(self) -> None:
        """Show what the buttons' keys are now."""
        if self.is_mounted:
            self.query_one(ControlBar).show_keys(self._key_names())

    def on_mount(self) -> None:
        """Follow the numbers and the name of the library."""
        context = self.context
        context.stats.changed.subscribe(self, self.show_stats)
        context.stats.lost.subscribe(self, self._show_lost)
        context.library_changed.subscribe(self, self._library_changed)
        self.query_one(HeaderLine).show_library(context.library_name)
        self.room_changed()
        if context.stats.current is not None:
            self.show_stats(context.stats.current)

    def on_resize(self, event: events.Resize) -> None:
        """A low screen leaves its lines to what is below the control bar."""
        self.room_changed()

    def room_changed(self) -> None:
        """Make the control bar one of two lines where the screen is low, or the settings ask for it."""
        density = self.context.config.settings.display.density
        if self.is_mounted:
            self.query_one(ControlBar).make_brief(
                density == "compact" or (density == "auto" and 0 < self.size.height < _LOW)
            )

    def show_stats(self, stats: Stats) -> None:
        """Take over fresh numbers."""
        header = self.query_one(HeaderLine)
        header.show_stats(stats)
        header.show_library(self.context.library_name)
        self.query_one(ControlBar).show_stats(stats)

    def _show_lost(self, words: str) -> None:
        if words:
            self.query_one(HeaderLine).show_lost(words)
        else:
            self.recover()

    def recover(self) -> None:
        """Load again after the database came back."""

    def _library_changed(self, change: LibraryChange) -> None:
        self.show_change(change)
        if change is LibraryChange.IMAGES:
            self.name_library()

    def show_change(self, change: LibraryChange) -> None:
        """Show what became of the library."""

    @task("name")
    async def name_library(self) -> None:
        """Name the library after its roots, in the header."""
        roots = await in_thread(self.library.folders, None)
        name = one_line(roots[0].name, 60) if roots else "empty library"
        self.context.library_name = f"{name} +{len(roots) - 1}" if len(roots) > 1 else name
        if isinstance(self.app, FaultReportingApp):
            self.app.name_window(f"dtk {self.context.library_name}")
        self.query_one(HeaderLine).show_library(self.context.library_name)
