"""The command line: it alone puts config, store, services and app together.

A command is imported when it is named, and imports what it needs when it runs, so that ``dtk status`` loads neither the
other commands nor Textual nor ONNX Runtime. What people and scripts call most does without the parser.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from types import FrameType

from dtk_tui.cli.output import show_error
from dtk_tui.cli.quick import find_quick
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.terminal import prepare_standard_streams


def _raise_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _handle_signals() -> None:
    """Let signals end a command in order: it gives back what it holds, as on Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # in the background of a shell
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Ended from outside: systemd, a dropped SSH connection.
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, _raise_interrupt)


def run() -> int:
    """Run the command line and return its exit status.

    0 done, 1 failed (a DtkError becomes one panel on stderr), 2 bad usage, 130 interrupted; 141, as of a program that
    SIGPIPE ended, when the reader of the output went away.
    """
    prepare_standard_streams()
    _handle_signals()
    status = _exit_status()
    # An interpreter that is not ended at once looks for garbage in all that was loaded.
    gc.freeze()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # All is given back; an interrupt of what the interpreter does at its end would only leave a traceback.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return status


def _exit_status() -> int:
    try:
        quick = find_quick(sys.argv[1:])
        if quick is not None:
            quick()
            return 0
        from dtk_tui.cli.application import application

        application()
        return 0
    except SystemExit as ended:
        # Typer makes a status of 1 out of a broken pipe.
        if isinstance(ended.__context__, BrokenPipeError):
            return _broken_pipe()
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except UsageError as error:
        show_error(error)
        return 2
    except DtkError as error:
        show_error(error)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _broken_pipe()
    except OSError as error:
        show_error(_system_error(error))
        return 1
    except (ImportError, RuntimeError) as error:
        # An extension module that is interrupted while it loads says that it cannot be loaded; a class, that what it
        # has does not take its name.
        if _was_interrupted(error):
            return 130
        raise


def _was_interrupted(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _broken_pipe() -> int:
    """Keep the interpreter from writing at its end what nobody reads."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 141


def _system_error(error: OSError) -> DtkError:
    reason = error.strerror or str(error)
    if error.filename is not None:
        return DtkError(f"{os.fsdecode(error.filename)}: {reason}.")
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return DtkError("The output cannot be written.", f"{reason}.")
    return DtkError("The system refused something.", f"{reason}.")
