"""Numbers and untrusted text as the screens show them."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from dtk_tui.text import display, one_line


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
