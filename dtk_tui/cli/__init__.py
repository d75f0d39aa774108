"""The command line: it alone puts config, store, services and app together.

A command is imported when it is named, and imports what it needs when it runs, so that ``dtk status`` loads neither the
other commands nor Textual nor ONNX Runtime.
"""

from __future__ import annotations

import errno
import gc
import logging
import os
import signal
from types import FrameType
from typing import Annotated

import typer

from dtk_tui.cli.output import show_error
from dtk_tui.cli.program.group import Program
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.terminal import prepare_standard_streams

application = typer.Typer(
    name="dtk",
    cls=Program,
    help="Very large libraries of AI-generated images, in the terminal.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        from dtk_tui.cli.install.version import version_line

        typer.echo(version_line())
        raise typer.Exit


@application.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting for this run, before config.toml; may be repeated."),
    ] = None,
) -> None:
    """Open the app, or run one of the commands."""
    del version
    if set_:
        from dtk_tui.setting_sources import COMMAND_LINE, from_command_line

        os.environ[COMMAND_LINE] = from_command_line(set_)
    if context.invoked_subcommand is None:
        from dtk_tui.cli.app import open_app

        open_app()
    else:
        # psycopg tells stderr of each connection that breaks; the sentence of the trouble says it.
        logging.getLogger("psycopg").addHandler(logging.NullHandler())


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
    except ImportError as error:
        # An extension module that is interrupted while it loads says that it cannot be loaded.
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
