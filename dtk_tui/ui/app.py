"""The app: one library on the screen."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
from time import monotonic
from typing import Any, ClassVar, Literal

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.dom import DOMNode
from textual.message import Message
from textual.screen import Screen

from dtk_tui import terminal
from dtk_tui.domain.events import (
    Event,
    ImportFinished,
    JobsFinished,
    ProblemReported,
    ScanFinished,
    ScanProgressed,
    StatsChanged,
)
from dtk_tui.domain.imports import ImportProgressed
from dtk_tui.domain.job import WorkerState
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.services.scan.watcher import Watcher
from dtk_tui.services.worker.engine import Engine
from dtk_tui.text import counted, one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.commands import registry as keys
from dtk_tui.ui.commands.folders import RootActions
from dtk_tui.ui.commands.imports import Imports
from dtk_tui.ui.commands.palette import ActionProvider, Palette
from dtk_tui.ui.commands.workers import WorkerActions
from dtk_tui.ui.dialogs import Confirm, ErrorDialog
from dtk_tui.ui.key_queue import KeyQueue
from dtk_tui.ui.messages import ErrorReported, ImportMoved, NewsArrived, ScanMoved, StatsArrived
from dtk_tui.ui.screens.browser import BrowserScreen
from dtk_tui.ui.screens.help import Help
from dtk_tui.ui.screens.image import ImageScreen
from dtk_tui.ui.screens.importer import ImportScreen
from dtk_tui.ui.screens.queue import QueueScreen
from dtk_tui.ui.stats_feed import Looks
from dtk_tui.ui.theme import OWN_VARIABLES, THEME
from dtk_tui.ui.widgets.folder_tree import FolderTree
from dtk_tui.ui.widgets.image_table import ImageTable
from dtk_tui.ui.widgets.job_table import JobTable
from dtk_tui.ui.widgets.search_line import QueryInput
from dtk_tui.ui.widgets.status import HeaderLine

_log = logging.getLogger(__name__)

#: How long the end of the app waits for the worker to give its jobs back.
_CLOSE_S = 15.0
_WITH_KEYS: list[type[DOMNode]] = [
    BrowserScreen, QueueScreen, ImageScreen, ImportScreen, FolderTree, ImageTable, JobTable, QueryInput,
]  # fmt: skip


class DtkApp(KeyQueue, Looks, WorkerActions, RootActions, Imports):
    """Shows one library and lets its queue be worked on.

    Args:
        library: the open library; the caller closes its database after ``run``.
        engine: the worker of this process, opened and closed by the app; None shows only what other workers do.
        watcher: follows the folders of the library, started and stopped by the app; None leaves them to scans.
    """

    TITLE = "dtk"
    CSS_PATH = "styles/app.tcss"
    COMMANDS: ClassVar = {ActionProvider}
    BINDING_GROUP_TITLE = "Everywhere"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "start_worker", "Start the workers", show=False, id="app.start"),
        Binding("f6", "pause_worker", "Pause the workers", show=False, id="app.pause"),
        Binding("f7", "stop_worker", "Stop the workers", show=False, id="app.stop"),
        Binding("f8", "clear_queue", "Clear the queue", show=False, id="app.clear"),
        Binding("q", "queue", "Queue", id="app.queue"),
        Binding("question_mark", "help", "Help", key_display="?", id="app.help"),
        Binding("ctrl+p", "command_palette", "All commands", show=False, id="app.palette"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="app.quit"),
    ]

    def __init__(self, library: LibraryBrowser, engine: Engine | None, watcher: Watcher | None = None) -> None:
        super().__init__()
        self.library = library
        self.config = config = library.config
        self.engine = engine
        self.watcher = watcher
        self.protocol = "halfblock" if config.settings.preview.protocol == "auto" else config.settings.preview.protocol
        self.library_name = ""
        self.keymap = dict(config.settings.keys)
        self._last_progress = 0.0

    def run(self, **options: Any) -> None:
        """Run until a person quits; native libraries cannot write over the screen meanwhile."""
        self.protocol = terminal.image_protocol(self.config.settings.preview.protocol)
        if self.protocol in {"kitty", "sixel"}:
            import textual_image.widget  # noqa: F401 (it asks the terminal for its cell size while that still answers)
        log_file = self.config.paths.log_file
        with terminal.redirect_native_output(log_file):
            keeps = logging.FileHandler(log_file, encoding="utf-8", errors="backslashreplace")
            keeps.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))
            logging.getLogger().addHandler(keeps)
            try:
                super().run(**options)
            finally:
                logging.getLogger().removeHandler(keeps)
                keeps.close()

    def get_default_screen(self) -> Screen[None]:
        """Return the first screen."""
        return BrowserScreen()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give every theme the colours that are this app's own."""
        return OWN_VARIABLES

    @property
    def main(self) -> BrowserScreen:
        """The main screen, which is always at the bottom."""
        screen = self.screen_stack[0]
        assert isinstance(screen, BrowserScreen)
        return screen

    def on_mount(self) -> None:
        """Take the keys of the config, and end well when the terminal goes away."""
        self.register_theme(THEME)
        self.theme = THEME.name
        self._take_keymap()
        for number in (signal.SIGTERM, signal.SIGHUP):  # a dropped SSH connection: the terminal and the jobs come back
            asyncio.get_running_loop().add_signal_handler(number, self.exit)

    def begin(self) -> None:
        """Open the worker and the watcher, and look at the numbers, now that there is a screen to show news on."""
        self.begin_to_look()
        self.name_library()
        if self.engine is not None:
            threading.Thread(target=self._open_engine, args=(self.engine,), name="dtk-open", daemon=True).start()
        if self.watcher is not None:
            self.watcher.start()

    async def on_unmount(self) -> None:
        """Let the worker give its jobs back, within bounds; what it cannot give back returns when its lease ends."""
        ending: list[threading.Thread] = []
        if self.scanning is not None:
            self.scanning.stop()
            ending.append(self.scanning)
        if self.importing is not None and not self.importing.is_done:
            self.importing.stop()
            ending.append(self.importing)
        for part in (self.engine, self.watcher):
            if part is not None:
                ending.append(threading.Thread(target=part.close, name="dtk-close", daemon=True))
                ending[-1].start()
        end = monotonic() + _CLOSE_S
        while any(thread.is_alive() for thread in ending) and monotonic() < end:
            await asyncio.sleep(0.02)

    def _open_engine(self, engine: Engine) -> None:
        try:
            engine.open()
        except DtkError as error:
            self._post(ErrorReported(error))

    @task("name")
    async def name_library(self) -> None:
        roots = await in_thread(self.library.folders, None)
        name = one_line(roots[0].name, 60) if roots else "empty library"
        self.library_name = f"{name} +{len(roots) - 1}" if len(roots) > 1 else name
        self._show_library_name()

    def _show_library_name(self) -> None:
        for screen in self.screen_stack:
            for header in screen.query(HeaderLine):
                header.show_library(self.library_name)

    # -- keys ---------------------------------------------------------------------------------------------------------

    def _take_keymap(self) -> None:
        known = keys.known_ids(self, _WITH_KEYS)
        unknown = sorted(set(self.keymap) - known)
        self.keymap = {name: key for name, key in self.keymap.items() if name in known}
        self.set_keymap(self.keymap)
        if unknown:
            self.say(f"[keys] in config.toml names actions that do not exist: {', '.join(unknown)}", severity="warning")

    def actions(self, screen: Screen[Any]) -> list[keys.Action]:
        """Return all actions that a screen offers."""
        return keys.actions(self, screen, self.keymap)

    def control_keys(self) -> dict[str, str]:
        """Return the keys of the control bar by action."""
        return {
            binding.action: keys.key_names(self, binding, self.keymap.get(binding.id or "", binding.key))
            for binding in self.BINDINGS
            if isinstance(binding, Binding)
        }

    # -- news ---------------------------------------------------------------------------------------------------------

    def take(self, event: Event) -> None:
        """Take news from any thread; never blocks, and drops progress that comes faster than anyone can read."""
        if isinstance(event, StatsChanged):
            self._post(StatsArrived(event.stats))
        elif isinstance(event, ScanProgressed):
            now = monotonic()
            if now - self._last_progress > 0.2:
                self._last_progress = now
                self._post(ScanMoved(event))
        elif isinstance(event, ImportProgressed | ImportFinished):
            self._post(ImportMoved())
        elif not isinstance(event, JobsFinished):
            self._post(NewsArrived(event))

    def _post(self, message: Message) -> None:
        if self.is_running:
            try:
                self.post_message(message)
            except RuntimeError:
                _log.debug("the app ended before news could be told")

    def say(self, words: str, *, severity: Literal["information", "warning", "error"] = "information") -> None:
        """Show a short notice; text from strangers is safe here."""
        self.notify(one_line(words, 300), severity=severity, markup=False, timeout=6)

    def on_news_arrived(self, message: NewsArrived) -> None:
        """Show what a service did."""
        event = message.event
        if isinstance(event, ProblemReported):
            self.say(f"{event.title} {event.detail}", severity="warning")
        elif isinstance(event, ScanFinished):
            self.scan_finished(event)
        self.look_now()

    def on_error_reported(self, message: ErrorReported) -> None:
        """Show a failure once; a lost database is shown in the header until it is back."""
        message.stop()
        error = message.error
        if isinstance(error, DatabaseLostError):
            self.show_lost("db lost, retrying")
            if message.asked:
                self.say("The database is away: this was not done. Do it again when it is back.", severity="warning")
            return
        shown = [s for s in self.screen_stack if isinstance(s, ErrorDialog)]
        if not any(s.error.title == error.title and s.error.detail == error.detail for s in shown):
            self.push_screen(ErrorDialog(error))

    def library_changed(self) -> None:
        """Show folders and images anew after much was written."""
        self.look_now(count=True)
        if self.watcher is not None:
            self.watcher.look_again()
        self.name_library()
        self.main.action_refresh()

    def _fatal_error(self) -> None:
        """End after a fault of the program: a sentence for a person, the rest for the log."""
        error = sys.exception() or self._exception
        _log.critical("the app ended", exc_info=error)
        what = f"{type(error).__name__}: {error}" if error is not None else "unknown"
        said = Text(
            f"dtk: The app ended by a fault of its own ({one_line(what, 300)}).\n"
            f"     What was saved is kept: start it again. The log tells more: {self.config.paths.log_file}"
        )
        self._exit_renderables[:] = [said]  # what follows from the first is of no use to anyone
        self._close_messages_no_wait()

    # -- screens ------------------------------------------------------------------------------------------------------

    def action_command_palette(self) -> None:
        """Offer all commands."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(Palette(id="--command-palette"))

    def action_queue(self) -> None:
        """Show the queue."""
        if not isinstance(self.screen, QueueScreen):
            self.push_screen(QueueScreen())

    def action_help(self) -> None:
        """Show all keys of the present screen."""
        self.push_screen(Help(self.actions(self.screen)))

    async def action_quit(self) -> None:
        """Quit; asks first when that would stop the worker of this window in its work."""
        stats = self.stats
        states = {self.engine.state if self.engine is not None else None, stats.desired if stats is not None else None}
        works = self.engine is not None and WorkerState.RUNNING in states
        left = stats.queue.pending + stats.queue.running if stats is not None else 0
        if not works or not left:
            self.exit()
            return
        text = (
            f"The worker of this window is running and {counted(left, 'job is', 'jobs are')} left.\n"
            "Nothing is lost: the queue is kept, and the next start goes on.\n"
            "To let it work without this window: dtk worker run"
        )

        def answered(yes: bool | None) -> None:
            if yes:
                self.exit()

        if not isinstance(self.screen, Confirm):
            self.push_screen(Confirm("Quit?", text, "Quit"), answered)
