"""tags threshold, nsfw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtk_tui.cli.open_library import confirmed, library
from dtk_tui.cli.options import Json
from dtk_tui.cli.output import ProgressLine, print_json, print_table, progress_bar
from dtk_tui.errors import DatabaseLostError, UsageError
from dtk_tui.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dtk_tui.domain.thresholds import TagChange, TaggerThresholds
    from dtk_tui.store.database import Database

commands = typer.Typer(help="What taggers said: thresholds, the NSFW rule.", no_args_is_help=True)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@commands.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    options_metavar="[--CATEGORY SCORE]... [OPTIONS]",
)
def threshold(
    context: typer.Context,
    tagger: Annotated[str | None, typer.Option("--tagger", help="A tagger, or the begin of its name.")] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Set from which score tags hold, and make all of a tagger's tags anew from its raw scores, without inference.

    For each category of the tagger there is an option, such as --general 0.4 --character 0.85. Tags that people set
    stay, and of an exclusive category (rating) the best one holds, whatever its score. It can be stopped: the same
    command, or one without a category, goes on. --json asks nothing. Without --tagger the thresholds in force are
    listed.
    """
    wanted = _categories(context.args)
    if tagger is None:
        if wanted or dry_run:
            raise UsageError("Name the tagger: --tagger NAME.", "dtk tags threshold lists them.")
        _list(as_json)
        return
    from dtk_tui.services.library.thresholds import find_tagger

    with library() as (db, config):
        found = find_tagger(db, tagger, config.paths.models)
        change: TagChange | None = None
        if dry_run or not (yes or as_json):
            change = _counted(db, found, wanted)
            if not as_json:
                _say(found, wanted, change)
        if not dry_run:
            if change is not None and not confirmed("Make the tags anew?"):
                typer.echo("Nothing was changed.")
                return
            change = _applied(db, found, wanted)
            if not as_json:
                typer.echo(f"{_words(change)}.")
                _say_back(found, wanted)
    assert change is not None
    if as_json:
        print_json({"added": change.added, "removed": change.removed, "images": change.images})


def _categories(args: list[str]) -> dict[str, float]:
    """Return the thresholds that options such as ``--general 0.4`` or ``--general=0.4`` name."""
    found: dict[str, float] = {}
    rest = [part for arg in args for part in (arg.split("=", 1) if arg.startswith("--") else [arg])]
    for name, value in zip(rest[::2], [*rest[1::2], ""], strict=False):
        category = name.removeprefix("--")
        if category == name or not category:
            raise UsageError(f"{name} is not understood.", "Write --CATEGORY SCORE, such as --general 0.4.")
        try:
            found[category] = float(value)
        except ValueError:
            fault = f"--{category} needs a score, such as 0.4, and not {value!r}."
            raise UsageError(fault, "The options of this command: dtk tags threshold --help") from None
    return found


def _counted(db: Database, of: TaggerThresholds, wanted: Mapping[str, float]) -> TagChange:
    from dtk_tui.services.library.thresholds import preview

    line = ProgressLine()
    show = _progress(line)
    try:
        return preview(db, of, wanted, lambda change, done: show(done, of.images))
    finally:
        line.end()


def _applied(db: Database, of: TaggerThresholds, wanted: Mapping[str, float]) -> TagChange:
    from dtk_tui.services.library.thresholds import apply

    line = ProgressLine()
    try:
        return apply(db, of, wanted, _progress(line))
    except (KeyboardInterrupt, DatabaseLostError):
        line.end()
        typer.echo(f"What is not done is done by: dtk tags threshold --tagger {of.tagger}", err=True)
        raise
    finally:
        line.end()


def _progress(line: ProgressLine) -> Callable[[int, int], None]:
    def show(done: int, total: int) -> None:
        share = done / total if total else 1.0
        line.show(f"[{progress_bar(share)}] {done:,} of {counted(total, 'image')}")

    return show


def _words(change: TagChange) -> str:
    come, go = counted(change.added, "tag comes", "tags come"), counted(change.removed, "goes", "go")
    return f"{come}, {go}, of {counted(change.images, 'image')}"


def _say(found: TaggerThresholds, wanted: Mapping[str, float], change: TagChange) -> None:
    for one in found.thresholds:
        if one.is_exclusive:
            typer.echo(f"{one.category}: the best one holds")
        else:
            now = wanted.get(one.category, one.threshold)
            before = "" if now == one.threshold else f" (now {one.threshold:g})"
            typer.echo(f"{one.category}: from {now:g} on{before}")
    typer.echo(f"{_words(change)}, of {found.images:,} with scores of {found.tagger}.")


def _say_back(found: TaggerThresholds, wanted: Mapping[str, float]) -> None:
    """Say how to take new thresholds back."""
    before = {one.category: one.threshold for one in found.thresholds if not one.is_exclusive}
    back = "".join(f" --{name} {before[name]:g}" for name in wanted if before.get(name, wanted[name]) != wanted[name])
    if back:
        typer.echo(f"dtk tags threshold --tagger {found.tagger}{back} sets it back.")


def _list(as_json: bool) -> None:
    from dtk_tui.services.library.thresholds import listed

    with library() as (db, config):
        found = listed(db, config.paths.models)
    if as_json:
        for of in found:
            unfinished = None if of.unfinished is None else of.unfinished.done
            for one in of.thresholds:
                print_json(
                    {
                        "tagger": of.tagger,
                        "category": one.category,
                        "threshold": None if one.is_exclusive else round(one.threshold, 6),
                        "floor": round(one.floor, 6),
                        "exclusive": one.is_exclusive,
                        "images": of.images,
                        "unfinished": unfinished,
                    }
                )
        return
    if not found:
        typer.echo("No image was tagged yet.", err=True)
        return
    rows = [
        (of.tagger, one.category, "best" if one.is_exclusive else f"{one.threshold:g}", f"{of.images:,}", _state(of))
        for of in found
        for one in of.thresholds
    ]
    print_table(("tagger", "category", "from", "images", ""), rows, right=frozenset({2, 3}))


def _state(of: TaggerThresholds) -> str:
    if of.unfinished is None:
        return ""
    done = f"{of.unfinished.done:,} of {of.images:,}"
    return f"made anew in part ({done}): dtk tags threshold --tagger {of.tagger} goes on"


@commands.command()
def nsfw(dry_run: DryRun = False, yes: Yes = False, as_json: Json = False) -> None:
    """Flag images as NSFW by the rule in [tags] nsfw of config.toml, never over what a person decided.

    Workers follow the rule with what they tag; this brings it to all that is tagged. A flag that the rule set and does
    not ask for any more goes again; without a rule all of those go. --json asks nothing.
    """
    from dtk_tui.services.library.nsfw_rule import apply_rule

    with library() as (db, config):
        rule = config.settings.tags.nsfw_rule
        line = ProgressLine()
        try:
            change = apply_rule(db, rule, _progress(line), dry_run=True) if dry_run or not (yes or as_json) else None
            line.end()
            if change is not None and not as_json:
                typer.echo(f"rule: {', '.join(config.settings.tags.nsfw) or 'none, see [tags] of config.toml'}")
                typer.echo(f"{counted(change.flagged, 'image')} to flag, {change.unflagged:,} to unflag.")
            if not dry_run:
                if change is not None and not confirmed("Change the flags?"):
                    typer.echo("Nothing was changed.")
                    return
                change = apply_rule(db, rule, _progress(line))
                line.end()
                if not as_json:
                    typer.echo(f"{change.flagged:,} flagged, {change.unflagged:,} unflagged.")
        finally:
            line.end()
    assert change is not None
    if as_json:
        print_json({"flagged": change.flagged, "unflagged": change.unflagged})
