"""What Textual draws for a change, and this app does not: it overrides what Textual does not promise to keep."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import ceil
from typing import TypeVar, cast

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual._compositor import Compositor
from textual.color import Color
from textual.css.styles import RulesMap
from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import ModalScreen, Screen
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip
from textual.style import Style as VisualStyle
from textual.visual import RenderOptions, Visual, VisualType
from textual.widget import Widget

from dtk_tui.ui.textual_compat import HALF_BLOCK, ClosingScreen, link_of

_ResultT = TypeVar("_ResultT")


class UpdateCompositor(Compositor):
    """Textual's compositor, which asks for an update only what is seen of it: widgets, and lines of them.

    Textual asks every widget whose container reaches into the update for all of its lines.
    """

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        if crop is None or crop == self.size.region:
            yield from super()._get_renders(crop)
            return
        drawn: list[Region] = []
        for widget, (region, clip) in self.visible_widgets.items():  # those in front come first
            shown = region.intersection(clip)
            part = shown.intersection(crop)
            if not part or any(one.contains_region(part) for one in drawn):
                continue
            drawn.append(part)
            # In its whole width: a line is cut where widgets begin and end, and not where the update does.
            lines = Region(shown.x, part.y, shown.width, part.height)
            yield region, lines, widget.render_lines(lines.translate(-region.offset))


class SettledScreen(ClosingScreen[_ResultT]):
    """A screen that is drawn for the first time when all in it has its place, once.

    Textual draws one as it opens, when it has its size, when its widgets have theirs, and then all of it again.
    """

    _is_opening = True

    def _on_screen_resume(self, event: events.ScreenResume) -> None:
        # Textual styles all that is in it again, a moment after each has got its styles.
        event.refresh_styles = event.refresh_styles and not self._is_opening

    def _compositor_refresh(self) -> None:
        if not self._is_opening:
            super()._compositor_refresh()

    def _on_timer_update(self) -> None:
        if self._is_opening and self.is_current and not self.app._batch_count:
            if self.focused is not None:  # what is around it got its styles before it was there
                self.app.stylesheet.update_nodes([one for one in self.walk_children() if one._has_focus_within])
            if self._layout_required:
                self._layout_required = self._scroll_required = False
                self._refresh_layout()
            self._is_opening = False
            self._repaint_required = True
        elif self._repaint_required and self.is_current and not self.app._batch_count:
            # Textual would forget them for the part of this screen that a screen behind it has drawn meanwhile.
            self._compositor.update_widgets(self._dirty_widgets)
        super()._on_timer_update()

    def _refresh_layout(self, size: Size | None = None, scroll: bool = False) -> None:
        super()._refresh_layout(size, scroll)
        for widget in self._compositor.widgets:
            if widget._layout_required:
                # Textual would keep the height of now for a text that comes before the widget has asked for its layout.
                widget._layout_updates += 1


class UpdatingScreen(SettledScreen[_ResultT]):
    """A screen that draws for an update no more than what is in it."""

    # Textual draws all of it when the focus moves; the widgets that look different draw themselves.
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)

    def __init__(self) -> None:
        super().__init__()
        self._compositor = UpdateCompositor()

    def _compositor_refresh(self) -> None:
        super()._compositor_refresh()
        if self is not self.app.screen:
            # Textual would draw all of it, and so all of what is in front of it, whenever it has done anything.
            self._repaint_required = False


class LineScrollBar(ScrollBar):
    """A scrollbar that is drawn again where its thumb was and is, and only when that is another place."""

    position = Reactive(0.0, repaint=False)

    def watch_position(self, old: float, new: float) -> None:
        """Repaint what is between the two places, which also does something else when it is clicked."""
        (first, last), (top, bottom) = self._thumb(old), self._thumb(new)
        if first != top:
            start, end = min(first, top) // 8, max(last, bottom) // 8 + 1
            self.refresh(Region(0, start, self.size.width, end - start))

    def _thumb(self, position: float) -> tuple[int, int]:
        """Return where the thumb begins and ends, in eighths of a line, as ``render_bar`` places it."""
        size, whole, window = self.size.height, ceil(self.window_virtual_size), ceil(self.window_size)
        if not size or not 0 < window < whole:
            return 0, 0
        thumb = max(1.0, window * size / whole)
        start = int((size - thumb) * position / (whole - window) * 8)
        return start, start + ceil(thumb * 8)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw each kind of line once."""
        bar = cast(ScrollBarRender, self.render())
        style = self.app.console.get_style(bar.style)
        assert style.color is not None
        assert style.bgcolor is not None
        segments = bar.render_bar(
            self.size.height,
            bar.virtual_size,
            bar.window_size,
            bar.position,
            self.size.width,
            back_color=style.bgcolor,
            bar_color=style.color,
        ).segments
        base, filters, (_, background) = self.visual_style.rich_style, self.get_line_filters(), self.background_colors
        strips: dict[int, Strip] = {}
        for segment in segments:
            if id(segment) not in strips:
                strip = Strip(Segment.apply_style([segment], base), self.size.width)
                for one in filters:
                    strip = strip.apply_filter(one, background)
                strips[id(segment)] = strip
        return [strips[id(segments[y])].crop(crop.x, crop.right) for y in crop.line_range]


class BarredView(ScrollView):
    """A scrolling view with such a scrollbar."""

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """The vertical scrollbar, made when it is asked for."""
        if self._vertical_scrollbar is None:
            self._vertical_scrollbar = bar = LineScrollBar(thickness=self.scrollbar_size_vertical, name="vertical")
            bar.display = False
            self.app._start_widget(self, bar)
        return self._vertical_scrollbar

    def _scroll_update(self, virtual_size: Size) -> None:
        """Tell the scrollbars the sizes; Textual would also draw them again after each layout."""
        self._refresh_scrollbars()
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.window_virtual_size = virtual_size.height
            self.vertical_scrollbar.window_size = self.container_size.height - self.scrollbar_size_horizontal
        if self.show_horizontal_scrollbar:
            self.horizontal_scrollbar.window_virtual_size = virtual_size.width
            self.horizontal_scrollbar.window_size = self.container_size.width - self.scrollbar_size_vertical
        self.scroll_x = self.validate_scroll_x(self.scroll_x)
        self.scroll_y = self.validate_scroll_y(self.scroll_y)


@lru_cache(4096)
def _tinted(style: Style, color: Color, base: Style) -> Style:
    """Return a style as it is below a dialogue, where what it leaves open is that of the dialogue's screen."""
    found = next(iter(BackgroundScreen.process_segments([Segment(" ", style)], color))).style
    return base if found is None else base + found


class TintedScreen(Visual):
    """The screen below a dialogue as Textual draws it, in a third of the time: each style is tinted once.

    Args:
        is_without_pictures: whether pictures of half blocks are left out, each cell of which has colours of its own.
    """

    def __init__(self, screen: Screen[object], color: Color, *, is_without_pictures: bool) -> None:
        self._screen = screen
        self._color = color
        self._is_without_pictures = is_without_pictures

    def render_strips(self, width: int, height: int | None, style: VisualStyle, options: RenderOptions) -> list[Strip]:
        """Return its lines."""
        base, plain = style.rich_style, Style.null()

        def segment(text: str, of_text: Style | None) -> Segment:
            if self._is_without_pictures and text == HALF_BLOCK:
                return Segment(" ", base)
            return Segment(text, _tinted(of_text or plain, self._color, base))

        lines = [
            Strip([segment(text, of_text) for text, of_text, _ in strip], strip.cell_length).crop(0, width)
            for strip in self._screen._compositor.render_strips()[:height]
        ]
        return [line.simplify() for line in lines] if self._is_without_pictures else lines

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """Return the width of the screen."""
        return self._screen.size.width

    def get_height(self, rules: RulesMap, width: int) -> int:
        """Return the height of the screen."""
        return self._screen.size.height


class TintingScreen(SettledScreen[_ResultT], ModalScreen[_ResultT]):
    """A screen over another one, which stays to be seen, darker."""

    def render(self) -> VisualType:  # type: ignore[override]  # as any widget's
        """Return what is below."""
        below = super().render()
        if not isinstance(below, BackgroundScreen):
            return below
        is_slow = link_of(self.app).bytes_in(1.0) is not None
        return TintedScreen(below.screen, below.color, is_without_pictures=is_slow)
