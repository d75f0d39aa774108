"""Text of which what does not fit into a line goes on below the first letter of that line."""

from __future__ import annotations

from textual.content import Content
from textual.css.styles import RulesMap
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual

#: A line that begins with blanks keeps at least so many cells for its words.
_LEAST = 20


def hung(content: Content, width: int) -> Content:
    """Return a content broken into lines of at most ``width`` cells, each part of a line as far to the right as it."""
    broken: list[Content] = []
    for whole in content.split("\n", allow_blank=True):
        blanks = len(whole.plain) - len(whole.plain.lstrip(" "))
        if not blanks or whole.cell_length <= width or width - blanks < _LEAST:
            broken.append(whole)
        else:
            parts = whole[blanks:].wrap(width - blanks)
            broken += [Content(" " * blanks) + part for part in parts]
    return Content("\n").join(broken)


class HungText(Visual):
    """A content whose lines hang: one that begins with blanks goes on below its first letter."""

    def __init__(self, content: Content) -> None:
        self._content = content

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        """Return its lines."""
        return hung(self._content, width).render_strips(width, height, style, options)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """Return the width of its longest line."""
        return self._content.get_optimal_width(rules, container_width)

    def get_minimal_width(self, rules: RulesMap) -> int:
        """Return the width of its longest word."""
        return self._content.get_minimal_width(rules)

    def get_height(self, rules: RulesMap, width: int) -> int:
        """Return how many lines it takes."""
        return hung(self._content, width).get_height(rules, width)
