"""A list of lines with a cursor that draws only what is visible."""

from __future__ import annotations

from textwrap import wrap
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip

from dtk_tui.ui.textual_compat import first_binding
from dtk_tui.ui.textual_drawing import BarredView

#: Text and the component class it is drawn with ("" for the plain row).
Cell = tuple[str, str]


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Return ``text`` in exactly ``width`` terminal cells, with an ellipsis where it was cut."""
    length = len(text) if text.isascii() else cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "\u2026" if width > 0 else ""
    padding = " " * (width - length)
    return padding + text if right else text + padding


class CursorList(BarredView, can_focus=True):
    """Lines of which only the visible ones are drawn; a subclass gives ``count`` and ``cells``.

    A move of the cursor repaints two lines. Nothing here grows with the number of lines. A subclass that shows
    ``across`` of them side by side, ``tall`` lines of the terminal each, draws them itself.
    """

    ALLOW_SELECT = False
    BINDING_GROUP_TITLE = "Lists"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "list--cursor",
        "list--selected",
        "list--dim",
        "list--accent",
        "list--urgent",
        "list--bad",
        "list--good",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor_by(-1)", "Up", show=False, id="list.up"),
        Binding("down,j", "cursor_by(1)", "Down", show=False, id="list.down"),
        Binding("pageup", "cursor_page(-1)", "A page up", show=False, id="list.page_up"),
        Binding("pagedown", "cursor_page(1)", "A page down", show=False, id="list.page_down"),
        Binding("home", "cursor_to(0)", "To the first", show=False, id="list.first"),
        Binding("end", "cursor_to(-1)", "To the last", show=False, id="list.last"),
        Binding("enter", "choose", "Open", show=False, id="list.open"),
    ]

    cursor = var(0, init=False)
    # Each is some twenty objects, at which the garbage collector looks.
    _KEPT_STRIPS: ClassVar[int] = 300

    class Moved(Message):
        """The cursor stands on another line, or on the same line with other content."""

        def __init__(self, source: CursorList) -> None:
            super().__init__()
            self.source = source

        @property
        def control(self) -> CursorList:
            """The list."""
            return self.source

    class Chosen(Moved):
        """Enter, or a double click."""

    class MenuAsked(Moved):
        """A right click."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._strips: dict[tuple[int, bool, bool], Strip] = {}
        self._styles_of_cells: dict[str, Style] = {}
        self._empty_words = ""

    @property
    def count(self) -> int:
        """How many lines there are."""
        return 0

    @property
    def across(self) -> int:
        """How many of them stand side by side."""
        return 1

    @property
    def tall(self) -> int:
        """How many lines of the terminal each takes."""
        return 1

    @property
    def total_lines(self) -> int:
        """How many lines of the terminal all of them take."""
        return -(-self.count // self.across) * self.tall

    def top_of(self, row: int) -> int:
        """Return the first line of the terminal that a line takes, counted from the first of all."""
        return row // self.across * self.tall

    def cells(self, row: int, width: int) -> list[Cell]:
        """Return what line ``row`` shows in ``width`` terminal cells."""
        return []

    def is_selected(self, row: int) -> bool:
        """Say whether a line is marked."""
        return False

    def count_changed(self, cursor: int = 0, *, still: bool = False) -> None:
        """Take over a new ``count`` and place the cursor; repaints all.

        Args:
            still: the line under the cursor stays where it is on the screen, whatever came or went above it.
        """
        above = self.top_of(self.cursor) - self.scroll_offset.y
        self.redraw()
        self.virtual_size = Size(0, self.total_lines)
        self.set_reactive(CursorList.cursor, max(0, min(cursor, self.count - 1)))
        if still and 0 <= above < self.scrollable_content_region.height:
            self.scroll_to(y=self.top_of(self.cursor) - above, animate=False, force=True)
        self._reveal()
        self.post_message(self.Moved(self))

    def say_empty(self, words: str) -> None:
        """Say what fills the list, in the place of lines; it is seen while there are none."""
        if words != self._empty_words:
            self._empty_words = words
            self.redraw()

    def redraw(self) -> None:
        """Draw every line again."""
        self._strips.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        """Draw again with other colours."""
        self._strips.clear()
        self._styles_of_cells.clear()
        super().notify_style_update()

    @property
    def visible_rows(self) -> range:
        """The lines that are on the screen now."""
        top = self.scroll_offset.y
        first = top // self.tall * self.across
        last = -(-(top + self.scrollable_content_region.height) // self.tall) * self.across
        return range(first, max(first, min(self.count, last)))

    def refresh_row(self, row: int) -> None:
        """Draw one line again, now if it is visible."""
        self.forget_row(row)
        self.repaint_row(row)

    def repaint_row(self, row: int) -> None:
        """Repaint one line now if it is visible: what is kept of it holds."""
        if row in self.visible_rows:
            self.refresh_line(row)

    def forget_row(self, row: int) -> None:
        """Draw a line again when it comes into sight the next time."""
        for selected in (False, True):
            self._strips.pop((row, selected, False), None)
            self._strips.pop((row, selected, True), None)

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a line."""
        return max(0, min(cursor, self.count - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Repaint the two lines that look different now."""
        self.repaint_row(old)
        self._reveal()
        self.repaint_row(new)
        self.post_message(self.Moved(self))

    def on_resize(self, event: events.Resize) -> None:
        """Keep the cursor in sight when the room shrinks."""
        self._reveal()

    def _reveal(self) -> None:
        height = self.scrollable_content_region.height
        if not height:
            return
        top, first = self.scroll_offset.y, self.top_of(self.cursor)
        if first < top:
            self.scroll_to(y=first, animate=False, force=True)
        elif first + self.tall > top + height:
            self.scroll_to(y=first - (self._page - 1) * self.tall, animate=False, force=True)

    @property
    def _page(self) -> int:
        """How many lines below each other the screen has room for."""
        return max(1, self.scrollable_content_region.height // self.tall)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw lines past the steps that add styles, which would make each anew wherever it stands.

        A line that is kept holds what was prepared of it, to the last byte.
        """
        if self.styles.gutter:
            return super().render_lines(crop)
        top, room = self.scroll_offset.y, self.scrollable_content_region.width
        width, (_, background), plain = self.size.width, self.background_colors, self._style_of("")
        lines = [self._line_at(y, top, room).adjust_cell_length(width, plain) for y in crop.line_range]
        for one in self.get_line_filters():
            lines = [line.apply_filter(one, background) for line in lines]
        return lines if crop.column_span == (0, width) else [line.crop(crop.x, crop.right) for line in lines]

    def render_line(self, y: int) -> Strip:
        """Draw line ``y`` of the visible part."""
        return self._line_at(y, self.scroll_offset.y, self.scrollable_content_region.width)

    def _line_at(self, y: int, top: int, width: int) -> Strip:
        """Draw line ``y`` below the ``top``; lines are kept, so that scrolling draws only what comes into sight."""
        row = y + top
        if not self.count and self._empty_words:
            return self._draw_empty(y, width)
        is_row = row < self.count
        key = (row, self.is_selected(row), row == self.cursor) if is_row else (-1, False, False)
        strip = self._strips.get(key)
        if strip is None or strip.cell_length != width:
            if len(self._strips) > self._KEPT_STRIPS:
                self._strips.clear()
            strip = self._draw_row(row, width, *key[1:]) if is_row else Strip.blank(width, self._style_of(""))
            if not is_row or self.is_drawn_for_good(row):
                self._strips[key] = strip
        return strip

    def _draw_empty(self, y: int, width: int) -> Strip:
        lines = ["", *wrap(self._empty_words, max(10, min(width - 4, 76)))]
        plain = self._style_of("")
        segment = Segment(f"  {lines[y]}" if y < len(lines) else "", plain + self._style_of("list--dim"))
        return Strip([segment]).adjust_cell_length(width, plain)

    def is_drawn_for_good(self, row: int) -> bool:
        """Say whether what ``cells`` gave for a line may be kept until the line is drawn again."""
        return True

    def _draw_row(self, row: int, width: int, selected: bool, current: bool) -> Strip:
        base, over = self._style_of(""), Style()
        if selected:
            over = self._style_of("list--selected")
        if current:
            over += self._style_of("list--cursor")
        plain = base + over
        segments = [
            Segment(text, base + self._style_of(name) + over if name else plain)
            for text, name in self.cells(row, width)
        ]
        return Strip(segments).adjust_cell_length(width, plain)

    def _style_of(self, name: str) -> Style:
        """Return the style of a component class, or of the plain row ("")."""
        style = self._styles_of_cells.get(name)
        if style is None:
            style = self.get_component_rich_style(name, partial=True) if name else self.rich_style
            self._styles_of_cells[name] = style
        return style

    async def on_key(self, event: events.Key) -> None:
        """Move the cursor at once: Textual looks for bindings when a key has come up to the app, which takes longer."""
        binding = first_binding(self, event.key)
        if binding is None or binding.priority or not binding.action.startswith("cursor_"):
            return
        if await self.app.run_action(binding.action, self):
            event.stop()
            event.prevent_default()

    def row_at(self, event: events.MouseEvent) -> int | None:
        """Return the line under the mouse."""
        offset = event.get_content_offset(self)
        if offset is None:
            return None
        row = offset.y + self.scroll_offset.y
        return row if row < self.count else None

    def on_click(self, event: events.Click) -> None:
        """Place the cursor; a double click opens, a right click asks for the menu."""
        row = self.row_at(event)
        if row is None:
            return
        self.clicked(row, event)
        self.cursor = row
        if event.button == 3:
            self.post_message(self.MenuAsked(self))
        elif event.chain == 2:
            self.action_choose()

    def clicked(self, row: int, event: events.Click) -> None:
        """Do what a click means besides placing the cursor."""

    def action_cursor_by(self, step: int) -> None:
        """Move by lines."""
        self.cursor += step

    def action_cursor_page(self, step: int) -> None:
        """Move by screens: the view moves with the cursor."""
        self.scroll_to(y=self.scroll_offset.y + step * self._page * self.tall, animate=False)
        self.cursor += step * self._page * self.across

    def action_cursor_to(self, row: int) -> None:
        """Go to a line; negative ones count from the end."""
        self.cursor = row if row >= 0 else self.count + row

    def action_choose(self) -> None:
        """Open the line under the cursor."""
        if self.count:
            self.post_message(self.Chosen(self))
