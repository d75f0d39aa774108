"""The app in a page of a browser, which a server hands on by the standard streams: it ends with its server."""

from __future__ import annotations

from textual import messages
from textual.drivers.web_driver import WebDriver


class BrowserDriver(WebDriver):
    """Textual's driver for textual-serve, whose app ends when nobody is left to send it anything.

    The base class stops listening and draws on when its standard input ends, as that of a killed server does.
    """

    def run_input_thread(self) -> None:
        """Take what comes from the page until there is nothing more, then end the app."""
        super().run_input_thread()
        self._app.post_message(messages.ExitApp())
