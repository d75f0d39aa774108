"""caption show, set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtk_tui.cli.images import Image, caption_json
from dtk_tui.cli.open_library import library
from dtk_tui.cli.options import Json
from dtk_tui.cli.output import print_json
from dtk_tui.text import display, one_line

if TYPE_CHECKING:
    from dtk_tui.domain.captions import Caption

commands = typer.Typer(help="What is said of images: look, edit, ask a model.", no_args_is_help=True)

Type = Annotated[str | None, typer.Option("--type", help="Only captions of this type.")]


@commands.command()
def show(image: Image, as_json: Json = False) -> None:
    """Show the captions of an image, with all their versions."""
    from dtk_tui.domain.captions import in_order
    from dtk_tui.services.library import captions

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
    return f"{one_line(said, 100)}{edited}, {caption.created_at:%Y-%m-%d %H:%M:%S}"


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
    kind: Type = None,
    as_json: Json = False,
) -> None:
    """Write a caption by hand; no model replaces it, and dtk journal undo takes it back."""
    from dtk_tui.services.library import captions
    from dtk_tui.services.library.search import find_image

    with library() as (db, config), db.connection() as conn:
        number = find_image(conn, config, image)
        caption, journal = captions.set_text(conn, number, text, kind, config.settings.captions.type)
    if as_json:
        changed = int(journal is not None)
        print_json({"id": number, "changed": changed, "journal": journal, "caption": caption_json(caption)})
    elif journal is None:
        typer.echo("It was so already.")
    else:
        typer.echo(f"Written. dtk journal undo {journal} takes it back.")
