"""What this app uses of Textual that Textual does not promise to keep; pyproject.toml bounds its version."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from contextlib import suppress
from typing import TypeVar

from rich.console import RenderableType
from textual import events
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.command import CommandPalette
from textual.content import Content, Span
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.keys import format_key
from textual.message_pump import MessagePump
from textual.notifications import Notify
from textual.screen import Screen
from textual.signal import Signal
from textual.theme import Theme
from textual.visual import Visual
from textual.widget import Widget
from textual.widgets import Input, OptionList, TextArea
from textual.widgets._footer import FooterKey
from textual.widgets.option_list import Option
from textual.widgets.text_area import Document, DocumentNavigator, EditHistory, EditResult, Location, WrappedDocument

from dtk_tui.terminal_report import has_light_ground
from dtk_tui.text import display, one_line
from dtk_tui.ui.collector import IdleCollector
from dtk_tui.ui.drivers.late_answers import GroundTold
from dtk_tui.ui.drivers.link import LinkSpeed
from dtk_tui.ui.drivers.terminal import TerminalDriver

_ResultT = TypeVar("_ResultT")

_KEY_NAMES = {
    "escape": "Esc", "enter": "Enter", "delete": "Delete", "backspace": "Backspace", "pageup": "PgUp",
    "pagedown": "PgDn",
}  # fmt: skip
#: So many notices leave the list in sight also on a low screen, however fast somebody types.
_MOST_NOTICES = 5
#: Two pixels of a picture in one cell.
HALF_BLOCK = "\u2580"


def parent_of(node: MessagePump) -> MessagePump | None:
    """Return where the messages of a node bubble to."""
    return node._parent


def first_binding(node: DOMNode, key: str) -> Binding | None:
    """Return the first binding of a key that a node has itself, with the keys of the keymap."""
    bindings = node._bindings
    if node.app._keymap:
        bindings = bindings.copy()
        bindings.apply_keymap(node.app._keymap)
    return next(iter(bindings.key_to_bindings.get(key, ())), None)


def link_of(app: App[object]) -> LinkSpeed:
    """Return how fast the link to the terminal of an app is; nothing is known of what is no terminal."""
    return app._driver.link if isinstance(app._driver, TerminalDriver) else LinkSpeed()


def footer_key(widget: Widget) -> FooterKey:
    """Return one of the keys of a footer, which has neither groups nor the key of the palette."""
    assert isinstance(widget, FooterKey)
    return widget


class ClosingScreen(Screen[_ResultT]):
    """A screen that closes itself, once, and no other one.

    A key may be on its way when something opens above, such as a failure. Textual would take the answer, close what is
    above and leave this one open, whose next answer is a fault that ends the app.
    """

    def dismiss(self, result: _ResultT | None = None) -> AwaitComplete:
        """Close it with a result if it is what is shown; else do nothing."""
        return super().dismiss(result) if self.app.screen_stack[-1:] == [self] else AwaitComplete()


class CursorOptionList(OptionList):
    """Lines with colours of their own, which give way to that of the cursor where it is."""

    def _get_visual(self, option: Option) -> Visual:
        prompt = option.prompt
        if option is self.highlighted_option and isinstance(prompt, Content):
            bold = [Span(one.start, one.end, "bold") for one in prompt.spans if "bold" in str(one.style)]
            return Content(prompt.plain, bold)
        return super()._get_visual(option)


class FaultReportingApp(App[None]):
    """An app with a theme of its own, that ends with words of its own after a fault, and with its terminal.

    Attributes:
        has_light_ground: whether the ground of the terminal is light.
        ground_changed: publishes when that has become another.
    """

    def __init__(self) -> None:
        # Without colours there are none at all, and not shades of grey.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self._styled_with: dict[str, str] = {}
        self._collector = IdleCollector()
        self._next_look: asyncio.TimerHandle | None = None
        self._is_window_changed = False
        self.has_light_ground = has_light_ground()
        self.ground_changed: Signal[bool] = Signal(self, "ground-changed")

    def use_theme(self, theme: Theme, known: Iterable[Theme]) -> None:
        """Begin with one of some themes: set before the styles are read, it does not make Textual read them again."""
        for one in known:
            self.register_theme(one)
        self.set_reactive(App.theme, theme.name)
        self._styled_with = self.get_css_variables()
        self.stylesheet.set_variables(self._styled_with)

    def refresh_css(self, animate: bool = True) -> None:
        """Read the styles again for other colours; Textual does so once at the start for the same ones."""
        variables = self.get_css_variables()
        if variables != self._styled_with:
            self._styled_with = variables
            super().refresh_css(animate)
            # Textual passes over the palette.
            if self.screen_stack and self.screen not in self.children:
                self.stylesheet.update(self.screen, animate=animate)

    def get_key_display(self, binding: Binding) -> str:
        """Return a key as people write it: Ctrl+S, Alt+1, F2, Enter."""
        if binding.key_display:
            return binding.key_display
        modifiers, key = binding.parse_key()
        name = _KEY_NAMES.get(key) or format_key(key)
        if len(name) > 1:
            name = name[0].upper() + name[1:]
        elif modifiers:
            name = name.upper()
        return "+".join([*(one.capitalize() for one in modifiers), name])

    def get_driver_class(self) -> type[Driver]:
        """Return what draws on the terminal and reads its keys."""
        found = super().get_driver_class()
        return TerminalDriver if found is LinuxDriver else found

    def _on_notify(self, event: Notify) -> None:
        """Make room for a notice, which Textual then shows: the same words stand there once, and the oldest go."""
        new, shown = event.notification, list(self._notifications)
        others = [one for one in shown if (one.message, one.severity) != (new.message, new.severity)]
        for one in shown:
            if one not in others[1 - _MOST_NOTICES :]:
                self._unnotify(one, refresh=False)

    def on_ground_told(self, message: GroundTold) -> None:
        """The terminal tells its ground, which may be the same."""
        if message.is_light != self.has_light_ground:
            self.has_light_ground = message.is_light
            self.ground_changed.publish(message.is_light)

    def on_app_focus(self) -> None:
        """The window of the terminal has the focus again."""
        self._is_window_changed = True

    def on_app_blur(self) -> None:
        """Another window has the focus."""
        self._is_window_changed = True

    def _mark_pane(self) -> None:
        """Mark the pane with the focus: Textual styles what is around a widget before the widget knows of it."""
        if self._is_window_changed:
            self._is_window_changed = False
            self.screen.update_node_styles()

    def on_descendant_blur(self) -> None:
        """Mark no pane while another window has the focus."""
        self._mark_pane()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Let no cursor blink where nothing shall move."""
        self._mark_pane()
        if self.animation_level == "none" and isinstance(event.widget, Input | TextArea):
            event.widget.cursor_blink = False

    def tell_terminal(self, words: str) -> None:
        """Send the terminal something beside what is drawn."""
        if self._driver is not None:
            self._driver.write(words)
            self._driver.flush()

    def name_window(self, words: str) -> None:
        """Give the window of the terminal a title, until the app ends."""
        if isinstance(self._driver, TerminalDriver):
            self._driver.name_window(words)

    def suspend_process(self, words: str) -> bool:
        """Stop this process until its shell continues it; return whether what the app is drawn on can do that.

        Args:
            words: what the terminal shows meanwhile.
        """
        if not isinstance(self._driver, TerminalDriver):
            return False
        self._driver.suspend_process(words)
        return True

    def on_ready(self) -> None:
        """Look for garbage while nobody types; tests, which open one app after the other, leave that to Python."""
        if not self.is_headless:
            self._collector.begin()
            self._collect()

    def _collect(self) -> None:
        """Look again and again, by the event loop itself: an interval of Textual costs more than the look."""
        if self.is_running:
            self._next_look = asyncio.get_running_loop().call_later(self._collector.look(), self._collect)

    async def on_event(self, event: events.Event) -> None:
        """Note when somebody types."""
        if isinstance(event, events.InputEvent) and self._collector.note_input() and self._next_look is not None:
            self._next_look.cancel()
            self._collect()
        # Textual's own input lines, as that of the palette, hand on what a terminal might act on.
        if (
            isinstance(event, events.Paste)
            and isinstance(self.focused, Input)
            and not isinstance(self.focused, PasteInput)
        ):
            event.text = one_line(event.text)
        await super().on_event(event)

    def fault_report(self, error: BaseException | None) -> RenderableType:
        """Return what stands on the terminal after the end."""
        raise NotImplementedError

    def copy_to_clipboard(self, text: str) -> None:
        """Copy a text; the terminal gets a question mark for what has no UTF-8."""
        super().copy_to_clipboard(text.encode("utf-8", "replace").decode("utf-8"))
        self._clipboard = text

    def _handle_exception(self, error: Exception) -> None:
        if not (self._exit and isinstance(error, NoMatches)):  # an app that ends puts no more parts together
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        report = self.fault_report(self._exception)
        self._exit_renderables[:] = [report]  # what follows from the first is of no use to anyone
        self._close_messages_no_wait()


class EarlyKeyPalette(CommandPalette):
    """The palette, in which a key may come before its list is drawn."""

    def _action_command_list(self, action: str) -> None:
        with suppress(KeyError):  # of a line that is not there yet
            super()._action_command_list(action)


class PasteInput(Input):
    """An input line that decides itself what becomes of pasted text."""

    def pasted(self, text: str) -> None:
        """Take over pasted text."""
        raise NotImplementedError

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.pasted(event.text)


class ExactDocument(Document):
    """A text whose lines end at ``\\n`` and nowhere else, and of which not one character is changed.

    Textual's own makes one kind of line end of all kinds, and takes separators such as U+2028 for some. What a terminal
    might act on is shown as a visible sign, one for one, so that columns are the same.
    """

    def __init__(self, text: str) -> None:
        super().__init__("")
        self._exact = text.split("\n")
        self._lines = [display(line) for line in self._exact]

    @property
    def text(self) -> str:
        """The text."""
        return "\n".join(self._exact)

    def replace_range(self, start: Location, end: Location, text: str) -> EditResult:
        """Replace what is between two places."""
        (top, left), (bottom, right) = sorted((start, end))
        exact = self._exact
        replaced = self.get_text_range(start, end)
        before = exact[top][:left] if top < len(exact) else ""
        after = exact[bottom][right:] if bottom < len(exact) else ""
        lines = text.split("\n")
        lines[0] = before + lines[0]
        column = len(lines[-1])
        lines[-1] += after
        exact[top : bottom + 1] = lines
        self._lines[top : bottom + 1] = [display(line) for line in lines]
        return EditResult((top + len(lines) - 1, column), replaced)

    def get_text_range(self, start: Location, end: Location) -> str:
        """Return what is between two places."""
        (top, left), (bottom, right) = sorted((start, end))
        if top == bottom:
            return self._exact[top][left:right] if top < len(self._exact) else ""
        parts = [self._exact[top][left:], *self._exact[top + 1 : bottom]]
        if bottom < len(self._exact):
            parts.append(self._exact[bottom][:right])
        return "\n".join(parts)


class ExactTextArea(TextArea):
    """A text area that keeps its text as it is, decides itself what becomes of pasted text, and shows streams."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, compact=True, highlight_cursor_line=False)
        self._before_stream: tuple[str, EditHistory] | None = None

    def pasted(self, text: str) -> None:
        """Take over pasted text."""
        raise NotImplementedError

    @property
    def is_streaming(self) -> bool:
        """Whether a stream is shown in place of the text."""
        return self._before_stream is not None

    def begin_stream(self) -> None:
        """Show a stream in place of the text, until ``end_stream``; nobody types meanwhile."""
        self._before_stream = (self.text, self.history)
        self.history = EditHistory(max_checkpoints=1, checkpoint_timer=2.0, checkpoint_max_characters=100)
        self.read_only = True
        self.clear()

    def stream(self, text: str) -> None:
        """Show the next piece."""
        self.insert(text, self.document.end)
        self.scroll_end(animate=False)

    def end_stream(self, text: str | None) -> None:
        """Put a text in place of the one from before, as one edit that an undo takes back; None: leave that one."""
        assert self._before_stream is not None
        before, history = self._before_stream
        self._before_stream = None
        self.replace_all(before)
        self.history = history
        self.read_only = False
        if text is not None and text != before:
            self.replace_all(text)

    def replace_all(self, text: str) -> None:
        """Put another text in place of all, as one edit that an undo takes back; the cursor goes to the beginning."""
        self.history.checkpoint()
        self.replace(text, (0, 0), self.document.end, maintain_selection_offset=False)
        self.history.checkpoint()
        self.move_cursor((0, 0))

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """Say that printable keys are no commands here, also where nobody may type just now."""
        return character is not None and character.isprintable()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave F6 and F7 to the app."""
        return False if action in ("select_line", "select_all") else super().check_action(action, parameters)

    def _set_document(self, text: str, language: str | None) -> None:
        self.document = ExactDocument(text)
        self.wrapped_document = WrappedDocument(self.document, tab_width=self.indent_width)
        self.navigator = DocumentNavigator(self.wrapped_document)
        self._build_highlight_map()
        self.move_cursor((0, 0))
        self._rewrap_and_refresh_virtual_size()

    def _rewrap_and_refresh_virtual_size(self) -> None:
        # After a change of width the lines are drawn before they are wrapped anew, and again only where their number
        # is another one: what stood behind the end of a line would be missing.
        super()._rewrap_and_refresh_virtual_size()
        self.refresh()

    async def _on_key(self, event: events.Key) -> None:
        if self.read_only and event.is_printable:
            event.stop()
            event.prevent_default()

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        if not self.read_only:
            self.pasted(event.text)
