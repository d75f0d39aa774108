"""The thresholds of a tagger: what others would change, counted while they are typed, and making the tags anew."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from dtk_tui.domain.thresholds import TagChange, TaggerThresholds, TagThreshold
from dtk_tui.errors import DtkError
from dtk_tui.services.library import thresholds
from dtk_tui.services.library.edits import EditStoppedError, EditTask
from dtk_tui.text import counted, one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.context import AppContext
from dtk_tui.ui.dialogs import Choices, Confirm, Dialog
from dtk_tui.ui.format import edit_words, line, progress_line
from dtk_tui.ui.widgets.safe_input import SafeInput

#: What is typed must rest for so long before it is counted.
_REST_S = 0.25


class ThresholdsScreen(Dialog[None]):
    """Asks from which score the tags of each category hold, and makes all tags of a tagger anew.

    Args:
        of: the tagger, and its thresholds.
    """

    AUTO_FOCUS = "SafeInput"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "apply", "Make the tags anew", show=False),
        Binding("c", "stop", "Stop", show=False),
    ]

    class Counted(Message):
        """A count came further; ``asked_to_stop`` says when it does not count any more."""

        def __init__(self, change: TagChange, done: int, stop: threading.Event) -> None:
            super().__init__()
            self.change = change
            self.done = done
            self.asked_to_stop = stop

    def __init__(self, context: AppContext, of: TaggerThresholds) -> None:
        super().__init__(f"Thresholds of {one_line(of.tagger, 60)}")
        self._shared = context
        self._of = of
        self._stop_counting = threading.Event()
        self._found: TagChange | None = None
        self._is_wanted = False
        self._is_form = True

    def body(self) -> ComposeResult:
        """One line a category, what they would change, and what can be done."""
        yield Static(line(f"{counted(self._of.images, 'image')} with raw scores", "$muted", 100), markup=False)
        if (unfinished := self._of.unfinished) is not None:
            words = f"Made anew only in part, {counted(unfinished.done, 'image')} so far: Enter goes on."
            yield Static(line(words, "$warning", 200), classes="threshold-part", markup=False)
        with VerticalScroll(id="threshold-rows"):
            for one in self._of.thresholds:
                with Horizontal(classes="threshold-row"):
                    yield Static(line(one.category, "$muted", 30), classes="threshold-label", markup=False)
                    if one.is_exclusive:
                        yield Static(line("the best one holds", "$faint", 60), markup=False)
                    else:
                        yield SafeInput(f"{one.threshold:g}", compact=True, select_on_focus=False)
        yield Static("", id="threshold-count", markup=False)
        yield Static("", id="threshold-told", markup=False)
        yield Choices(("Enter", "Make the tags anew", "screen.apply"), ("Esc", "Close", "screen.leave"))
        yield Choices(("Esc", "Close", "screen.leave"))

    def on_mount(self) -> None:
        """Count, or show the work that is under way."""
        tasks = self._shared.tasks
        tasks.edit_screens += 1
        tasks.edit_moved.subscribe(self, self.show_edit)
        self._offer(is_form=True)
        if tasks.is_editing and tasks.editing is not None:
            self.show_edit(tasks.editing)
        else:
            self._count(0.0)

    def on_unmount(self) -> None:
        """From now on somebody has to be told of the end of the work."""
        self._stop_counting.set()
        self._shared.tasks.edit_screens -= 1

    # -- the form -----------------------------------------------------------------------------------------------------

    @property
    def _settable(self) -> list[TagThreshold]:
        return [one for one in self._of.thresholds if not one.is_exclusive]

    def _wanted(self) -> dict[str, float]:
        """Return what was typed; raises DtkError for what is no number."""
        wanted = {}
        for one, typed in zip(self._settable, self.query(SafeInput), strict=True):
            try:
                wanted[one.category] = float(typed.value.replace(",", "."))
            except ValueError:
                raise DtkError(f"{one.category} needs a score, such as 0.4.") from None
        return wanted

    @on(Input.Changed)
    def _typed(self) -> None:
        self._count(_REST_S)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_apply()

    def _count(self, rest_s: float) -> None:
        """Count what the thresholds would change, as soon as nothing is typed any more."""
        self._stop_counting.set()
        self._stop_counting = threading.Event()
        self._found, self._is_wanted = None, False
        self._try(rest_s, self._stop_counting)

    @task("count")
    async def _try(self, rest_s: float, stop: threading.Event) -> None:
        await asyncio.sleep(rest_s)
        if not self._is_form:
            return
        try:
            wanted = self._wanted()
            self._say("Counting\u2026")
            change = await in_thread(self._preview, wanted, stop)
            self._found = change
            self._say(f"{edit_words(change)}", "$accent" if change.images else "$muted")
            if self._is_wanted:
                self.action_apply()
        except EditStoppedError:
            return
        except DtkError as error:
            self._is_wanted = False
            self._say(f"{error.title} {error.detail}", "$error")
        finally:
            stop.set()

    def _preview(self, wanted: dict[str, float], stop: threading.Event) -> TagChange:
        def tell(change: TagChange, done: int) -> None:
            self.post_message(self.Counted(change, done, stop))

        return thresholds.preview(self._shared.library.db, self._of, wanted, tell, stop)

    @on(Counted)
    def _came_further(self, event: Counted) -> None:
        event.stop()
        if not event.asked_to_stop.is_set():
            words = edit_words(event.change).rstrip(".")
            self._say(f"{words} so far, in {event.done:,} of {self._of.images:,} images\u2026")

    def _say(self, words: str, style: str = "$muted") -> None:
        self.query_one("#threshold-count", Static).update(line(words, style, 300))

    # -- the work -----------------------------------------------------------------------------------------------------

    def action_apply(self) -> None:
        """Make the tags anew, after a question, as soon as it is known what changes."""
        tasks = self._shared.tasks
        if not self._is_form:
            if not tasks.is_editing:
                self.action_leave()
            return
        self._is_wanted = self._found is None and not self._stop_counting.is_set()
        if self._found is None:
            return
        work = partial(thresholds.apply, self._shared.library.db, self._of, self._wanted())

        def answered(yes: bool | None) -> None:
            if yes and not tasks.start_edit(f"Tags of {self._of.tagger}", work):
                self._shared.notify("Another edit is under way.", severity="warning")

        text = f"{edit_words(self._found)}\nTags that people set stay. The thresholds can be set back in the same way."
        self.app.push_screen(Confirm("Make the tags anew?", text, "Make them anew"), answered)

    def action_stop(self) -> None:
        """End the work; what is done stays, and it can go on later."""
        running = self._shared.tasks.editing
        if running is not None and not running.is_done:
            running.stop()
            self.show_edit(running)

    def show_edit(self, running: EditTask) -> None:
        """Show how far the work is, or how it ended."""
        self._stop_counting.set()
        self._offer(is_form=False)
        if running.error is not None:
            words = line(f"{running.error.title} {running.error.detail}", "$error", 1000)
        elif running.result is not None:
            words = line(edit_words(running.result), "$success", 300)
        else:
            note = "It is being stopped\u2026" if running.is_stopping else "c stops it; it goes on without this dialog."
            words = Content.assemble(line(running.title, "", 100), "\n", progress_line(running.done, running.total))
            words = Content.assemble(words, "\n", (note, "$muted"))
        self.query_one("#threshold-told", Static).update(words)

    def _offer(self, *, is_form: bool) -> None:
        """Show the form, or what takes its place from the begin of the work on."""
        self._is_form = is_form
        for name in ("#threshold-rows", "#threshold-count"):
            self.query_one(name).display = is_form
        self.query_one("#threshold-told").display = not is_form
        self.query(".threshold-part").set(display=is_form)
        # A hidden line could still have the focus: c stops the work, and is not typed.
        self.query_one("#threshold-rows").disabled = not is_form
        form, work = self.query(Choices)
        form.display, work.display = is_form, not is_form
