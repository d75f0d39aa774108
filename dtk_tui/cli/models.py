"""models list, pull, verify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtk_tui.cli.options import Json
from dtk_tui.cli.output import ProgressLine, print_json, print_table, progress_bar
from dtk_tui.errors import DtkError
from dtk_tui.text import display, file_size

if TYPE_CHECKING:
    from dtk_tui.inference.download import Progress

commands = typer.Typer(help="Model files: what there is, get, check.", no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Models, or a set such as starter.")]


@commands.command(name="list")
def list_(as_json: Json = False) -> None:
    """List all known models and which are on this machine."""
    from dtk_tui.config import load
    from dtk_tui.inference.manifest import load_manifest
    from dtk_tui.inference.model_files import states

    config = load()
    found = states(load_manifest(), config.paths.models)
    if as_json:
        for state in found:
            spec = state.spec
            print_json(
                {
                    "name": spec.name,
                    "role": spec.role,
                    "installed": state.is_installed,
                    "source": spec.source,
                    "licence": spec.licence,
                    "size": state.size,
                    "sets": list(spec.sets),
                }
            )
        return
    in_use = {name for name, _ in config.settings.models.in_use}
    in_use |= {str(spec.text_tower) for name, spec in load_manifest().joint.items() if name in in_use}
    rows = [
        (
            "*" if state.spec.name in in_use else "",
            state.spec.name,
            state.spec.role,
            "yes" if state.is_installed else "-",
            file_size(state.size) if state.size else "",
            state.spec.licence,
            ", ".join(state.spec.sets),
        )
        for state in found
    ]
    print_table(("", "name", "role", "here", "size", "licence", "sets"), rows, right=frozenset({4}))
    typer.echo(display(f"* in use. Folder: {config.paths.models}"), err=True)


def _progress(line: ProgressLine) -> Progress:
    def show(step: str, done: int, total: int | None) -> None:
        share = f"[{progress_bar(done / total)}] {done / 1e6:,.0f} of {total / 1e6:,.0f} MB" if total else ""
        line.show(f"{step}  {share}")

    return show


@commands.command()
def pull(names: Names = None, as_json: Json = False) -> None:
    """Download models that are not here yet; without names those that the config uses."""
    from dtk_tui.config import load
    from dtk_tui.inference.manifest import load_manifest
    from dtk_tui.inference.pull import pull as pull_one

    config = load()
    in_use = [name for name, _ in config.settings.models.in_use]
    for spec in load_manifest().select(names or in_use):
        line = ProgressLine()
        try:
            fetched = pull_one(spec, config.paths.models, _progress(line))
        finally:
            line.end()
        if as_json:
            print_json({"name": spec.name, "fetched": fetched})
        else:
            typer.echo(f"{spec.name}: {'downloaded' if fetched else 'here already'}")


@commands.command()
def verify(names: Names = None, as_json: Json = False) -> None:
    """Check model files against their sizes and checksums; without names those of every model that is here."""
    from dtk_tui.config import load
    from dtk_tui.inference.manifest import load_manifest
    from dtk_tui.inference.model_files import is_present
    from dtk_tui.inference.model_files import verify as verify_one

    config = load()
    manifest = load_manifest()
    folder = config.paths.models
    specs = manifest.select(names) if names else [m for m in manifest.models if is_present(m, folder)]
    if not specs and not as_json:
        typer.echo(f"There is no model in {folder}.", err=True)
    bad: list[str] = []
    for spec in specs:
        line = ProgressLine()
        checks = verify_one(spec, folder, _progress(line))
        line.end()
        bad += [spec.name] if not all(check.usable for check in checks) else []
        if as_json:
            print_json(
                {
                    "name": spec.name,
                    "files": [{"path": c.path, "state": c.condition, "detail": c.detail} for c in checks],
                }
            )
            continue
        for check in checks:
            typer.echo(display(f"{check.path}: {check.condition} {check.detail}".rstrip()))
    if bad:
        raise DtkError(f"Damaged or missing: {', '.join(bad)}.", f"Get them again: dtk models pull {' '.join(bad)}")


@commands.command()
def measure(
    names: Names = None,
    half: Annotated[bool, typer.Option("--half", help="Write each model in half precision first, for GPUs.")] = False,
    as_json: Json = False,
) -> None:
    """Measure batch sizes and half precision of models here; without names, of those that the config uses.

    On GPUs a worker does this by itself when it first loads a model; what is measured is remembered with the model.
    """
    import os

    from dtk_tui.config import load
    from dtk_tui.inference.half_precision import write_half
    from dtk_tui.inference.manifest import load_manifest
    from dtk_tui.inference.open_model import open_model
    from dtk_tui.inference.provider import Device, device_name

    config = load()
    worker = config.settings.worker
    device = Device((worker.devices or (0,))[0], worker.providers)
    for spec in load_manifest().select(names or [name for name, _ in config.settings.models.in_use]):
        if half:
            write_half(spec, config.paths.models)
        model = open_model(spec, config.paths.models, os.cpu_count() or 1, device)
        try:
            model.tune(is_asked=True)
            found, where = model.measured, device_name(model.placement, device.number)
            precision = "half" if model.is_half else "single"
            batch = found.batch or model.batch_size
        finally:
            model.close()
        if as_json:
            values = {"name": spec.name, "device": where, "precision": precision, "batch": batch}
            print_json(values | {"rates": found.rates, "half_differs": found.difference})
            continue
        speeds = ", ".join(f"{size}: {rate:,.0f}/s" for size, rate in found.rates.items())
        typer.echo(display(f"{spec.name}: {precision} precision, batches of {batch} on {where}"))
        if speeds:
            typer.echo(f"   items a second by batch: {speeds}")
        if found.difference:
            typer.echo(display(f"   in half precision {found.difference}"))
