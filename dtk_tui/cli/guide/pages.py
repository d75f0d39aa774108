"""The pages of the guide: which there are, what they are called, and where a word stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dtk_tui.errors import UsageError
from dtk_tui.shipped import shipped
from dtk_tui.text import one_line

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        title: its first line.
        text: all of it, Markdown.
    """

    name: str
    title: str
    text: str


def listed() -> list[Page]:
    """Return all pages, by name."""
    return [_read(path) for path in sorted(_folder().glob("*.md"))]


def find(pages: Sequence[Page], name: str) -> Page:
    """Return a page by its exact name.

    Raises:
        UsageError: there is none; it says which ones may be meant.
    """
    found = next((page for page in pages if page.name == name), None)
    if found is None:
        raise UsageError(f"The guide has no page '{one_line(name, 60)}'.", _advice(pages, name))
    return found


def _folder() -> Path:
    packed = shipped("guide")
    return packed if packed.is_dir() else shipped("docs/guide")


def _read(path: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    return Page(path.stem, text.partition("\n")[0].removeprefix("# "), text)


def _advice(pages: Sequence[Page], word: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, [page.name for page in pages], 3)
    others = [name for name in _holding(pages, word) if name not in close]
    sentences = [f"Did you mean {', '.join(close)}?"] if close else []
    if others:
        more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
        sentences.append(f"The word stands in {', '.join(others[:_MOST_NAMED])}{more}.")
    return " ".join([*sentences, "All pages: dtk guide"])


def _holding(pages: Sequence[Page], word: str) -> list[str]:
    """Return the pages in which a word, or its beginning, stands, those first that have it most often."""
    parts = [re.escape(part) for part in word.split()]
    if not parts:
        return []
    wanted = re.compile(r"(?<!\w)" + r"\s+".join(parts), re.IGNORECASE)
    counts = {page.name: len(wanted.findall(page.text)) for page in pages}
    return sorted(filter(counts.__getitem__, counts), key=lambda name: -counts[name])
