"""models list, pull, verify, add, remove, export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dtk_tui.cli.options import Json
from dtk_tui.cli.output import ProgressLine, print_json, print_table, progress_bar
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.text import counted, display, file_size, one_line

if TYPE_CHECKING:
    from dtk_tui.inference.adding.entry import Entry
    from dtk_tui.inference.download import Progress

commands = typer.Typer(help="Model files: what there is, get, check, add, remove.", no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Models, or a set such as starter.")]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="With the model's files.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="What the folder does not say, as in the manifest."),
]
#: The setting of [models] that names a model, by its role.
_SETTINGS = {"text-embedder": "text_embedders", "image-embedder": "image_embedders", "tagger": "taggers"}


@commands.command(name="list")
def list_(as_json: Json = False) -> None:
    """List all known models and which are on this machine."""
    from dtk_tui.config import load
    from dtk_tui.inference.manifest import load_manifest
    from dtk_tui.inference.model_files import model_folder, recorded_source, states

    config = load()
    manifest = load_manifest(config.paths.models)
    found = states(manifest, config.paths.models)
    if as_json:
        for state in found:
            spec = state.spec
            source = recorded_source(model_folder(spec, config.paths.models))
            print_json(
                {
                    "name": spec.name,
                    "role": spec.role,
                    "installed": state.is_installed,
                    "source": spec.source,
                    "licence": spec.licence,
                    "size": state.size,
                    "sets": list(spec.sets),
                    "memory": spec.memory_estimate,
                    "revision": spec.revision or source.get("revision"),
                }
            )
        _tell_broken(manifest.broken)
        return
    in_use = {name for name, _ in config.settings.models.in_use}
    in_use |= {str(spec.text_tower) for name, spec in manifest.joint.items() if name in in_use}
    rows = [
        (
            "*" if state.spec.name in in_use else "",
            state.spec.name,
            state.spec.role,
            "yes" if state.is_installed else "-",
            file_size(state.size) if state.size else "",
            file_size(state.spec.memory_estimate) if state.spec.memory_estimate else "",
            state.spec.licence,
            ", ".join(state.spec.sets),
        )
        for state in found
    ]
    headings = ("", "name", "role", "here", "size", "memory", "licence", "sets")
    print_table(headings, rows, right=frozenset({4, 5}))
    typer.echo(display(f"* in use. memory: about, on a device. Folder: {config.paths.models}"), err=True)
    _tell_broken(manifest.broken)


def _tell_broken(broken: Mapping[str, DtkError]) -> None:
    """Say which entries of the models folder cannot be used, and why."""
    for name, error in broken.items():
        typer.echo(one_line(f"dtk: {name}: {error.title} {error.detail}"), err=True)


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
    for spec in load_manifest(config.paths.models).select(names or in_use):
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
    folder = config.paths.models
    manifest = load_manifest(folder)
    specs = manifest.select(names) if names else [m for m in manifest.models if is_present(m, folder)]
    if not specs and not as_json:
        typer.echo(f"There is no model in {folder}.", err=True)
    bad: dict[str, list[str]] = {}
    for spec in specs:
        line = ProgressLine()
        checks = verify_one(spec, folder, _progress(line))
        line.end()
        if wrong := [f"{spec.name}/{c.path.name} ({c.condition})" for c in checks if not c.usable]:
            bad[spec.name] = wrong
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
        told = ", ".join(one for names in bad.values() for one in names)
        raise DtkError(f"Damaged or missing: {told}.", f"Get them again: dtk models pull {' '.join(bad)}")


@commands.command()
def add(
    folder: Folder,
    name: Annotated[str | None, typer.Option("--name", help="What it is to be called; else as the folder.")] = None,
    file: Annotated[str | None, typer.Option("--file", help="Which ONNX file, where there are several.")] = None,
    settings: Settings = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take in a model of a folder; says what the folder tells of it, what is assumed and what is not known."""
    from dtk_tui.config import load
    from dtk_tui.inference.adding.add import add as add_entry
    from dtk_tui.inference.adding.add import require_known
    from dtk_tui.inference.adding.describe import describe
    from dtk_tui.inference.adding.entry import parse_setting
    from dtk_tui.inference.adding.folder import ModelFolder

    config = load()
    source = ModelFolder(folder)
    entry = describe(source, file, name, dict(parse_setting(text) for text in settings or ()))
    if not as_json:
        _show_entry(entry)
    if dry_run:
        _tell_added(entry, as_json=as_json, is_added=False)
        return
    require_known(entry)
    line = ProgressLine()
    try:
        add_entry(entry, source, config.paths.models, _progress(line))
    finally:
        line.end()
    _tell_added(entry, as_json=as_json, is_added=True)


def _show_entry(entry: Entry) -> None:
    values = entry.values.values()
    rows = [(v.key, _written(v.value), f"assumed: {v.source}" if v.is_assumed else v.source) for v in values]
    rows += [(key, "?", reason) for key, reason in entry.unknown.items()]
    print_table(("key", "value", "from"), rows)


def _written(value: object) -> str:
    if isinstance(value, list | tuple) and len(value) > 5:
        return f"{counted(len(value), 'value')}: {value[0]!r} ... {value[-1]!r}"
    return str(list(value) if isinstance(value, tuple) else value)


def _tell_added(entry: Entry, *, as_json: bool, is_added: bool) -> None:
    name, role = entry.get("name"), entry.get("role")
    if as_json:
        values: list[dict[str, Any]] = [
            {"key": v.key, "value": v.value, "source": v.source, "assumed": v.is_assumed} for v in entry.values.values()
        ]
        unknown = [{"key": key, "reason": reason} for key, reason in entry.unknown.items()]
        print_json(
            {
                "name": name,
                "role": role,
                "added": is_added,
                "files": entry.files,
                "values": values,
                "unknown": unknown,
            }
        )
    elif is_added:
        setting = _SETTINGS.get(str(role), "taggers")
        typer.echo(one_line(f"{name} is added, and ran once. Use it: name it in [models] {setting} of config.toml."))
    else:
        typer.echo("Nothing was added.", err=True)


@commands.command()
def remove(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Models.")],
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Remove models from the models folder; their vectors and tags in the library stay."""
    from dtk_tui.cli.open_library import confirmed
    from dtk_tui.config import load
    from dtk_tui.inference.adding.remove import removal
    from dtk_tui.inference.adding.remove import remove as remove_one
    from dtk_tui.inference.manifest import load_manifest

    config = load()
    folder = config.paths.models
    manifest = load_manifest(folder)
    specs = [manifest.get(name) for name in names]
    in_use = {name for name, _ in config.settings.models.in_use}
    in_use |= {str(spec.text_tower) for name, spec in manifest.joint.items() if name in in_use}
    used = [spec.name for spec in specs if spec.name in in_use]
    if used and not dry_run:
        raise UsageError(
            f"The config uses {', '.join(used)}: a worker could not start without.",
            f"Take it out of [models] in {config.paths.config_file} first.",
        )
    for spec in specs:
        planned = removal(spec, folder)
        if not as_json:
            typer.echo(one_line(f"{spec.name}: {counted(len(planned.files), 'file')}, {file_size(planned.size)}."))
            for path in planned.lost:
                typer.echo(display(f"  {path} cannot be fetched again."))
        if not dry_run and planned.files:
            if not (yes or confirmed(f"Remove {spec.name}?")):
                continue
            planned = remove_one(spec, folder)
        if as_json:
            done = {"name": spec.name, "files": planned.files, "size": planned.size, "removed": not dry_run}
            print_json(done | {"left": planned.left})
        else:
            for path in planned.left:
                typer.echo(display(f"  {path} is no file of the model and stays."), err=True)


@commands.command()
def export(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A model of the list, or a new name with --tower.")],
    folder: Folder,
    tower: Annotated[str | None, typer.Option("--tower", help="Of a new model: text or vision.")] = None,
    as_json: Json = False,
) -> None:
    """Make ONNX of a CLIP or SigLIP in a folder of safetensors, and compare it with torch (needs the extra export)."""
    from dtk_tui.config import load
    from dtk_tui.inference.adding.folder import ModelFolder
    from dtk_tui.inference.export.export import export_known, export_new
    from dtk_tui.inference.manifest import load_manifest

    config = load()
    manifest = load_manifest(config.paths.models)
    known = next((spec for spec in manifest.models if spec.name == name), None)
    if (known is None) != (tower in ("text", "vision")):
        raise UsageError(
            f"There is {'no' if known is None else 'a'} model named {name}.",
            "A new one needs --tower text or --tower vision, one of the list needs none.",
        )
    source = ModelFolder(folder)
    line = ProgressLine()
    try:
        if known is not None:
            spec, agreement = known, export_known(known, source, config.paths.models, _progress(line))
        else:
            modality: Literal["text", "vision"] = "text" if tower == "text" else "vision"
            spec, agreement = export_new(name, modality, source, config.paths.models, _progress(line))
    finally:
        line.end()
    if as_json:
        print_json({"name": spec.name, "role": spec.role, "dims": spec.dims, **asdict(agreement)})
        return
    typer.echo(one_line(f"{spec.name} is exported, and ran once: {spec.dims} values."))
    typer.echo(f"Beside torch: smallest cosine {agreement.cosine:.6f}, largest difference {agreement.difference:.1e}.")


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
    from dtk_tui.inference.devices.half_precision import write_half
    from dtk_tui.inference.devices.provider import Device, device_name
    from dtk_tui.inference.manifest import load_manifest
    from dtk_tui.inference.open_model import open_model

    config = load()
    worker = config.settings.worker
    device = Device((worker.devices or (0,))[0], worker.providers)
    for spec in load_manifest(config.paths.models).select(names or [name for name, _ in config.settings.models.in_use]):
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
