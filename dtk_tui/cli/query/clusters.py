"""``dtk clusters``: what looks alike, and what sharing vectors would change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from dtk_tui.cli.open_library import library
from dtk_tui.cli.options import Json
from dtk_tui.cli.output import ProgressLine, print_json, print_table, progress_bar
from dtk_tui.domain.duplicates import ClusterBy
from dtk_tui.errors import UsageError
from dtk_tui.text import counted

if TYPE_CHECKING:
    from dtk_tui.config import Config
    from dtk_tui.domain.duplicates import DuplicateImage
    from dtk_tui.services.library.alike.would_change import WouldChange
    from dtk_tui.services.library.hash_pairs import Progress
    from dtk_tui.store.database import Database

commands = typer.Typer()

#: So many clusters are fetched at a time.
_AT_ONCE = 500


@commands.command()
def clusters(
    by: Annotated[
        ClusterBy | None, typer.Option("--by", help="Image vectors, or perceptual hashes; vectors without it.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", help="Vectors: the least cosine similarity. Hashes: the most bits that differ."),
    ] = None,
    would_change: Annotated[
        bool, typer.Option("--would-change", help="Measure what [models] share_within_bits would change.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Group images that look like one of them, the largest groups first; nothing is changed."""
    if would_change and by is ClusterBy.VECTORS:
        raise UsageError("--would-change goes by hashes: the vectors are what would be saved.", "Leave --by out.")
    line = ProgressLine()

    def tell(share: float) -> None:
        line.show(f"{progress_bar(share)} {share:.0%}")

    with library() as (db, config):
        try:
            if would_change:
                _print_change(db, config, threshold, tell, line, as_json)
            else:
                _print_clusters(db, config, by or ClusterBy.VECTORS, threshold, tell, line, as_json)
        finally:
            line.end()


def _print_clusters(
    db: Database,
    config: Config,
    by: ClusterBy,
    threshold: float | None,
    tell: Progress,
    line: ProgressLine,
    as_json: bool,
) -> None:
    from dtk_tui.services.library.alike import clusters as service
    from dtk_tui.services.library.duplicates import images_of

    found = service.find(db, config, by, threshold, tell)
    line.end()
    bound = service.checked(by, threshold)
    sets = found.sets
    for start in range(0, len(sets), _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, len(sets)))
        for number, images in zip(numbers, images_of(db, [sets.members(one) for one in numbers]), strict=True):
            near = dict(zip(sets.members(number), found.nearness[sets.places(number)].tolist(), strict=True))
            _print_one(by, bound, images, near, as_json)
    if not as_json:
        typer.echo(f"{counted(len(sets), 'cluster')} of {counted(len(sets.ids), 'image')}.", err=True)
    if sets.unseen:
        how, kind = ("embedded", "embed") if by is ClusterBy.VECTORS else ("decoded", "tag")
        typer.echo(
            f"{counted(sets.unseen, 'image was', 'images were')} not {how} yet, and not compared: "
            f"dtk queue add --all --kind {kind}, then dtk worker run --until-empty.",
            err=True,
        )


def _print_one(
    by: ClusterBy, bound: float, images: Sequence[DuplicateImage], near: dict[int, float], as_json: bool
) -> None:
    """Print a cluster; its representative is the first of its images."""
    if len(images) < 2:  # the others went away meanwhile
        return
    name = "similarity" if by is ClusterBy.VECTORS else "bits"
    values = {one.id: round(near[one.id], 4) if by is ClusterBy.VECTORS else int(near[one.id]) for one in images}
    if as_json:
        print_json(
            {
                "by": by.value,
                "threshold": bound if by is ClusterBy.VECTORS else int(bound),
                "representative": images[0].id,
                "images": [
                    {"id": one.id, "path": one.path, "width": one.width, "height": one.height, name: values[one.id]}
                    for one in images
                ],
            }
        )
        return
    print_table(
        (name, "id", "size", "file"),
        [(_shown(by, near[one.id]), one.id, one.dimensions, one.path) for one in images],
        right=frozenset({0, 1, 2}),
    )
    typer.echo("")


def _shown(by: ClusterBy, near: float) -> str:
    return f"{near:.3f}" if by is ClusterBy.VECTORS else f"{near:.0f}"


def _print_change(
    db: Database, config: Config, threshold: float | None, tell: Progress, line: ProgressLine, as_json: bool
) -> None:
    from dtk_tui.services.library.alike.would_change import measure

    found = measure(db, config, threshold, tell)
    line.end()
    if as_json:
        print_json(asdict(found))
        return
    for sentence in _change_words(found):
        typer.echo(sentence)


def _change_words(found: WouldChange) -> list[str]:
    """Return a measurement as people read it."""
    share = found.skipped / max(found.pictures, 1)
    words = [
        f"Of {counted(found.pictures, 'picture')} with a hash and a vector of its own, {found.skipped:,}"
        f" ({share:.1%}) would not be embedded with share_within_bits = {found.within_bits}."
    ]
    if found.skipped:
        words += [
            f"Own vector against the one that would be shared, cosine: least {found.cosine_least:.3f},"
            f" 5 % below {found.cosine_p05:.3f}, median {found.cosine_median:.3f}.",
            f"Below {found.bound:g}: {found.below:,} ({found.below / found.skipped:.1%}).",
            f"Similar images: {found.recall_at_10:.1%} of the first ten stay the same, by"
            f" {counted(found.queries, 'query', 'queries')}.",
        ]
    words.append("Nothing was changed. [models] share_within_bits in config.toml turns it on.")
    return words
