"""The command line: the only wiring of config, store, services and app.

Every command imports what it needs when it runs, so that ``dtk status`` loads neither Textual nor ONNX Runtime.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType

import typer

from dtk_tui import __version__
from dtk_tui.cli import database, library, log, migration, models, queue, roots, setup, worker
from dtk_tui.cli.session import show_error
from dtk_tui.errors import DtkError, UsageError

application = typer.Typer(
    name="dtk",
    help="Very large libraries of AI-generated images, in the terminal.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)
for part in (library, worker, log, migration, setup):
    for command in part.commands.registered_commands:
        application.registered_commands.append(command)
application.add_typer(roots.commands, name="library")
application.add_typer(queue.commands, name="queue")
application.add_typer(worker.control, name="worker")
application.add_typer(models.commands, name="models")
application.add_typer(database.commands, name="db")
application.add_typer(setup.configuration, name="config")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dtk {__version__}")
        raise typer.Exit


@application.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Open the app, or run one of the commands."""
    del version
    if context.invoked_subcommand is None:
        from dtk_tui.cli.app import open_app

        open_app()


def _interrupted(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def run() -> None:
    """Run the command line; a DtkError becomes one panel on stderr and exit status 1, bad usage 2."""
    # Ended from outside (systemd, a dropped SSH connection), a command gives back what it holds, as on Ctrl-C.
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, _interrupted)
    try:
        application()
    except UsageError as error:
        show_error(error)
        sys.exit(2)
    except DtkError as error:
        show_error(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output is gone; keep the interpreter from complaining about it at its end.
        sys.stdout = None
        sys.exit(0)
