"""Numbers and untrusted text as the screens show them."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from dtk_tui.domain.caption_edit import BatchResult
from dtk_tui.domain.journal import Undone
from dtk_tui.domain.organise import EditDone
from dtk_tui.domain.thresholds import TagChange
from dtk_tui.services.library.organise.trash import TrashResult
from dtk_tui.text import counted, display, file_size, one_line

_BAR = 30


def short_count(number: int) -> str:
    """Return a count in at most five characters: 950, 12k, 1.2M."""
    if number < 1000:
        return str(number)
    for limit, unit in ((1_000_000, "k"), (1_000_000_000, "M")):
        if number < limit:
            value = number * 1000 / limit
            return f"{value:.1f}{unit}" if value < 10 and unit == "M" else f"{int(value)}{unit}"
    return f"{number / 1_000_000_000:.1f}G"


def speed(per_second: float) -> str:
    """Return images per second, with a decimal only where it matters."""
    return f"{per_second:,.0f} img/s" if per_second >= 10 else f"{per_second:.1f} img/s"


def line(text: str, style: str = "", limit: int = 1000) -> Content:
    """Return untrusted text as one plain line."""
    return Content.styled(one_line(text, limit), style)


def name_words(name: str, limit: int) -> str:
    """Return a name that a person gave, as one line; an import may bring one without a character that one sees."""
    return one_line(name, limit) if name.strip() else "(no name)"


def lines(text: str, limit: int = 20_000) -> Content:
    """Return untrusted text with its line breaks, cut where it would hold up the screen; says how much is missing."""
    head = Content(display(text[:limit]))
    if len(text) <= limit:
        return head
    return Content.assemble(head, "\n", (f"({len(text) - limit:,} more characters: dtk show has them all)", "dim"))


def counts_words(counts: Mapping[str, float]) -> str:
    """Return what a scan found, e.g. ``Scan done: 30 seen, 30 added``."""
    shown = [
        f"{counts[key]:,.0f} {key}"
        for key in ("seen", "added", "updated", "moved", "gone", "failed")
        if counts.get(key)
    ]
    return "Scan done: " + (", ".join(shown) or "nothing found")


def progress_line(done: int, total: int) -> Content:
    """Return a bar for how much of something is done, with the numbers."""
    full = min(_BAR, done * _BAR // total) if total else 0
    bar = ("\u2588" * full + "\u2591" * (_BAR - full), "$accent")
    return Content.assemble(bar, f"  {done:,} of {total:,}")


def setting_words(name: str, value: str, note: str = "") -> Content:
    """Return the line of one setting of a form."""
    return Content.assemble((f"{name:<11}", "$muted"), one_line(value, 60), (f"  {note}", "$faint"))


def trash_words(result: TrashResult) -> str:
    """Return what was moved into the trash, and the first that was not, with its reason."""
    words = f"{counted(result.deleted, 'file')} moved into the trash, {file_size(result.size)}."
    if result.failed:
        path, reason = result.failed[0]
        words += f" {counted(len(result.failed), 'file')} not: {path}: {reason}"
    return words


def edit_words(result: BatchResult | EditDone | Undone | TagChange) -> str:
    """Return what an edit of many changed, what an undo gave back, or which tags come and go by other thresholds."""
    if isinstance(result, EditDone):
        return f"{counted(result.changed, 'image')} changed." if result.changed else "Nothing was changed."
    if isinstance(result, TagChange):
        come, go = counted(result.added, "tag comes", "tags come"), counted(result.removed, "goes", "go")
        return f"{come}, {go}, of {counted(result.images, 'image')}."
    if isinstance(result, BatchResult):
        return f"{counted(result.changed, 'caption')} changed." if result.changed else "Nothing was changed."
    left = counted(len(result.left), "image was", "images were")
    return f"{result.restored:,} restored." + (
        f" {left} edited again or taken out since, and left alone." if result.left else ""
    )
