"""metrics: numbers for Prometheus."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from dtk_tui.cli.open_library import library
from dtk_tui.text import one_line

commands = typer.Typer()


@commands.command()
def metrics(
    port: Annotated[int, typer.Option("--port", min=1, max=65_535, help="On 127.0.0.1.")] = 9464,
) -> None:
    """Serve the numbers of dtk status to Prometheus on this machine, until it is interrupted."""
    from dtk_tui.services.metrics.server import key_in, metrics_server

    with library() as (db, config):
        file = config.paths.state / "metrics.key"
        with metrics_server(db, port, key_in(file)) as server:
            typer.echo(f"http://127.0.0.1:{port}/metrics, for who has the key in {one_line(str(file), 5000)}")
            with suppress(KeyboardInterrupt):
                server.serve_forever()
