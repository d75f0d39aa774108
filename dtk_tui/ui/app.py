"""The app: one library on the screen."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Awaitable, Callable
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.command import CommandPalette
from textual.signal import Signal

from dtk_tui import terminal, terminal_report
from dtk_tui.domain.events import Event
from dtk_tui.domain.job import WorkerState
from dtk_tui.domain.stats import Stats
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.log_file import log_handler
from dtk_tui.services.captions.writer import CaptionWriter
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.services.view_state import ViewState
from dtk_tui.text import one_line
from dtk_tui.ui import messages
from dtk_tui.ui.attention import Attention
from dtk_tui.ui.background import import_in_thread, task
from dtk_tui.ui.commands import appearance, workers
from dtk_tui.ui.commands.advice import in_keys
from dtk_tui.ui.commands.groups import GroupCheckOffer
from dtk_tui.ui.commands.imports import ImportOffer
from dtk_tui.ui.commands.palette import CommandProvider, open_menu
from dtk_tui.ui.commands.registry import BY_ID, bindings, first_key
from dtk_tui.ui.commands.runs import RunWatch
from dtk_tui.ui.commands.settings.config_keys import ConfigKeys
from dtk_tui.ui.context import AppContext, ContextScreen, LibraryChange
from dtk_tui.ui.dialogs import Confirm, ErrorDialog
from dtk_tui.ui.key_queue import KeyQueue
from dtk_tui.ui.local_services import LocalServices
from dtk_tui.ui.news import News
from dtk_tui.ui.screens.browser import BrowserScreen
from dtk_tui.ui.stats_feed import StatsFeed
from dtk_tui.ui.tasks import Tasks
from dtk_tui.ui.textual_compat import EarlyKeyPalette, FaultReportingApp
from dtk_tui.ui.theme import OWN_VARIABLES, THEMES

if TYPE_CHECKING:
    from dtk_tui.inference.captioner.base import Captioner
    from dtk_tui.services.scan.watcher import Watcher
    from dtk_tui.services.worker.engine import Engine

_log = logging.getLogger(__name__)
_STYLES = (
    "base", "browser", "image", "queue", "runs", "importer", "batch_edit", "journal", "help", "caption_editor",
    "collections", "duplicates", "queries", "thresholds", "settings",
)  # fmt: skip

#: How long the end of the app waits for the worker to give its jobs back.
_CLOSE_S = 15.0
#: The same while the database does not answer, which then takes nothing back.
_LOST_CLOSE_S = 2.0


def _opens(module: str, name: str) -> Callable[[DtkApp], Awaitable[None]]:
    """Return what shows a screen that is made of the context alone."""

    async def show(app: DtkApp) -> None:
        await app._show(module, name)

    return show


class DtkApp(KeyQueue, FaultReportingApp):
    """Shows one library and lets its queue be worked on: wires the context, opens screens, shows errors, ends well.

    Args:
        library: the open library; the caller closes its database after ``run``.
        make_engine: makes the worker of this process, which the app opens and closes; None shows only what other
            workers do.
        make_watcher: makes what follows the folders of the library, which the app starts and stops; None leaves them to
            scans.
    """

    TITLE = "dtk"
    CSS_PATH: ClassVar = [f"styles/{name}.tcss" for name in _STYLES]
    COMMANDS: ClassVar = {CommandProvider}
    ENABLE_COMMAND_PALETTE = False  # Textual's own key for it: this app has a command with an id
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")

    def __init__(
        self,
        library: LibraryBrowser,
        make_engine: Callable[[], Engine] | None,
        make_watcher: Callable[[], Watcher] | None = None,
    ) -> None:
        super().__init__()
        view_state = ViewState(library.config.paths.state / "view.json")
        self.use_theme(appearance.theme_of(self, view_state), THEMES)
        self.services = LocalServices(
            make_engine, make_watcher, lambda error: self._news.post(messages.ErrorReported(error))
        )
        wanted = library.config.settings.preview.protocol
        tasks = Tasks(self, library, self.take)
        self.context = AppContext(
            library=library,
            config=library.config,
            image_protocol="halfblock" if wanted == "auto" else wanted,
            stats=StatsFeed(self, library, lambda: tasks.is_filling),
            tasks=tasks,
            writer=CaptionWriter(library.db, library.config, self._lent_captioner),
            library_changed=Signal(self, "library-changed"),
            notify=self.say,
            view_state=view_state,
            key=lambda command_id: first_key(self, library.config, command_id),
        )
        self.browser = BrowserScreen(self.context)
        self._news = News(self, self.context)
        self._offer = ImportOffer(self, self.context)
        self._group_check = GroupCheckOffer(self, self.context)
        self._runs = RunWatch(self, self.context)
        self._errors_shown: list[DtkError] = []
        self._keys = ConfigKeys(self, self.context)

    # -- beginning and end --------------------------------------------------------------------------------------------

    def run(self, **options: Any) -> None:
        """Run until a person quits; native libraries cannot write over the screen meanwhile."""
        context = self.context
        context.image_protocol = terminal_report.image_protocol(context.config.settings.preview.protocol)
        if context.image_protocol in {"kitty", "sixel"}:
            import textual_image.widget  # noqa: F401 (it asks the terminal for its cell size while that still answers)
        log_file = context.config.paths.log_file
        with terminal.redirect_native_output(log_file):
            keeps = log_handler(log_file)
            logging.getLogger().addHandler(keeps)
            try:
                super().run(**options)
            finally:
                logging.getLogger().removeHandler(keeps)
                keeps.close()

    def get_default_screen(self) -> BrowserScreen:
        """Return the first screen."""
        return self.browser

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give every theme the colours that are this app's own."""
        return OWN_VARIABLES

    def on_mount(self) -> None:
        """Take the keys of the config, and end well when the terminal goes away."""
        self._keys.take_over()
        self._keys.tell_faults()
        for number in (signal.SIGTERM, signal.SIGHUP):  # a dropped SSH connection: the terminal and the jobs come back
            asyncio.get_running_loop().add_signal_handler(number, self.exit)

    def on_ready(self) -> None:
        """Look at the numbers, now that there is a screen to show news on."""
        self.context.library_changed.subscribe(self, self._library_changed)
        self.context.stats.changed.subscribe(self, self._look_for_offers)
        Attention(self, self.context).begin()
        appearance.follow_ground(self, self.context.view_state)
        self.context.stats.start()
        file = self.context.config.followed_file
        if file is not None:
            self.say(
                f"This library only shows {file.name} of Diffusion Toolkit: nothing is written.", severity="warning"
            )

    def on_images_shown(self) -> None:
        """Open the worker and the watcher, now that what they import holds nobody up."""
        self.services.open()

    def _lent_captioner(self) -> Captioner | None:
        engine = self.services.engine
        return None if engine is None else engine.captioner

    async def on_unmount(self) -> None:
        """Let the worker give its jobs back, within bounds; what it cannot give back returns when its lease ends."""
        ending: list[threading.Thread] = [*self.context.tasks.stop()]
        ending.append(threading.Thread(target=self.context.writer.close, name="dtk-writer", daemon=True))
        ending[-1].start()
        ending += self.services.close()
        end = monotonic() + (_LOST_CLOSE_S if self.context.stats.is_lost else _CLOSE_S)
        while any(thread.is_alive() for thread in ending) and monotonic() < end:
            await asyncio.sleep(0.02)

    async def action_quit(self) -> None:
        """Quit; asks first when that would stop the worker of this window in its work."""
        stats = self.context.stats.current
        engine = self.services.engine
        states = {engine.state if engine is not None else None, stats.desired if stats is not None else None}
        works = self.services.has_worker and WorkerState.RUNNING in states
        left = stats.queue.pending + stats.queue.running if stats is not None else 0
        if not works or not left:
            self.exit()
            return
        if not isinstance(self.screen, Confirm):
            self.push_screen(workers.ask_to_quit(left), lambda yes: self.exit() if yes else None)

    def fault_report(self, error: BaseException | None) -> Text:
        """Return a sentence for a person; the rest is for the log."""
        _log.critical("the app ended", exc_info=error)
        what = f"{type(error).__name__}: {error}" if error is not None else "unknown"
        return Text(
            f"dtk: The app ended by a fault of its own ({one_line(what, 300)}).\n"
            f"     What was saved is kept: start it again. The log tells more: {self.context.config.paths.log_file}"
        )

    # -- commands -----------------------------------------------------------------------------------------------------

    def action_command(self, command_id: str) -> None:
        """Do a command that is offered everywhere, for what is chosen on the first screen."""
        browser = self.browser
        BY_ID[command_id].run(self.context, browser, browser.target() if browser.is_mounted else None)

    def on_key(self, event: events.Key) -> None:
        """Say why a key does nothing, where it is the key of a command that cannot be done now."""
        screen = self.screen
        if not isinstance(screen, ContextScreen):
            return
        if why := self._keys.why_not(event.key, screen):
            self.say(why, severity="warning")

    # -- screens ------------------------------------------------------------------------------------------------------

    async def _show(self, module: str, name: str, *more: object, closed: Callable[[Any], None] | None = None) -> None:
        """Show a screen that is made of the context and what else is given, unless it is shown already."""
        await import_in_thread(f"dtk_tui.ui.screens.{module}")
        kind = getattr(import_module(f"dtk_tui.ui.screens.{module}"), name)
        if not isinstance(self.screen, kind):
            self.push_screen(kind(self.context, *more), closed)

    on_queue_opened = _opens("queue", "QueueScreen")
    on_runs_opened = _opens("runs", "RunsScreen")
    on_log_opened = _opens("work.log", "LogScreen")
    on_activity_opened = _opens("work.activity", "ActivityScreen")
    on_settings_opened = _opens("settings.screen", "SettingsScreen")
    on_keymap_opened = _opens("settings.keymap", "KeymapScreen")
    on_duplicates_opened = _opens("duplicates", "DuplicatesScreen")
    on_models_opened = _opens("models", "ModelsScreen")
    on_journal_opened = _opens("journal", "JournalScreen")

    async def on_failures_opened(self, message: messages.FailuresOpened) -> None:
        """Show failures by their reasons."""
        await self._show("work.failures", "FailuresScreen", closed=message.closed)

    def on_likes_asked(self, message: messages.LikesAsked) -> None:
        """List the images most like one."""
        while self.screen is not self.browser:
            self.pop_screen()
        self.browser.show_like(message.image_id)

    def on_run_queued(self, message: messages.RunQueued) -> None:
        """Tell when it is done."""
        self._runs.add(message.run_id)

    async def on_thresholds_opened(self, message: messages.ThresholdsOpened) -> None:
        """Show the thresholds of a tagger."""
        await self._show("thresholds", "ThresholdsScreen", message.of)

    @task("follow setting", exclusive=False)
    async def on_setting_saved(self, message: messages.SettingSaved) -> None:
        """Take over a setting that was saved, and offer what it needs beside that."""
        from dtk_tui.ui.commands.settings.follow import follow

        await follow(self, self.context, message.info)
        self._keys.take_over()

    async def on_captioner_test_opened(self) -> None:
        """Test the captioner."""
        await import_in_thread("dtk_tui.ui.screens.captioner_test")
        from dtk_tui.ui.screens.captioner_test import CaptionerTestScreen

        if not isinstance(self.screen, CaptionerTestScreen):
            self.push_screen(CaptionerTestScreen(self.context.config))

    async def on_image_opened(self, message: messages.ImageOpened) -> None:
        """Show one image."""
        await self._show("image", "ImageScreen", message.images, closed=message.closed)

    async def on_picture_opened(self, message: messages.PictureOpened) -> None:
        """Show one picture alone."""
        await self._show("picture.screen", "PictureScreen", message.images, closed=message.closed)

    async def on_caption_editor_opened(self, message: messages.CaptionEditorOpened) -> None:
        """Edit captions."""
        images, closed = message.images, message.closed
        await self._show("caption_editor", "CaptionEditorScreen", images, closed=lambda _: closed())

    async def on_import_opened(self, message: messages.ImportOpened) -> None:
        """Show the import."""
        await import_in_thread("dtk_tui.ui.screens.importer")
        from dtk_tui.ui.screens.importer import ImportScreen

        if not self.context.tasks.import_is_shown:
            self.push_screen(ImportScreen(self.context, message.source))

    async def on_batch_edit_opened(self, message: messages.BatchEditOpened) -> None:
        """Show the edit of the captions of many images."""
        await self._show("batch_edit", "BatchEditScreen", message.sets)

    async def on_collections_opened(self, message: messages.CollectionsOpened) -> None:
        """Show albums and tags."""
        await import_in_thread("dtk_tui.ui.screens.collections")
        from dtk_tui.ui.screens.collections import CollectionsScreen

        if not isinstance(self.screen, CollectionsScreen):
            ask = message.ask
            self.push_screen(CollectionsScreen(self.context), lambda line: ask(line) if line is not None else None)

    async def on_queries_opened(self, message: messages.QueriesOpened) -> None:
        """Offer the queries that were saved or asked."""
        await import_in_thread("dtk_tui.ui.screens.queries")
        from dtk_tui.ui.screens.queries import QueriesScreen

        if not isinstance(self.screen, QueriesScreen):
            screen = QueriesScreen(self.context.library, message.typed)
            self.push_screen(screen, lambda chosen: message.ask(chosen) if chosen is not None else None)

    async def on_help_opened(self) -> None:
        """Show all keys of the present screen."""
        await import_in_thread("dtk_tui.ui.screens.help")
        from dtk_tui.ui.screens.help import help_for

        if isinstance(self.screen, ContextScreen):
            self.push_screen(help_for(self.screen))

    def on_palette_opened(self) -> None:
        """Offer all commands."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(EarlyKeyPalette(id="--command-palette"))

    def on_menu_opened(self, message: messages.MenuOpened) -> None:
        """Offer some commands."""
        if isinstance(self.screen, ContextScreen):
            open_menu(self, self.screen, message.title, message.command_ids)

    # -- news ---------------------------------------------------------------------------------------------------------

    def take(self, event: Event) -> None:
        """Take news from any thread; never blocks."""
        self._news.take(event)

    def on_news_arrived(self, message: messages.NewsArrived) -> None:
        """Show what a service did."""
        self._news.show(message.event)

    def on_scan_moved(self, message: messages.ScanMoved) -> None:
        """Show how far a scan is."""
        self.context.tasks.show_scan(message.progress)

    def on_import_moved(self) -> None:
        """Show how far the import is."""
        self._news.show_import()

    def on_edit_moved(self) -> None:
        """Show how far an edit of many is."""
        self._news.show_edit()

    def say(self, words: str, *, severity: Literal["information", "warning", "error"] = "information") -> None:
        """Show a short notice; text from strangers is safe here."""
        self.notify(one_line(in_keys(words, self.context.key), 300), severity=severity, markup=False, timeout=6)

    @task("offer")
    async def on_source_found(self, message: messages.SourceFound) -> None:
        """Offer a database that lies about."""
        await self._offer.ask(message.path)

    def on_error_reported(self, message: messages.ErrorReported) -> None:
        """Show a failure once; a lost database is shown in the header until it is back."""
        message.stop()
        error = message.error
        if isinstance(error, DatabaseLostError):
            self.context.stats.publish_lost("db lost, retrying")
            if message.asked:
                self.say("The database is away: this was not done. Do it again when it is back.", severity="warning")
            return
        if any(one.title == error.title and one.detail == error.detail for one in self._errors_shown):
            return
        self._errors_shown.append(error)
        told = DtkError(error.title, in_keys(error.detail, self.context.key))
        self.push_screen(ErrorDialog(told), lambda _: self._errors_shown.remove(error))

    def _look_for_offers(self, stats: Stats) -> None:
        self._offer.consider(stats)
        self._group_check.consider(stats)
        self._runs.consider(stats)

    def _library_changed(self, change: LibraryChange) -> None:
        if change is LibraryChange.IMAGES:
            self.context.stats.poll_now(count=True)
        watcher = self.services.watcher
        if change in (LibraryChange.IMAGES, LibraryChange.RULES) and watcher is not None:
            watcher.check_roots()
