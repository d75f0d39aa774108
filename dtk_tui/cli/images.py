"""show, search, similar, duplicates."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtk_tui.cli.open_library import library
from dtk_tui.cli.options import Json, Limit, QueryCommand
from dtk_tui.cli.output import print_json, print_table
from dtk_tui.domain.duplicates import DuplicateKind, KeepRule
from dtk_tui.errors import UsageError
from dtk_tui.text import counted, display, one_line

if TYPE_CHECKING:
    from dtk_tui.domain.captions import Caption
    from dtk_tui.domain.duplicates import DuplicateImage
    from dtk_tui.domain.facets import FacetCounts
    from dtk_tui.domain.library import Hit, ImageDetail
    from dtk_tui.store.database import Database

commands = typer.Typer()

#: Characters of a caption that dtk show prints; dtk caption show prints all.
_CAPTION_LIMIT = 2000
#: So many sets of duplicates are fetched at a time.
_SETS_AT_ONCE = 500

_SORT_HELP = "date, name, size, rating, score, aesthetic_score, seed, model or steps; also with _asc or _desc."

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


@commands.command(cls=QueryCommand)
def search(
    query: Annotated[list[str], typer.Argument(metavar="QUERY", help='e.g.: castle, oil about: "a dog" tag:sfw')],
    limit: Limit = 50,
    sort: Annotated[str | None, typer.Option("--sort", metavar="COLUMN", help=_SORT_HELP)] = None,
    paths0: Annotated[bool, typer.Option("--paths0", help="Print only paths, each with a NUL behind it.")] = False,
    show_pictures: Annotated[bool, typer.Option("--show", help="Show the first pictures in a row.")] = False,
    facets: Annotated[
        bool, typer.Option("--facets", help="Count what is found by model, tag, folder, rating, month instead.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Find images by prompt, meaning, looks, likeness, folder or tag."""
    from dtk_tui.cli.query.pictures import print_row
    from dtk_tui.services.library import search as queries
    from dtk_tui.services.library.browse import LibraryBrowser

    if paths0 + show_pictures + as_json > 1:
        raise UsageError("--paths0, --show and --json exclude each other.", "Choose one of them.")
    # First, as some tokens take all that follows them.
    line = " ".join([*([f"sort:{sort}"] if sort is not None else []), *query])
    with library() as (db, config):
        if facets:
            from dtk_tui.services.library.facets import FacetCounter

            print_facets(FacetCounter(db, config, line).count(), as_json)
        elif show_pictures:
            rows = [row for _, row, _ in queries.rows_of(db, queries.search(db, config, line, limit))]
            print_row(config, rows, LibraryBrowser(db, config).picture_files([row.id for row in rows]))
        elif paths0:
            for _, _, path in queries.rows_of(db, queries.search(db, config, line, limit)):
                typer.echo(os.fsencode(config.local_path(path)) + b"\0", nl=False)
        else:
            print_hits(db, queries.search(db, config, line, limit), as_json)
        for note in queries.notes(config, line):
            typer.echo(display(note), err=True)


@commands.command()
def similar(image: Image, limit: Limit = 20, as_json: Json = False) -> None:
    """Find the images that look most like one, in the library or outside."""
    from dtk_tui.services.library import search as queries

    with library() as (db, config):
        print_hits(db, queries.similar(db, config, image, limit), as_json)


@commands.command()
def duplicates(
    kind: Annotated[
        DuplicateKind,
        typer.Option("--kind", help="Copies, one generation, pictures that look alike, or similar vectors."),
    ] = DuplicateKind.EXACT,
    keep: Annotated[KeepRule, typer.Option("--keep", help="Which image of a set to name as the best.")] = (
        KeepRule.LARGEST
    ),
    as_json: Json = False,
) -> None:
    """Find images that are the same or nearly so, set by set."""
    from dtk_tui.services.library import duplicates as service

    with library() as (db, config):
        found = service.find(db, config, kind)
        for start in range(0, len(found), _SETS_AT_ONCE):
            numbers = range(start, min(start + _SETS_AT_ONCE, len(found)))
            for images in service.images_of(db, [found.members(number) for number in numbers]):
                if len(images) > 1:
                    _print_set(kind, images, keep, as_json)
    if not len(found):
        typer.echo("No duplicates found.", err=True)
    if found.unseen:
        how, work = ("embedded", "embed") if kind is DuplicateKind.CLUSTER else ("decoded", "tag")
        typer.echo(
            f"{counted(found.unseen, 'image was', 'images were')} not {how} yet, and not compared: "
            f"dtk queue add --all --kind {work}, then dtk worker run --until-empty.",
            err=True,
        )


def _print_set(kind: DuplicateKind, images: Sequence[DuplicateImage], rule: KeepRule, as_json: bool) -> None:
    from dtk_tui.domain.duplicates import best, differences, facts

    kept, differs = best(images, rule), differences(images)
    if as_json:
        print_json(
            {
                "kind": kind.value,
                "keep": kept.id,
                "differs": list(differs),
                "images": [
                    {
                        "id": image.id,
                        "path": image.path,
                        "width": image.width,
                        "height": image.height,
                        "file_size": image.file_size,
                        "created_at": image.created_at.isoformat(),
                        "rating": image.rating,
                        "favorite": image.favorite,
                        "for_deletion": image.for_deletion,
                        "albums": list(image.albums),
                        "captions": image.captions,
                        "tags": image.tags,
                    }
                    for image in images
                ],
            }
        )
        return
    rows = [
        ("keep" if one is kept else "", one.id, *(facts(one)[name] for name in differs), one.path) for one in images
    ]
    print_table(("", "id", *differs, "file"), rows, right=frozenset({1}))
    typer.echo("")


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


def print_facets(counts: FacetCounts, as_json: bool) -> None:
    """Print how many images of a result there are of each kind, with the query of those."""
    if as_json:
        print_json(
            {
                "count": counts.images,
                "facets": {
                    facet.name: {
                        "is_exact": facet.is_exact,
                        "others": facet.others,
                        "values": [{"value": v.name, "count": v.count, "query": v.query} for v in facet.values],
                    }
                    for facet in counts.facets
                },
            }
        )
        return
    typer.echo(counted(counts.images, "image"), err=True)
    table = [
        (facet.name, f"{'' if facet.is_exact else '>= '}{value.count:,}", value.name, value.query or "")
        for facet in counts.facets
        for value in facet.values
    ]
    print_table(("facet", "count", "value", "query"), table, right=frozenset({1}))


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _size(width: int | None, height: int | None) -> str:
    return f"{width}x{height}" if width and height else ""
