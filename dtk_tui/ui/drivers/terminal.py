"""The terminal under the app: one that is stopped, continued or taken away leaves no process behind."""

from __future__ import annotations

import codecs
import errno
import os
import selectors
import signal
import socket
import termios
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import IO, Any, cast

from textual import messages
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS, SYNC_END, SYNC_START
from textual.drivers.linux_driver import LinuxDriver
from textual.events import CursorPosition
from textual.message import Message

from dtk_tui.terminal import ASK_GROUND, GIVE_TITLE_BACK, KEEP_TITLE, TELL_COLORS, TELL_COLORS_NO_MORE, window_title
from dtk_tui.terminal_report import heard_early
from dtk_tui.ui.drivers.compact import compact
from dtk_tui.ui.drivers.late_answers import ColorsChanged, KeyParser
from dtk_tui.ui.drivers.link import LEAST_BYTES, LinkSpeed

#: What terminals send for Alt and one of these keys; Textual takes it for the signs that a Mac has on them.
_ALT_AND_KEY = tuple(f"\x1b{key}" for key in "0123456789-=")

#: What is drawn again so soon is still there; later something else may have written over it.
_SOON_S = 1.0
#: Whoever quits waits so long at most for what the terminal has yet to answer.
_SETTLE_S = 1.0


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
        self._waker: socket.socket | None = None
        self._woken: socket.socket | None = None
        self._output = _Output(cast("IO[str]", self._file))
        self._file = cast(Any, self._output)
        self._is_suspended = False
        self._title = ""
        self._update, self._question = "", ""
        self._frame, self._drawn_at = "", 0.0
        self.link = LinkSpeed()

    def name_window(self, words: str) -> None:
        """Give the window of the terminal a title, until the app ends or is suspended."""
        self._title = words
        self.write(window_title(words))

    def start_application_mode(self) -> None:
        """Start application mode; the title of the window is put aside, and the ground is followed."""
        self._waker, self._woken = socket.socketpair()  # before the thread that hears it
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self.write(KEEP_TITLE + TELL_COLORS)
        if self._title:
            self.write(window_title(self._title))

    def stop_application_mode(self) -> None:
        """End application mode and give the window its title back."""
        self.link.settle(_SETTLE_S)
        self.write(TELL_COLORS_NO_MORE + GIVE_TITLE_BACK)
        super().stop_application_mode()

    def write(self, data: str) -> None:
        """Write to the terminal, but not while it is another's; what is long shows how fast the link is.

        Some terminals answer only at the end of a synchronised update, so both questions stand outside of it. What is
        drawn a second time right after the first, as Textual does when a dialogue is closed, is left out.
        """
        if self._is_suspended:
            return
        if data == SYNC_START:
            self._update = data
            return
        data = compact(data)
        before, after = self._update, ""
        self._update = ""
        if data == SYNC_END:
            after, self._question = self._question, ""
        elif data == self._frame and monotonic() < self._drawn_at + _SOON_S:
            return
        elif len(data) >= LEAST_BYTES:
            self._frame, self._drawn_at = data, monotonic()
            question, after = self.link.questions(len(data.encode("utf-8", "replace")))
            if before:
                self._question, after = after, ""
            before = question + before
        else:
            self._frame = ""
        super().write(before + data + after)

    def run_input_thread(self) -> None:
        """Hear the keys until the input is disabled; Textual's own loop looks for that ten times a second.

        Those that were typed while the terminal was asked come first.
        """
        parser = KeyParser(self._debug)
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        for message in parser.feed(decode(heard_early())):
            self.process_message(message)
        assert self._woken is not None, "start_application_mode comes first"
        with selectors.DefaultSelector() as selector, self._woken as woken:
            selector.register(woken, selectors.EVENT_READ)
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                ready = {key.fd for key, _ in selector.select(parser.wait_s)}
                if woken.fileno() in ready:
                    break
                if self.fileno in ready:
                    heard = self._read()
                    if not heard:  # nobody is left who could type anything
                        self._app.post_message(messages.ExitApp())
                        break
                    for message in parser.feed(decode(heard)):
                        self.process_message(message)
                for message in parser.tick():
                    self.process_message(message)

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, 4096)
        except OSError:  # the shell that would bring a process of the background back is gone
            return b""

    def disable_input(self) -> None:
        """Hear no more keys."""
        if self._waker is not None:
            self._waker.close()
            self._waker = None
        super().disable_input()

    def process_message(self, message: Message) -> None:
        """Take up an answer of the terminal, in the thread that reads it."""
        if isinstance(message, ColorsChanged):
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self.write, ASK_GROUND)
        elif not (isinstance(message, CursorPosition) and self.link.answered()):
            super().process_message(message)

    def suspend_application_mode(self) -> None:
        """End application mode, to be resumed."""
        super().suspend_application_mode()
        self._is_suspended = True

    def resume_application_mode(self) -> None:
        """Start application mode anew; not where the system stops the process again, which is in the background."""
        self._is_suspended = False
        super().resume_application_mode()
        self._is_suspended = self._writer_thread is None or not self._writer_thread.is_alive()
        self.write(ASK_GROUND)

    def suspend_process(self, words: str) -> None:
        """Stop this process and those that were started with it, until the shell continues them.

        Args:
            words: what the terminal shows meanwhile.
        """
        self.suspend_application_mode()
        self._output.write(f"{words}\n")
        self._output.flush()
        os.killpg(0, signal.SIGTSTP)

    def _sigtstp_application(self, *_: object) -> None:
        """Stop, also when somebody else asks for it."""
        if self._is_suspended or not self._auto_restart:
            os.kill(os.getpid(), signal.SIGSTOP)
        else:
            self._soon(self._stop)

    def _sigcont_application(self, *_: object) -> None:
        """Take the terminal back, also from a shell that used it while the process was stopped by force."""
        if self._auto_restart:
            self._soon(self._continue)

    def _soon(self, action: Callable[[], None]) -> None:
        """Do something in the event loop: a signal may have interrupted the very queue that output is put in."""
        with suppress(RuntimeError):  # the loop has ended, and the app with it
            self._loop.call_soon_threadsafe(self._app.call_later, action)

    def _stop(self) -> None:
        if not self._is_suspended and not _is_gone(self.fileno):
            self.suspend_application_mode()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _continue(self) -> None:
        if _is_gone(self.fileno):
            return
        if not self._is_suspended:
            self.suspend_application_mode()
        self.resume_application_mode()
        self._app.app_resume_signal.publish(self._app)
        self._app.refresh(layout=True)


def _is_gone(descriptor: int) -> bool:
    """Return whether the terminal of a descriptor was taken away."""
    try:
        termios.tcgetattr(descriptor)
    except termios.error as error:
        return bool(error.args[0] == errno.EIO)
    return False
