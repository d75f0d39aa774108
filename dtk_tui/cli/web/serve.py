"""serve: the app in a browser."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from dtk_tui.cli.open_library import library
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.text import one_line

commands = typer.Typer()

_HOST = (
    "Another address of this machine. Whoever reaches it and has the token can do all that the app can, also move files"
    " into the trash, and nothing is encrypted: ssh -L 8000:127.0.0.1:8000 is the safer way."
)
_FREE = "Let every user and every program of this machine in; on 127.0.0.1 only."


@commands.command()
def serve(
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="0 takes one that is free.")] = 8000,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help=_HOST)] = "127.0.0.1",
    no_token: Annotated[bool, typer.Option("--no-token", help=_FREE)] = False,
) -> None:
    """Serve the app to browsers on this machine, until it is interrupted."""
    try:
        from dtk_tui.cli.web.server import is_loopback, new_token, serve_app
    except ImportError as error:
        raise DtkError("The app in a browser needs an extra.", "pip install 'dtk-tui[serve]'") from error

    is_open = not is_loopback(host)
    if is_open and no_token:
        raise UsageError("Without a token the app is for this machine alone.", "Leave out --no-token, or --host.")
    token = None if no_token else new_token()

    def tell(address: str) -> None:
        if is_open:
            typer.echo(
                f"dtk: Whoever reaches {one_line(host, 200)} and has this address can do all that the app can, also"
                " move files into the trash. Nothing is encrypted: who listens to the network reads it.",
                err=True,
            )
        elif no_token:
            typer.echo("dtk: Every user and every program of this machine can open this address.", err=True)
        typer.echo(address)

    # The library is open meanwhile: what is wrong with it is said here, and no page waits for its server.
    with library(), suppress(KeyboardInterrupt):
        serve_app(host, port, token, tell)
