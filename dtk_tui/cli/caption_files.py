"""export captions, import captions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtk_tui.cli.open_library import library
from dtk_tui.cli.options import Json, QueryCommand
from dtk_tui.cli.output import print_json
from dtk_tui.errors import UsageError
from dtk_tui.text import counted, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dtk_tui.domain.caption_files import Part

exports = typer.Typer()
imports = typer.Typer(help="Take in what other programs wrote.", no_args_is_help=True)

_SHOWN = 20

Query = Annotated[
    list[str] | None, typer.Argument(metavar="QUERY", help="What a search finds; without it the whole library.")
]
Ending = Annotated[str, typer.Option("--ending", help=".txt or .caption.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count.")]


@exports.command(name="captions", cls=QueryCommand)
def export_captions(
    query: Query = None,
    to: Annotated[str | None, typer.Option("--to", metavar="FOLDER", help="Instead of beside the images.")] = None,
    ending: Ending = ".txt",
    parts: Annotated[
        str, typer.Option("--parts", help="caption, tags, or both in their order: tags,caption.")
    ] = "caption",
    kind: Annotated[
        str | None, typer.Option("--type", help="Type of caption; without it the one that is shown first.")
    ] = None,
    trigger: Annotated[str, typer.Option("--trigger", help="Words before everything.")] = "",
    confidence: Annotated[
        float, typer.Option("--confidence", min=0.0, max=1.0, help="Only tags that are at least so sure.")
    ] = 0.0,
    by_name: Annotated[bool, typer.Option("--by-name", help="Tags by name, not the surest first.")] = False,
    underscores: Annotated[bool, typer.Option("--underscores", help="Tags keep them instead of blanks.")] = False,
    escape: Annotated[bool, typer.Option("--escape", help="A backslash before the brackets in tags.")] = False,
    keep_lines: Annotated[bool, typer.Option("--keep-lines", help="Not all of a caption in one line.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Also over files that no export wrote.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Write caption files for trainers."""
    from dtk_tui.domain.caption_files import CaptionFormat
    from dtk_tui.services.captions import export as caption_export
    from dtk_tui.services.captions.places import places
    from dtk_tui.services.captions.versions import type_name
    from dtk_tui.services.library.search import find

    form = CaptionFormat(_parts(parts), trigger, underscores, escape, by_name, keep_lines)
    with library() as (db, config):
        named = None if kind is None else type_name(config.settings.captions, kind)
        options = caption_export.ExportOptions(form, named, confidence, overwrite, dry_run)
        ids = find(db, config, " ".join(query or ())).ids.tolist()
        with db.connection() as conn:
            where = places(conn, config, to, _ending(ending))
        result = caption_export.export(db, ids, where, options)
    counts = {
        "written": result.written,
        "unchanged": result.unchanged,
        "refused": result.refused,
        "empty": result.empty,
        "failed": result.failed,
    }
    _print(counts, result.named, dry_run, as_json)
    if result.failed:
        raise typer.Exit(1)


@imports.command(name="captions", cls=QueryCommand)
def import_captions(
    query: Query = None,
    folder: Annotated[
        str | None, typer.Option("--from", metavar="FOLDER", help="Instead of beside the images.")
    ] = None,
    ending: Ending = ".txt",
    kind: Annotated[str | None, typer.Option("--type", help="The type that these captions get.")] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take in caption files as captions of the source file; dtk journal undo takes them out again."""
    from dtk_tui.services.captions import importing as caption_import
    from dtk_tui.services.captions.places import places
    from dtk_tui.services.captions.versions import type_name
    from dtk_tui.services.library.caption_language import adopt_language
    from dtk_tui.services.library.search import find

    with library() as (db, config):
        settings = config.settings.captions
        ids = find(db, config, " ".join(query or ())).ids.tolist()
        with db.connection() as conn:
            adopt_language(conn, settings.language)
            where = places(conn, config, folder, _ending(ending))
        result = caption_import.import_files(
            db, ids, where, type_name(settings, kind or settings.type), dry_run=dry_run
        )
    counts = {
        "imported": result.imported,
        "unchanged": result.unchanged,
        "kept": result.kept,
        "ours": result.ours,
        "parameters": result.parameters,
        "failed": result.failed,
    }
    _print(counts, result.named, dry_run, as_json, {"journal": result.journal})
    if result.journal is not None and not as_json:
        typer.echo(f"dtk journal undo {result.journal} takes them out again.")


def _parts(value: str) -> list[Part]:
    from dtk_tui.domain.caption_files import PARTS

    found = [part for name in value.split(",") for part in PARTS if part == name.strip()]
    if len(found) != len(value.split(",")) or len(set(found)) != len(found):
        raise UsageError(f"The parts of a file are not {value!r}.", "They are caption, tags, or both with a comma.")
    return found


def _ending(value: str) -> str:
    from dtk_tui.domain.caption_files import ENDINGS

    ending = f".{value.lower().lstrip('.')}"
    if ending not in ENDINGS:
        raise UsageError(f"Caption files do not end in {value!r}.", f"They end in {' or '.join(ENDINGS)}.")
    return ending


def _print(
    counts: dict[str, int],
    named: Sequence[tuple[str, str]],
    dry_run: bool,
    as_json: bool,
    more: dict[str, int | None] | None = None,
) -> None:
    if as_json:
        files = [{"path": path, "reason": reason} for path, reason in named]
        print_json({**counts, **(more or {}), "dry_run": dry_run, "files": files})
        return
    said = ", ".join(f"{number:,} {name}" for name, number in counts.items() if number)
    typer.echo(f"{said or 'Nothing was found'}{' (nothing was done: --dry-run)' if dry_run else ''}.")
    for path, reason in named[:_SHOWN]:
        typer.echo(f"  {one_line(path)}: {one_line(reason)}", err=True)
    if len(named) > _SHOWN:
        typer.echo(f"  ... and {counted(len(named) - _SHOWN, 'file')} more (--json)", err=True)
