"""The text of a caption, to be edited; and the line to find and replace in it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input

from dtk_tui.text import display
from dtk_tui.ui.format import line
from dtk_tui.ui.textual_compat import ExactTextArea
from dtk_tui.ui.widgets.safe_input import SafeInput
from dtk_tui.ui.widgets.status import Line


class CaptionArea(ExactTextArea):
    """A text area of bounded length into which no control characters can be pasted.

    Args:
        longest: in characters; what is pasted beyond that is cut.
    """

    BINDING_GROUP_TITLE = "Text"
    ABOUT: ClassVar[str] = "The caption, as it is edited."

    class Cut(Message):
        """A pasted text was too long."""

    def __init__(self, longest: int, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._longest = longest

    def pasted(self, text: str) -> None:
        """Put in what was pasted; terminals send a carriage return for the end of a line."""
        room = max(0, self._longest - len(self.text) + len(self.selected_text))
        if len(text) > room:
            self.post_message(self.Cut())
        shown = display(text[:room].replace("\r\n", "\n").replace("\r", "\n"))
        result = self.replace(shown, *self.selection, maintain_selection_offset=False)
        self.move_cursor(result.end_location)

    def _location(self, index: int) -> tuple[int, int]:
        head = self.text[:index]
        return head.count("\n"), index - head.rfind("\n") - 1

    def find(self, wanted: str, step: int = 1) -> tuple[int, int]:
        """Select the next place that has a text, around the end; return its number, from 1, and how many there are.

        Args:
            step: -1 looks backwards, 0 also takes the place that is selected.
        """
        text = self.text
        count = text.count(wanted) if wanted else 0
        if not count:
            return 0, 0
        start, end = sorted(self.selection)
        low = self._index(start)
        if step < 0:
            place = text.rfind(wanted, 0, low)
            place = text.rfind(wanted) if place < 0 else place
        else:
            place = text.find(wanted, self._index(end) if step else low)
            place = text.find(wanted) if place < 0 else place
        self.move_cursor(self._location(place))
        self.move_cursor(self._location(place + len(wanted)), select=True, center=True)
        return text.count(wanted, 0, place) + 1, count

    def _index(self, location: tuple[int, int]) -> int:
        row, column = location
        return sum(len(self.document[number]) + 1 for number in range(row)) + column

    def replace_found(self, wanted: str, new: str) -> bool:
        """Put a text in place of what is selected, if that is what was looked for."""
        if self.read_only or not wanted or self.selected_text != wanted:
            return False
        self.history.checkpoint()
        result = self.replace(new, *self.selection, maintain_selection_offset=False)
        self.history.checkpoint()
        self.move_cursor(result.end_location)
        return True

    def replace_everywhere(self, wanted: str, new: str) -> int:
        """Replace every place that has a text, in one step of undo; return how many."""
        count = 0 if self.read_only or not wanted else self.text.count(wanted)
        if count:
            self.replace_all(self.text.replace(wanted, new))
        return count


class FindInput(SafeInput):
    """One of the two lines."""

    BINDING_GROUP_TITLE = "Find and replace"
    ABOUT: ClassVar[str] = "What to find in the caption, and what to put in its place."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "find(1)", "Next place", key_display="\u2193", id="find.next"),
        Binding("up", "find(-1)", "Place before", show=False, id="find.previous"),
        Binding("f2", "replace_all", "Replace all", key_display="F2", id="find.all"),
    ]

    class Moved(Message):
        """The next place is wanted, or with -1 the one before."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class AllAsked(Message):
        """Every place shall be replaced."""

    def action_find(self, step: int) -> None:
        """Go to another place."""
        self.post_message(self.Moved(step))

    def action_replace_all(self) -> None:
        """Replace every place."""
        self.post_message(self.AllAsked())


class FindLine(Horizontal):
    """What to find, what to put in its place, and what came of it; works on a ``CaptionArea``."""

    def __init__(self, area: CaptionArea, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._area = area

    def compose(self) -> ComposeResult:
        """Two lines, and what came of it."""
        yield FindInput(placeholder="find", compact=True, id="find-wanted")
        yield FindInput(placeholder="replace by", compact=True, id="find-new")
        yield Line(id="find-count")

    @property
    def _wanted(self) -> str:
        return self.query_one("#find-wanted", FindInput).value

    @property
    def _new(self) -> str:
        return self.query_one("#find-new", FindInput).value

    def start(self) -> None:
        """Let a person type."""
        self.display = True
        self.query_one("#find-wanted", FindInput).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes on, or replaces and goes on."""
        event.stop()
        if event.input.id == "find-new" and self._area.replace_found(self._wanted, self._new):
            self._find(0)
        else:
            self._find(1)

    def on_find_input_moved(self, event: FindInput.Moved) -> None:
        """Go to another place."""
        event.stop()
        self._find(event.step)

    def on_find_input_all_asked(self, event: FindInput.AllAsked) -> None:
        """Replace every place."""
        event.stop()
        if self._wanted:
            self._say(f"{self._area.replace_everywhere(self._wanted, self._new):,} replaced")
        else:
            self._find(0)

    def _find(self, step: int) -> None:
        number, count = self._area.find(self._wanted, step)
        self._say(f"{number:,} of {count:,}" if count else "not found" if self._wanted else "nothing to find")

    def _say(self, words: str) -> None:
        self.query_one("#find-count", Line).show(Content.assemble(line(words, "$accent")))
