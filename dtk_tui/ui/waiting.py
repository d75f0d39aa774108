"""What is shown while the server of the library is away at the start of the app."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from dtk_tui.config import Config
from dtk_tui.errors import DtkError, ServerAwayError
from dtk_tui.services.view_state import ViewState
from dtk_tui.text import display, duration, one_line
from dtk_tui.ui.background import in_thread
from dtk_tui.ui.commands import appearance
from dtk_tui.ui.textual_compat import FaultReportingApp
from dtk_tui.ui.textual_drawing import SettledScreen
from dtk_tui.ui.theme import THEMES
from dtk_tui.ui.widgets.key_footer import KeyFooter
from dtk_tui.ui.widgets.status import Line

_log = logging.getLogger(__name__)

#: So long after an answer the server is asked again, in seconds.
AGAIN_S = 5.0


class WaitingScreen(SettledScreen[None]):
    """Why the server does not answer, since when it is waited for, and what to do."""

    def compose(self) -> ComposeResult:
        """A title, and what changes below it."""
        yield Line(id="waiting-title", classes="pane-title")
        with VerticalScroll(can_focus=False):
            yield Static(id="waiting-reason", markup=False)
            yield Static(id="waiting-since", markup=False)
            yield Static(id="waiting-advice", markup=False)
        yield KeyFooter()


class WaitingApp(FaultReportingApp):
    """Waits until the server answers, or a person leaves; ``is_answered`` says which it was.

    Args:
        config: names the server.
        reason: why it did not answer just now.
        ask: blocks; raises ServerAwayError with the reason while the server is away.
    """

    TITLE = "dtk"
    CSS_PATH: ClassVar = ["styles/base.tcss", "styles/waiting.tcss"]
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "try_now", "Try now"),
        Binding("q,escape,ctrl+q", "leave", "Quit", key_display="q"),
    ]

    def __init__(self, config: Config, reason: ServerAwayError, ask: Callable[[], None]) -> None:
        super().__init__()
        self.use_theme(appearance.theme_of(self, ViewState(config.paths.state / "view.json")), THEMES)
        self.is_answered = False
        self._config = config
        self._reason = reason
        self._ask = ask
        self._began = monotonic()
        self._next = self._began + AGAIN_S
        self._is_asking = False

    def get_default_screen(self) -> Screen[None]:
        """Return its one screen."""
        return WaitingScreen()

    def on_mount(self) -> None:
        """Say what is the matter, and look at the clock from now on."""
        self.set_interval(0.5, self._look)

    def on_ready(self) -> None:
        """Show it as soon as there is something to show it on."""
        super().on_ready()
        self._show()

    def _show(self) -> None:
        if not self.is_running or not self.screen.is_mounted:
            return
        error, config = self._reason, self._config
        title = Content(f"{one_line(error.title, 300)} It is waited for.")
        self.screen.query_one("#waiting-title", Line).show(title)
        self.screen.query_one("#waiting-reason", Static).update(
            Content.styled(display(error.detail).replace("\t", "  "), "$error")
        )
        waited = duration(monotonic() - self._began)
        since = f"Waiting for {waited}. It is asked every {AGAIN_S:.0f} s; the app opens when it answers."
        self.screen.query_one("#waiting-since", Static).update(
            Content("It is asked now\u2026" if self._is_asking else since)
        )
        place = one_line(str(config.paths.config_file), 1000)
        self.screen.query_one("#waiting-advice", Static).update(
            Content(
                f"Start it, or quit and correct what names it: DTK_DATABASE_URL, or else [database] url in\n{place}"
            )
        )

    def _look(self) -> None:
        if not self._is_asking and monotonic() >= self._next:
            self.action_try_now()
        self._show()

    def action_try_now(self) -> None:
        """Ask the server now."""
        if not self._is_asking:
            self._is_asking = True
            self._show()
            self.run_worker(self._try(), group="ask")

    async def _try(self) -> None:
        try:
            await in_thread(self._ask)
        except ServerAwayError as error:
            self._reason = error
            self._next = monotonic() + AGAIN_S
            self._is_asking = False
            self._show()
        except DtkError:
            self._end()  # it is not away: whoever opens the library hears what else is wrong
        else:
            self._end()

    def _end(self) -> None:
        self.is_answered = True
        self.exit()

    def action_leave(self) -> None:
        """Do not wait."""
        self.exit()

    def fault_report(self, error: BaseException | None) -> Text:
        """Return a sentence for a person; the rest is for the log."""
        _log.critical("waiting for the database ended", exc_info=error)
        return Text(f"dtk: Waiting for the database ended by a fault ({type(error).__name__}). Start it again.")
