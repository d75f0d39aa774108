"""A run in words: how far tags and captions are, and their summary."""

from __future__ import annotations

from textual.content import Content

from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.runs import RunPart, RunReport
from dtk_tui.domain.stats import Stats
from dtk_tui.text import counted, duration
from dtk_tui.ui.format import line
from dtk_tui.ui.widgets.status import output_words, trouble_words

_BAR = 10
_TITLES = {Kind.TAG: "Tags", Kind.CAPTION: "Captions"}
_HEADS = f" {'':<9}{'':<{_BAR}} {'done':>9} {'failed':>8} {'skipped':>8} {'left':>9} {'rate':>9} {'ETA':>9}"


def summary_words(report: RunReport) -> str:
    """Return what came of a run, e.g. ``Tag & caption done: 30 tags, 29 captions, 1 failed, 2 skipped in 4m 05s``."""
    done = {part.kind: part.done for part in report.parts}
    tags = counted(done.get(Kind.TAG, 0), "tagged image")
    captions = counted(done.get(Kind.CAPTION, 0), "captioned image")
    removed = sum(part.removed for part in report.parts)
    gone = f", {removed:,} removed" if removed else ""
    took = f" in {duration(report.seconds)}" if report.seconds is not None else ""
    return f"Tag & caption done: {tags}, {captions}, {report.failed:,} failed, {report.skipped:,} skipped{gone}{took}"


def run_text(report: RunReport, stats: Stats | None, *, in_sequence: bool) -> Content:
    """Return all that is known of a run.

    Args:
        stats: the numbers of the workers, None while they are not known.
        in_sequence: whether a caption waits for the tags of its image.
    """
    rows = [Content.styled(_HEADS, "$muted"), *(_row(part) for part in report.parts)]
    if report.run.is_open:
        rows += _under_way(report, stats, in_sequence=in_sequence)
    else:
        rows.append(Content.styled(f" {summary_words(report)}", "bold"))
    for reason, number in report.failures:
        rows.append(Content.assemble((f" {number:,} \u00d7 ", "$error"), line(reason, limit=400)))
    return Content("\n").join(rows)


def _row(part: RunPart) -> Content:
    filled = round(_BAR * part.progress)
    rate = "" if not part.left else f"{part.rate:,.1f}/s" if part.rate else "\u2013"
    eta = duration(part.eta_s) if part.left else ""
    left = (f" {part.skipped:>8,} {part.left:>9,} {rate:>9} {eta:>9}", "")
    return Content.assemble(
        f" {_TITLES.get(part.kind, part.kind.label):<9}",
        ("\u2501" * filled, "$success"),
        ("\u2501" * (_BAR - filled), "$faint"),
        f" {part.done:>9,}",
        (f" {part.failed:>8,}", "$error" if part.failed else ""),
        left,
    )


def _under_way(report: RunReport, stats: Stats | None, *, in_sequence: bool) -> list[Content]:
    """Return how long it takes, and what it waits for."""
    times = f" So far {duration(report.seconds)}, ETA {duration(report.eta_s)}"
    made = output_words(stats) if stats is not None else ""
    rows = [Content(f"{times}, {made}" if made else times)]
    left = {part.kind: part.left for part in report.parts}
    if stats is not None and stats.state is not WorkerState.RUNNING:
        rows.append(Content.styled(f" The worker is {stats.state.value}: Start lets it go on.", "$warning"))
    elif in_sequence and left.get(Kind.TAG) and left.get(Kind.CAPTION):
        rows.append(Content.styled(" An image is captioned when it has been tagged.", "$muted"))
    if stats is not None and (trouble := trouble_words(stats)):
        rows.append(Content.assemble((" Trouble: ", "$muted"), line(trouble, "$warning", 1000)))
    return rows
