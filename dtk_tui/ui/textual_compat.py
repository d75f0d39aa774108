"""What this app uses of Textual that Textual does not promise to keep; pyproject.toml bounds its version."""

from __future__ import annotations

from contextlib import suppress

from rich.console import RenderableType
from textual import events
from textual.app import App
from textual.command import CommandPalette
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message_pump import MessagePump
from textual.widgets import Input

from dtk_tui.ui.driver import TerminalDriver


def parent_of(node: MessagePump) -> MessagePump | None:
    """Return where the messages of a node bubble to."""
    return node._parent


class FaultReportingApp(App[None]):
    """An app that ends with words of its own after a fault of the program, and with its terminal."""

    def get_driver_class(self) -> type[Driver]:
        """Return what draws on the terminal and reads its keys."""
        found = super().get_driver_class()
        return TerminalDriver if found is LinuxDriver else found

    def fault_report(self, error: BaseException | None) -> RenderableType:
        """Return what stands on the terminal after the end."""
        raise NotImplementedError

    def _fatal_error(self) -> None:
        report = self.fault_report(self._exception)
        self._exit_renderables[:] = [report]  # what follows from the first is of no use to anyone
        self._close_messages_no_wait()


class EarlyKeyPalette(CommandPalette):
    """The palette, in which a key may come before its list is drawn."""

    def _action_command_list(self, action: str) -> None:
        with suppress(KeyError):  # of a line that is not there yet
            super()._action_command_list(action)


class PasteInput(Input):
    """An input line that decides itself what becomes of pasted text."""

    def pasted(self, text: str) -> None:
        """Take over pasted text."""
        raise NotImplementedError

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.pasted(event.text)
