"""The commands of ``dtk cluster``."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtk_tui.cli.open_library import library
from dtk_tui.cli.options import Json
from dtk_tui.cli.output import print_json, print_table
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.text import counted, one_line

if TYPE_CHECKING:
    from dtk_tui.services.cluster.cluster import Overview

commands = typer.Typer(help="Workers on all machines of a Ray cluster, one a GPU.", no_args_is_help=True)

_ADDRESS = "Host and port of the head of a cluster that runs: 10.0.0.5:6379. Without it, the cluster of last time."
_LOCAL = "Make a cluster of N nodes on this machine alone, or change one to N nodes."


@commands.command()
def up(
    address: Annotated[str | None, typer.Option("--address", metavar="ADDRESS", help=_ADDRESS)] = None,
    local: Annotated[int | None, typer.Option("--local", metavar="N", min=1, max=64, help=_LOCAL)] = None,
    as_json: Json = False,
) -> None:
    """Bring up a worker for each GPU of the cluster, or, where it has none, for each node; again after a change."""
    from dtk_tui.services.cluster import cluster

    if address is not None and local is not None:
        raise UsageError("A cluster is named or made, not both.", "Leave out --address, or --local.")
    # Ray prints what it hears of dead nodes on standard output, which is this command's own.
    with library() as (db, config), redirect_stdout(sys.stderr):
        overview = cluster.up(
            db, config, address=address, local=local, tell=lambda words: typer.echo(f"dtk: {words}", err=True)
        )
    _show(overview, as_json=as_json)
    problems = sorted({worker.problem for worker in overview.workers if worker.state == "starting" and worker.problem})
    if problems:
        raise DtkError("Workers have not started.", " ".join(one_line(problem, 500) for problem in problems))


@commands.command()
def status(as_json: Json = False) -> None:
    """Show the nodes of the cluster and the workers on them."""
    from dtk_tui.services.cluster import cluster

    with library() as (db, config), redirect_stdout(sys.stderr):
        overview = cluster.status(db, config)
    _show(overview, as_json=as_json)


@commands.command()
def down() -> None:
    """End the workers on the cluster, which give back what they hold, and the nodes that up --local started."""
    from dtk_tui.services.cluster import cluster

    with library() as (db, config):
        number = cluster.down(db, config)
    typer.echo(f"Ended {counted(number, 'worker')}.")


def cluster_json(overview: Overview) -> dict[str, Any]:
    """Return the keys of ``dtk cluster status --json``."""
    return {
        "address": overview.address,
        "nodes": [
            {"node": node.id, "host": node.host, "address": node.address, "cpus": node.cpus, "gpus": node.gpus}
            for node in overview.nodes
        ],
        "workers": [
            {
                "node": worker.node,
                "devices": list(worker.devices),
                "state": worker.state,
                "jobs_per_s": worker.jobs_per_s,
                "problem": worker.problem,
            }
            for worker in overview.workers
        ],
    }


def _show(overview: Overview, *, as_json: bool) -> None:
    if as_json:
        print_json(cluster_json(overview))
        return
    hosts = {node.id: node.host for node in overview.nodes}
    typer.echo(
        f"{counted(len(overview.nodes), 'node')}, {counted(len(overview.workers), 'worker')}"
        f" at {one_line(overview.address, 200)}"
    )
    rows = [
        [
            "" if worker.node is None else f"{hosts.get(worker.node, '?')} {worker.node[:8]}",
            ", ".join(worker.devices),
            worker.state,
            f"{worker.jobs_per_s:,.1f}",
            worker.problem,
        ]
        for worker in overview.workers
    ]
    if rows:
        print_table(["Node", "Devices", "State", "Jobs/s", "Problem"], rows, right=frozenset({3}))
