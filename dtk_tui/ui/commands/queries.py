"""What is done with queries: sort what is shown, choose one that was asked or saved."""

from __future__ import annotations

import re
from typing import Any

from dtk_tui.domain.queue import Target
from dtk_tui.errors import UsageError
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.dialogs import Entry, Menu
from dtk_tui.ui.messages import QueriesOpened
from dtk_tui.ui.widgets.search_line import SearchLine

#: What the menu calls the columns, with the order that comes first and the other one.
_WAYS = {
    "date": ("newest first", "oldest first"),
    "name": ("A to Z", "Z to A"),
    "size": ("largest first", "smallest first"),
    "rating": ("best first", "worst first"),
    "score": ("best first", "worst first"),
    "aesthetic_score": ("best first", "worst first"),
    "seed": ("lowest first", "highest first"),
    "model": ("A to Z", "Z to A"),
    "steps": ("fewest first", "most first"),
}
_SORT = re.compile(r'(?:^|(?<=\s))sort:\s*[a-z_]+,?\s*(?=(?:[^"]*"[^"]*")*[^"]*$)', re.IGNORECASE)


def sorted_line(query: str, value: str) -> str:
    """Return a query line that sorts by ``value``, in place of what it sorted by before; empty: by nothing."""
    kept = _SORT.sub("", query).strip()
    if not value or not kept:
        return f"sort:{value}" if value else kept
    # First, as some tokens take all that follows them; in brackets, as no alternative is sorted by itself.
    line = f"sort:{value} {kept}"
    return line if _is_understood(line) or not _is_understood(f"sort:{value} ({kept})") else f"sort:{value} ({kept})"


def _is_understood(line: str) -> bool:
    from dtk_tui.domain.query.parser import parse

    try:
        parse(line)
    except UsageError:
        return False
    return True


def sort_by(screen: ContextScreen[Any], value: str) -> None:
    """Sort the images that are shown; empty: in no order of their own."""
    line = screen.query_line()
    if (wanted := sorted_line(line, value)) != line:
        screen.query_one(SearchLine).ask(wanted)


def sort_by_column(screen: ContextScreen[Any], column: str) -> None:
    """Sort the images that are shown by a column of ``SORT_COLUMNS``; if they are so already, the other way round."""
    from dtk_tui.domain.query.nodes import SORT_COLUMNS
    from dtk_tui.domain.query.parser import parse

    line = screen.query_line()
    keys = parse(line).sort if _is_understood(line) else ()
    descending = SORT_COLUMNS[column]
    if len(keys) == 1 and keys[0].column == column and keys[0].descending is descending:
        sort_by(screen, f"{column}_{'asc' if descending else 'desc'}")
    else:
        sort_by(screen, column)


def sort(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Ask by what the images that are shown shall be sorted."""
    from dtk_tui.domain.query.nodes import SORT_COLUMNS

    entries = [Entry("no order of its own: by rank, or newest first", "", "")]
    for name, (first, other) in _WAYS.items():
        opposite = f"{name}_{'asc' if SORT_COLUMNS[name] else 'desc'}"
        entries += [Entry(f"{name.replace('_', ' ')}, {first}", "", name)]
        entries += [Entry(f"{name.replace('_', ' ')}, {other}", "", opposite)]

    def chosen(value: str | None) -> None:
        if value is not None:
            sort_by(screen, value)

    screen.app.push_screen(Menu("Sort by", entries), chosen)


def choose(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Offer the queries that were saved or asked."""
    search = screen.query_one(SearchLine)
    screen.app.post_message(QueriesOpened(search.text, search.ask))
