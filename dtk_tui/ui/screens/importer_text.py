"""How an import is written on its screen: its form, its progress, its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.content import Content

from dtk_tui.domain.imports import STEPS, ImportProgressed, ImportReport, Prefix, SourceSummary
from dtk_tui.services.diffusion_toolkit.report import equality_message
from dtk_tui.text import cell_width, counted, cut, duration, file_size, one_line

POLICIES = {
    "keep": "keep: what the library says stays",
    "take": "take: what the source says goes before",
    "newest": "newest: the side touched later goes before",
}
_BAR = 16


def path_cell(path: str, width: int) -> str:
    """Return an untrusted path as one line of exactly so many cells; of a long one its end, which tells most."""
    shown = cut(one_line(path, 2000), width, keep_end=True)
    return shown + " " * (width - cell_width(shown))


def source_words(look: SourceSummary | None, path: str, width: int) -> Content:
    """Return the line of the file."""
    if not path:
        return Content.assemble(("File       ", "$muted"), ("none found: Enter names one", "$warning"))
    facts = ""
    if look is not None:
        facts = f"  {counted(look.images, 'image')}, {counted(look.albums, 'album')}, {file_size(look.size)}"
    name = path_cell(path, max(16, min(cell_width(one_line(path, 2000)), width - 12 - len(facts))))
    return Content.assemble(("File       ", "$muted"), name, (facts, "$accent"))


def prefix_words(prefix: Prefix, width: int) -> Content:
    """Return the line of one folder of that machine."""
    room = min(max(12, (width - 26) // 2), 70)
    if prefix.target is None:
        where, verdict = "stays as it is", "here" if prefix.is_here else "not here"
    else:
        where, verdict = prefix.target, "here" if prefix.is_here else "not here"
    style = "$success" if prefix.is_here else "$warning"
    images = f"{prefix.images:>10,}  "
    return Content.assemble(
        (images, "bold"),
        path_cell(prefix.path, room),
        (" \u2192 ", "$muted"),
        path_cell(where, room),
        (f" {verdict}", style),
    )


def progress_words(news: ImportProgressed, seconds: float, seen: Sequence[str], tables: ImportProgressed) -> Content:
    """Return the progress: a bar a table, then the steps.

    Args:
        seen: the steps that have begun; ``tables`` is the last news that had tables.
    """
    lines: list[Content] = []
    width = max((len(name) for name, _, _ in tables.tables), default=0)
    digits = max((len(f"{total:,}") for _, _, total in tables.tables), default=0)
    is_read = news.step != STEPS[0]
    for name, seen_rows, total in tables.tables:
        done = total if is_read else seen_rows
        full = _BAR if not total else min(_BAR, done * _BAR // total)
        style = "$success" if done >= total else "$accent"
        bar = ("\u2588" * full + "\u2591" * (_BAR - full), style)
        lines.append(Content.assemble(f"  {name:<{width}}  ", bar, f"  {done:>{digits},} of {total:,}"))
    if tables.tables:
        rate = f"{tables.rate:,.0f} rows/s"
        left = f", {duration(tables.eta_s)} left to read" if news.step == STEPS[0] and tables.eta_s is not None else ""
        lines += [
            Content(""),
            Content.assemble(("  ", ""), (rate, "bold"), left, (f"   {duration(seconds)} so far", "$muted")),
        ]
    else:
        lines.append(Content.styled(f"  {duration(seconds)} so far", "$muted"))
    lines.append(Content(""))
    for step in STEPS:
        if step == news.step:
            pieces = f", {news.done} of {news.total}" if news.total and is_read else ""
            lines.append(Content.assemble((f"  \u25b8 {step}", "bold $accent"), pieces))
        elif step in seen:
            lines.append(Content.styled(f"  \u2713 {step}", "$success"))
        elif STEPS.index(step) > STEPS.index(news.step):
            lines.append(Content.styled(f"    {step}", "$muted"))
    return Content("\n").join(lines)


def report_words(report: ImportReport) -> Content:
    """Return the report: every table, what became of odd rows, the comparison, and what to do next."""
    heads = ("read", "written", "repaired", "refused")
    width = max(len(name) for name in ("table", *report.tables))
    # As wide as the longest number, so that a million rows fit into a narrow screen.
    wide = 2 + max(len(one) for one in (*heads, *(f"{count.read:,}" for count in report.tables.values())))
    lines = [Content.styled(f"  {'table':<{width}}" + "".join(f"{head:>{wide}}" for head in heads), "$muted")]
    for name, count in report.tables.items():
        parts: list[tuple[str, str]] = [(f"  {name:<{width}}{count.read:>{wide},}{count.written:>{wide},}", "")]
        parts += [(f"{count.repaired:>{wide},}", "$warning" if count.repaired else "$muted")]
        parts += [(f"{count.refused:>{wide},}", "$error" if count.refused else "$muted")]
        lines.append(Content.assemble(*parts))
    lines += [Content(""), _verdict(report)]
    if report.merged:
        lines.append(
            Content(f"  {counted(report.merged, 'image was', 'images were')} in the library already and merged.")
        )
    end = "Nothing was written: this was a dry run of" if report.dry_run else "Written to the library in"
    lines.append(Content(f"  {end} {duration(report.seconds)}, times read as {one_line(report.zone, 60)}."))
    if report.notes_file:
        lines.append(
            Content.assemble("  Every repaired and refused row: ", (one_line(report.notes_file, 500), "$accent"))
        )
    if report.reasons:
        lines += [Content(""), Content.styled("  What became of odd rows", "bold")]
        for (table, outcome, reason), rows in report.reasons.items():
            style = "$error" if outcome == "refused" else "$warning"
            text = f" {one_line(reason, 300)}"
            lines.append(Content.assemble((f"{rows:>9,}  ", "bold"), f"{one_line(table, 40)} ", (outcome, style), text))
    return Content("\n").join(lines)


def _verdict(report: ImportReport) -> Content:
    check = report.verification
    if check.is_good:
        return Content.styled(f"  {equality_message(report)}", "bold $success")
    wrong = [name for name, (want, have) in check.counts.items() if want != have]
    ids = ", ".join(map(str, check.differing[:20]))
    words = f"  {len(check.differing):,} of {counted(check.compared, 'image')} DIFFER from the source: {ids}"
    if wrong:
        words += f"; counted otherwise: {', '.join(wrong)}"
    return Content.styled(words, "bold $error")


def undo_words(counts: Mapping[str, int]) -> str:
    """Return what an undo did, in one sentence."""
    removed = counted(counts["removed"], "image")
    if not counts["kept"]:
        return f"{removed} removed"
    kept = counted(counts["kept"], "was kept because it was", "were kept because they were")
    return f"{removed} removed, {kept} touched since"
