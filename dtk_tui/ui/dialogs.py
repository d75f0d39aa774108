"""Modal dialogues: a question, a failure, a menu, one line of input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.suggester import Suggester
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from dtk_tui.errors import DtkError, UsageError
from dtk_tui.text import one_line
from dtk_tui.ui.format import line, lines
from dtk_tui.ui.hung_text import HungText
from dtk_tui.ui.textual_compat import CursorOptionList
from dtk_tui.ui.textual_drawing import TintingScreen
from dtk_tui.ui.widgets.completed_input import CompletedInput
from dtk_tui.ui.widgets.safe_input import SafeInput
from dtk_tui.ui.widgets.status import Line, clickable

_ResultT = TypeVar("_ResultT")
#: Blanks between choices, where there is room for that many.
_GAPS = (5, 3)
#: Cells of the bar beside a menu that is higher than the screen.
_SCROLL_BAR = 2


class Choices(Line):
    """Choices that can be clicked, given as (key, words, action); what does not fit into a line begins another one."""

    def __init__(self, *offered: tuple[str, str, str]) -> None:
        super().__init__(classes="choices")
        self._offered = offered

    def on_mount(self) -> None:
        """Draw."""
        self._draw(self.size.width)

    def on_resize(self, event: events.Resize) -> None:
        """Draw for another width."""
        self._draw(event.size.width)

    def _draw(self, width: int) -> None:
        parts = [
            clickable(Content.assemble((key, "bold $accent"), f" {words}"), do) for key, words, do in self._offered
        ]
        whole = sum(part.cell_length for part in parts)
        gap = next((gap for gap in _GAPS if whole + gap * (len(parts) - 1) <= width), _GAPS[-1] if width else _GAPS[0])
        rows = [parts[:1]]
        for part in parts[1:]:
            used = sum(one.cell_length + gap for one in rows[-1])
            if width and used + part.cell_length > width:
                rows.append([part])
            else:
                rows[-1].append(part)
        self.show(Content("\n").join(Content(" " * gap).join(row) for row in rows))


class Dialog(TintingScreen[_ResultT]):
    """A box in the middle; a click beside it, or Escape, leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Close", show=False)]

    def __init__(self, title: str) -> None:
        super().__init__()
        self._heading = title

    def compose(self) -> ComposeResult:
        """Title, then what the dialogue is about."""
        with Vertical(classes="box"):
            yield Static(line(self._heading, "bold", 300), markup=False, classes="title")
            yield from self.body()

    def body(self) -> ComposeResult:
        """Yield what stands under the title."""
        yield from ()

    def action_leave(self) -> None:
        """Close without a result."""
        self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        """Leave when the click was beside the box."""
        if event.widget is self:
            self.action_leave()


class Confirm(Dialog[bool]):
    """Asks before something that cannot be taken back; True when it shall be done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "yes", "Yes", show=False),
        Binding("n", "leave", "No", show=False),
    ]

    def __init__(self, title: str, text: str, yes: str, no: str = "Cancel") -> None:
        super().__init__(title)
        self._text = text
        self._yes = yes
        self._no = no

    def body(self) -> ComposeResult:
        """The consequences, and the choice."""
        yield Static(HungText(lines(self._text)), markup=False, classes="text")
        yield Choices(("y", self._yes, "screen.yes"), ("n", self._no, "screen.leave"))

    def action_yes(self) -> None:
        """Do it."""
        self.dismiss(True)


class ErrorDialog(Dialog[None]):
    """Shows a failure, once."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "leave", "Close", show=False)]

    def __init__(self, error: DtkError) -> None:
        super().__init__(error.title)
        self.error = error

    def body(self) -> ComposeResult:
        """The reason, and what to do about it."""
        with VerticalScroll(classes="text"):
            yield Static(HungText(lines(self.error.detail or "There is no more to say about it.")), markup=False)
        yield Choices(("Enter", "Close", "screen.leave"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a menu: words, the key that does the same as people read it and as Textual does, and its result."""

    words: str
    key: str
    result: str
    pressed: str = ""


class MenuList(CursorOptionList):
    """The lines of a menu, in which a key may come before they are drawn."""

    def action_page_up(self) -> None:
        """Move up by a page."""
        with suppress(KeyError):  # of a line that is not there yet
            super().action_page_up()  # type: ignore[no-untyped-call]

    def action_page_down(self) -> None:
        """Move down by a page."""
        with suppress(KeyError):
            super().action_page_down()  # type: ignore[no-untyped-call]


class Menu(Dialog[str]):
    """Offers actions; its result is the chosen one."""

    def __init__(self, title: str, entries: Sequence[Entry]) -> None:
        super().__init__(title)
        self._entries = entries

    def body(self) -> ComposeResult:
        """One line an action, its key at the right."""
        width = max(len(entry.words) for entry in self._entries) + 3
        options = [
            Option(Content.assemble(f"{entry.words:<{width}}", (entry.key, "bold")), id=str(number))
            for number, entry in enumerate(self._entries)
        ]
        menu = MenuList(*options, markup=False, compact=True)
        keys = max(len(entry.key) for entry in self._entries)
        menu.styles.min_width = max(30, width + keys + _SCROLL_BAR)
        yield menu

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._entries[event.option_index].result)

    def on_key(self, event: events.Key) -> None:
        """The keys of the entries work inside the menu too."""
        for entry in self._entries:
            if event.key in entry.pressed.split(","):
                event.stop()
                self.dismiss(entry.result)
                return


class InputDialog(Dialog[str]):
    """Asks for one line of text; an empty one counts as no answer unless it may be empty.

    Args:
        check: raises UsageError of what cannot be taken, which is said while what was typed stays.
    """

    def __init__(
        self,
        title: str,
        hint: str,
        *,
        value: str = "",
        suggester: Suggester | None = None,
        may_be_empty: bool = False,
        check: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__(title)
        self._check = check
        self._may_be_empty = may_be_empty
        self._hint = hint
        self._value = one_line(value, 10_000)
        self._suggester = suggester
        self._refused: str | None = None

    def body(self) -> ComposeResult:
        """The line, a hint, and what ends it."""
        yield CompletedInput(self._value, self._suggester)
        yield Static(line(self._hint, "$muted", 300), markup=False, classes="choices", id="hint")
        yield Choices(("Enter", "OK", "screen.done"), ("Esc", "Cancel", "screen.leave"))

    @on(Input.Submitted)
    def action_done(self) -> None:
        """Take what is typed, or say why it cannot be taken."""
        value = self.query_one(SafeInput).value.strip()
        try:
            if value and self._check is not None:
                self._check(value)
        except UsageError as error:
            # A second line of details marks a place in what stands here anyway.
            why = error.title if "\n" in error.detail else f"{error.title} {error.detail}".strip()
            self.query_one("#hint", Static).update(line(why, "$error", 600))
            self._refused = value
            return
        self.dismiss(value or ("" if self._may_be_empty else None))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        # Why a text cannot be taken is not said of another one.
        if self._refused is not None and event.value.strip() != self._refused:
            self._refused = None
            self.query_one("#hint", Static).update(line(self._hint, "$muted", 300))


class FolderDialog(Dialog[tuple[str, bool]]):
    """Asks for a folder; its result says whether with all below it.

    Args:
        refused: why the folder that was typed before cannot be taken.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f2", "alone", "Without its subfolders", show=False)]
    HINT: ClassVar[str] = "an absolute path; Tab takes the completion"

    def __init__(self, title: str, value: str, suggester: Suggester, refused: str = "") -> None:
        super().__init__(title)
        self._value = value
        self._suggester = suggester
        self._refused = refused

    def body(self) -> ComposeResult:
        """The line, and what ends it."""
        yield CompletedInput(self._value, self._suggester)
        hint = line(self._refused, "$error", 600) if self._refused else line(self.HINT, "$muted", 600)
        yield Static(hint, markup=False, classes="choices", id="hint")
        yield Choices(
            ("Enter", "Scan with all below", "screen.whole"),
            ("F2", "Without subfolders", "screen.alone"),
            ("Esc", "Cancel", "screen.leave"),
        )

    @on(Input.Submitted)
    def action_whole(self) -> None:
        """Take the folder with all below it."""
        self._end(recursive=True)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        # Why a folder cannot be taken is not said of another one.
        if self._refused and event.value.strip() != self._value.strip():
            self._refused = ""
            self.query_one("#hint", Static).update(line(self.HINT, "$muted", 600))

    def action_alone(self) -> None:
        """Take the folder without those below it."""
        self._end(recursive=False)

    def _end(self, *, recursive: bool) -> None:
        path = self.query_one(SafeInput).value.strip()
        self.dismiss((path, recursive) if path else None)
