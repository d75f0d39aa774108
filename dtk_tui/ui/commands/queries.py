"""What is done with queries: sort what is shown, choose one that was asked or saved."""

from __future__ import annotations

import re
from typing import Any

from dtk_tui.domain.query.completion import quoted
from dtk_tui.domain.query.nodes import SORT_COLUMNS
from dtk_tui.domain.queue import Target
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
    # First, as some tokens take all that follows them.
    return f"sort:{value} {kept}".strip() if value else kept


def sort(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Ask by what the images that are shown shall be sorted."""
    search = screen.query_one(SearchLine)
    folder = screen.folder()

    def chosen(value: str | None) -> None:
        if value is None:
            return
        query = search.text
        if value and not query and folder is not None:
            query = f"path: starts with {quoted(folder.path.rstrip('/') + '/')}"
        search.ask(sorted_line(query, value))

    entries = [Entry("no order of its own: by rank, or newest first", "", "")]
    for name, (first, other) in _WAYS.items():
        opposite = f"{name}_{'asc' if SORT_COLUMNS[name] else 'desc'}"
        entries += [Entry(f"{name.replace('_', ' ')}, {first}", "", name)]
        entries += [Entry(f"{name.replace('_', ' ')}, {other}", "", opposite)]
    screen.app.push_screen(Menu("Sort by", entries), chosen)


def choose(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Offer the queries that were saved or asked."""
    search = screen.query_one(SearchLine)
    screen.app.post_message(QueriesOpened(search.text, search.ask))
