"""The terminal under the app: one that is stopped, continued or taken away leaves no process behind."""

from __future__ import annotations

import errno
import termios
from contextlib import suppress
from typing import IO, Any, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.drivers.linux_driver import LinuxDriver

from dtk_tui.terminal import GIVE_TITLE_BACK, KEEP_TITLE, window_title

#: What terminals send for Alt and one of these keys; Textual takes it for the signs that a Mac has on them.
_ALT_AND_KEY = tuple(f"\x1b{key}" for key in "0123456789-=")


def hear_alt_with_digits() -> None:
    """Let Textual hear Alt with a digit, a minus or an equals sign from terminals that send Escape before it."""
    for sequence in _ALT_AND_KEY:
        cast("dict[str, object]", ANSI_SEQUENCES_KEYS).pop(sequence, None)


class _Output:
    """A stream to a terminal; what is drawn after the terminal is gone is dropped.

    The thread that writes would end by the error, and the app would wait for a place in its queue for ever.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self.fileno = stream.fileno

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


class TerminalDriver(LinuxDriver):
    """Textual's driver for Linux, started anew only where it was ended before.

    A terminal that goes away sends SIGCONT behind SIGHUP, and ``kill -STOP`` comes without SIGTSTP. The base class
    starts its threads a second time then, and those of the first start keep the process alive after its end.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        hear_alt_with_digits()
        self._file = cast(Any, _Output(cast("IO[str]", self._file)))
        self._is_suspended = False
        self._title = ""

    def name_window(self, words: str) -> None:
        """Give the window of the terminal a title, until the app ends or is suspended."""
        self._title = words
        self.write(window_title(words))

    def start_application_mode(self) -> None:
        """Start application mode; the title of the window is put aside."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self.write(KEEP_TITLE)
        if self._title:
            self.write(window_title(self._title))

    def stop_application_mode(self) -> None:
        """End application mode and give the window its title back."""
        self.write(GIVE_TITLE_BACK)
        super().stop_application_mode()

    def suspend_application_mode(self) -> None:
        """End application mode, to be resumed."""
        super().suspend_application_mode()
        self._is_suspended = True

    def resume_application_mode(self) -> None:
        """Start application mode anew: at once where it is suspended, in the event loop where it still is on."""
        if self._is_suspended:
            self._is_suspended = False
            super().resume_application_mode()
        elif not _is_gone(self.fileno):
            # Not in a handler of a signal: that may have interrupted the very queue that output is put in.
            self._app.call_later(self._restart)

    def _restart(self) -> None:
        """Take the terminal back from a shell that used it while the process was stopped."""
        if self._is_suspended or _is_gone(self.fileno):
            return
        self.suspend_application_mode()
        self.resume_application_mode()
        self._app.refresh(layout=True)


def _is_gone(descriptor: int) -> bool:
    """Return whether the terminal of a descriptor was taken away."""
    try:
        termios.tcgetattr(descriptor)
    except termios.error as error:
        return bool(error.args[0] == errno.EIO)
    return False
