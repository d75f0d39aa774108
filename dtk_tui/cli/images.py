"""show, search, similar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtk_tui.cli.open_library import library
from dtk_tui.cli.options import Json, Limit
from dtk_tui.cli.output import print_json, print_table
from dtk_tui.text import display, one_line

if TYPE_CHECKING:
    from dtk_tui.domain.captions import Caption
    from dtk_tui.domain.library import Hit, ImageDetail
    from dtk_tui.store.database import Database

commands = typer.Typer()

#: Characters of a caption that dtk show prints; dtk caption show prints all.
_CAPTION_LIMIT = 2000

Image = Annotated[str, typer.Argument(metavar="IMAGE", help="An id or a path.")]


@commands.command()
def show(image: Image, as_json: Json = False) -> None:
    """Show all that is known about an image."""
    from dtk_tui.services.library.search import image_detail

    with library() as (db, config):
        detail = image_detail(db, config, image)
    if detail is None:
        return
    if as_json:
        print_json(image_json(detail))
        return
    captions = [f"{one_line(caption.text, _CAPTION_LIMIT)} ({caption.source})" for caption in detail.captions]
    for key, value in (image_json(detail) | {"captions": captions}).items():
        if value in (None, [], {}):
            continue
        typer.echo(f"{key.replace('_', ' '):18}{display(_plain(value))}")


def _plain(value: Any) -> str:
    """Return a JSON value as people read it."""
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    if isinstance(value, dict):
        return " ".join(_plain(item) for item in value.values() if item is not None)
    return f"{value:g}" if isinstance(value, float) else str(value)


def image_json(detail: ImageDetail) -> dict[str, Any]:
    """Return the keys of ``dtk show --json``.

    ``width`` and ``height`` are those of the generation parameters, ``pixel_width`` and ``pixel_height`` the picture's.
    """
    extra = detail.extra
    return {
        "id": detail.id,
        "path": detail.path,
        "dialect": detail.dialect,
        "prompt": detail.prompt,
        "negative_prompt": detail.negative_prompt,
        "steps": detail.steps,
        "sampler": detail.sampler,
        "scheduler": detail.scheduler,
        "cfg_scale": detail.cfg_scale,
        "seed": detail.seed,
        "width": extra.get("width"),
        "height": extra.get("height"),
        "pixel_width": detail.width,
        "pixel_height": detail.height,
        "model": detail.model,
        "model_hash": detail.model_hash,
        "loras": extra.get("loras", []),
        "vae": extra.get("vae"),
        "clip_skip": extra.get("clip_skip"),
        "denoising_strength": extra.get("denoising_strength"),
        "upscaler": extra.get("upscaler"),
        "file_size": detail.file_size,
        "created_at": detail.created_at.isoformat(),
        "rating": detail.rating,
        "favorite": detail.favorite,
        "nsfw": detail.nsfw,
        "for_deletion": detail.for_deletion,
        "unavailable": detail.unavailable,
        "albums": list(detail.albums),
        "tags": [{"name": tag.name, "confidence": tag.confidence, "source": tag.source} for tag in detail.tags],
        "captions": [caption_json(caption) for caption in detail.captions],
        "group": {"representative": detail.representative, "members": detail.members},
        "embedded": list(detail.embedded),
        "error": detail.error,
    }


def caption_json(caption: Caption) -> dict[str, Any]:
    """Return the keys of a caption in ``dtk show --json``."""
    return {
        "text": caption.text,
        "source": caption.source,
        "type": caption.type,
        "model": caption.model,
        "is_user_edited": caption.is_user_edited,
        "created_at": caption.created_at.isoformat(),
    }


@commands.command()
def search(
    query: Annotated[list[str], typer.Argument(metavar="QUERY", help='e.g.: castle, oil about: "a dog" tag:sfw')],
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Find images by prompt, meaning, looks, likeness, folder or tag."""
    from dtk_tui.services.library import search as queries

    with library() as (db, config):
        line = " ".join(query)
        print_hits(db, queries.search(db, config, line, limit), as_json)
        for note in queries.notes(config, line):
            typer.echo(display(note), err=True)


@commands.command()
def similar(image: Image, limit: Limit = 20, as_json: Json = False) -> None:
    """Find the images that look most like one, in the library or outside."""
    from dtk_tui.services.library import search as queries

    with library() as (db, config):
        print_hits(db, queries.similar(db, config, image, limit), as_json)


def print_hits(db: Database, hits: Sequence[Hit], as_json: bool) -> None:
    """Print search results: a table for people, one JSON object a line for scripts."""
    from dtk_tui.services.library.search import rows_of

    shown = rows_of(db, hits)
    if as_json:
        for hit, row, path in shown:
            print_json(
                {
                    "id": row.id,
                    "path": path,
                    "score": hit.score,
                    "prompt": row.prompt,
                    "width": row.width,
                    "height": row.height,
                    "model": row.model,
                    "dialect": row.dialect,
                    "rating": row.rating,
                }
            )
        return
    if not shown:
        typer.echo("Nothing found.", err=True)
        return
    table = [
        (_score(hit.score), row.id, _size(row.width, row.height), row.file_name, row.prompt or "")
        for hit, row, _ in shown
    ]
    print_table(("score", "id", "size", "file", "prompt"), table, right=frozenset({0, 1, 2}))


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _size(width: int | None, height: int | None) -> str:
    return f"{width}x{height}" if width and height else ""
