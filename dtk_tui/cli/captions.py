"""caption show, set, batch, types, test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtk_tui.cli.images import Image, caption_json
from dtk_tui.cli.open_library import confirmed, library
from dtk_tui.cli.options import Json, QueryCommand
from dtk_tui.cli.output import print_json, print_table
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.text import counted, display, one_line

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dtk_tui.config import Config
    from dtk_tui.domain.caption_edit import BatchResult, CaptionEdit
    from dtk_tui.domain.captions import Caption
    from dtk_tui.store.database import Database

    Ids = npt.NDArray[np.int64]

commands = typer.Typer(help="What is said of images: look, edit, ask a model.", no_args_is_help=True)

#: Characters of a caption in a preview.
_EXAMPLE_LIMIT = 300

Type = Annotated[str | None, typer.Option("--type", help="Only captions of this type.")]


@commands.command()
def show(image: Image, as_json: Json = False) -> None:
    """Show the captions of an image, with all their versions."""
    from dtk_tui.domain.captions import in_order
    from dtk_tui.services.captions import versions as captions

    with library() as (db, config):
        number, path, versions = captions.versions(db, config, image)
    current = in_order(one for one in versions if one.is_current)
    if as_json:
        print_json(
            {
                "id": number,
                "path": path,
                "captions": [_version_json(one) for one in current],
                "versions": [_version_json(one) for one in versions],
            }
        )
        return
    for caption in current:
        typer.echo(f"{_head(caption)}\n{display(caption.text)}\n")
    former = [one for one in versions if not one.is_current]
    for caption in former:
        typer.echo(f"(former) {_head(caption)}: {one_line(caption.text, 100)}")
    if not versions:
        typer.echo("This image has no caption.", err=True)


def _head(caption: Caption) -> str:
    said = " ".join(part for part in (caption.source, caption.type) if part)
    edited = ", edited" if caption.is_user_edited else ""
    return f"{one_line(said, 100)}{edited}, {caption.created_at.astimezone():%Y-%m-%d %H:%M:%S}"


def _version_json(caption: Caption) -> dict[str, Any]:
    return caption_json(caption) | {
        "version": caption.id,
        "parent": caption.parent_id,
        "is_current": caption.is_current,
        "prompt_used": caption.prompt_used,
        "parameters": caption.parameters,
    }


@commands.command(name="set")
def set_text(
    image: Image,
    text: Annotated[str, typer.Option("--text", help="The caption.")],
    kind: Annotated[
        str | None, typer.Option("--type", help="The type that it has: the one of this type is edited, or written.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a caption by hand; no model replaces it, and dtk journal undo takes it back."""
    from dtk_tui.services.captions import versions as captions
    from dtk_tui.services.library.caption_language import adopt_language
    from dtk_tui.services.library.search import find_image

    with library() as (db, config), db.connection() as conn:
        number = find_image(conn, config, image)
        adopt_language(conn, config.settings.captions.language)
        settings = config.settings.captions
        named = None if kind is None else captions.type_name(settings, kind)
        default = captions.type_name(settings, settings.type)
        caption, journal = captions.set_text(conn, number, text, named, default)
    if as_json:
        changed = int(journal is not None)
        print_json({"id": number, "changed": changed, "journal": journal, "caption": caption_json(caption)})
    elif journal is None:
        typer.echo("It was so already.")
    else:
        typer.echo(f"Written. dtk journal undo {journal} takes it back.")


@commands.command(cls=QueryCommand)
def batch(
    query: Annotated[
        list[str] | None, typer.Argument(metavar="QUERY", help="What a search finds; '' is the whole library.")
    ] = None,
    folder: Annotated[str | None, typer.Option("--folder", help="Instead of a query: a folder of the library.")] = None,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="With all subfolders.")] = False,
    prefix: Annotated[str | None, typer.Option("--prefix", help="Put a text before each caption.")] = None,
    suffix: Annotated[str | None, typer.Option("--suffix", help="Put a text behind each caption.")] = None,
    replace: Annotated[
        tuple[str, str] | None, typer.Option("--replace", metavar="A B", help="Replace A by B, as they stand.")
    ] = None,
    regex: Annotated[
        tuple[str, str] | None,
        typer.Option("--regex", metavar="A B", help="Replace what a regular expression of Python's re finds."),
    ] = None,
    template: Annotated[
        str | None,
        typer.Option("--template", help="e.g. '{caption}, {tags}'; also prompt, negative_prompt, file_name, folder."),
    ] = None,
    trim: Annotated[bool, typer.Option("--trim", help="Take white space from both ends.")] = False,
    case: Annotated[str | None, typer.Option("--case", help="lower, upper or sentence.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the captions away.")] = False,
    kind: Type = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    as_json: Json = False,
) -> None:
    """Edit the captions of what a search finds, or of a folder; dtk journal undo takes it back."""
    from dtk_tui.domain.caption_edit import BatchResult, CaptionEdit
    from dtk_tui.services.captions import batch as caption_batch
    from dtk_tui.services.captions.versions import type_name
    from dtk_tui.services.library.caption_words import catch_up

    edits = [
        *([CaptionEdit("prefix", prefix)] if prefix is not None else []),
        *([CaptionEdit("suffix", suffix)] if suffix is not None else []),
        *([CaptionEdit("replace", *replace)] if replace is not None else []),
        *([CaptionEdit("regex", *regex)] if regex is not None else []),
        *([CaptionEdit("template", template)] if template is not None else []),
        *([CaptionEdit("trim")] if trim else []),
        *([CaptionEdit("case", case)] if case is not None else []),
        *([CaptionEdit("remove")] if remove else []),
    ]
    edit = _only_one(edits)
    with library() as (db, config):
        ids = _chosen(db, config, query, folder, recursive)
        named = None if kind is None else type_name(config.settings.captions, kind)
        result: BatchResult | None = None
        if dry_run or not yes:
            result = caption_batch.preview(db, ids, edit, named)
            if not as_json:
                _print_preview(result)
        if not dry_run and (result is None or result.changed):
            if result is not None and not confirmed(f"Change {counted(result.changed, 'caption')}?"):
                result = BatchResult(0, 0)
            else:
                result = caption_batch.apply(db, ids, edit, named)
        assert result is not None
        if as_json:
            print_json(_batch_json(result))
        elif result.journal is not None:
            done = counted(result.changed, "caption")
            typer.echo(f"{done} changed. dtk journal undo {result.journal} takes it back.")
        elif not dry_run:
            typer.echo("Nothing was changed.")
        if result.journal is not None:
            catch_up(db)


def _chosen(db: Database, config: Config, query: list[str] | None, folder: str | None, recursive: bool) -> Ids:
    from dtk_tui.services.library.folders import images_in
    from dtk_tui.services.library.search import find

    if folder is not None and not query:
        with db.connection() as conn:
            return images_in(conn, folder, recursive=recursive)
    if folder is not None or not query:
        raise UsageError("Name what to edit: a QUERY ('' is the whole library), or --folder.")
    return find(db, config, " ".join(query)).ids


def _only_one(edits: list[CaptionEdit]) -> CaptionEdit:
    if len(edits) != 1:
        raise UsageError(
            "An edit is one of --prefix, --suffix, --replace, --regex, --template, --trim, --case and --remove.",
            f"{len(edits) or 'None'} of them were given.",
        )
    return edits[0]


def _print_preview(result: BatchResult) -> None:
    for example in result.examples:
        typer.echo(f"{example.image_id}")
        typer.echo(f"  - {one_line(example.before, _EXAMPLE_LIMIT)}")
        if example.after is not None:
            typer.echo(f"  + {one_line(example.after, _EXAMPLE_LIMIT)}")
    if not result.changed and not result.blank:
        typer.echo(
            "No caption changes: these images have none, or none that this edit fits. dtk caption set writes one."
        )
        return
    more = result.changed - len(result.examples)
    typer.echo(f"{'... and ' if more else ''}{counted(more or result.changed, 'caption')}{' more' if more else ''}.")
    if result.blank:
        typer.echo(f"{counted(result.blank, 'caption')} would be left without a word, and stay as they are.", err=True)


def _batch_json(result: BatchResult) -> dict[str, Any]:
    return {
        "changed": result.changed,
        "journal": result.journal,
        "blank": result.blank,
        "examples": [{"id": one.image_id, "before": one.before, "after": one.after} for one in result.examples],
    }


@commands.command()
def types(as_json: Json = False) -> None:
    """List the caption types: JoyCaption's, and the templates of the config; then JoyCaption's extra options."""
    from dtk_tui.config import load
    from dtk_tui.inference.captioner.prompts import caption_types, find_type, options

    settings = load().settings.captions
    known = caption_types(settings)
    current = find_type(settings, settings.type)
    if as_json:
        for kind in known:
            print_json(
                {
                    "name": kind.name,
                    "title": kind.title,
                    "is_default": kind == current,
                    "is_own": kind.is_own,
                    "prompt": kind.plain,
                    "prompt_with_words": kind.words,
                    "prompt_with_length": kind.length,
                }
            )
        return
    rows = [("*" if kind == current else "", kind.name, kind.title, kind.plain) for kind in known]
    print_table(("", "type", "title", "prompt"), rows)
    typer.echo("")
    print_table(("option", "adds to the prompt"), list(options().items()))
    typer.echo("* asked for where no other is named. Change it in [captions] of config.toml.", err=True)


@commands.command()
def test(as_json: Json = False) -> None:
    """Ask the captioner for its models, and send it a small picture; nothing is stored."""
    from dtk_tui.config import load
    from dtk_tui.services.captions.connection_test import check_captioner

    report = check_captioner(load())
    if as_json:
        found = {"ok": report.ok, "models": report.models, "vision": report.vision, "detail": report.detail}
        print_json(found)
        if not report.ok:
            raise typer.Exit(1)
        return
    if not report.ok:
        raise DtkError("The captioner cannot be used.", report.detail)
    sees = {True: "yes", False: "no", None: "not known"}[report.vision]
    typer.echo(display(f"models   {', '.join(report.models) or 'not told'}"))
    typer.echo(f"vision   {sees}")
    typer.echo(display(f"answer   {report.detail}"))
