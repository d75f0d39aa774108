"""Editing the captions of many images: which and how, what would change, and how far it is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static

from dtk_tui.domain.caption_edit import BatchResult, CaptionEdit, fault
from dtk_tui.errors import DtkError
from dtk_tui.services.captions import batch as caption_batch
from dtk_tui.services.library.edits import EditStoppedError
from dtk_tui.text import counted, one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.commands.registry import bindings
from dtk_tui.ui.context import AppContext
from dtk_tui.ui.dialogs import Confirm, Entry, Menu, MenuList
from dtk_tui.ui.format import line, setting_words
from dtk_tui.ui.messages import ImageSet
from dtk_tui.ui.screens.base import CommandScreen
from dtk_tui.ui.screens.batch_edit_text import EDITS, HINTS, change_words, progress_words
from dtk_tui.ui.widgets.key_footer import KeyFooter
from dtk_tui.ui.widgets.safe_input import SafeInput
from dtk_tui.ui.widgets.status import Line

if TYPE_CHECKING:
    from dtk_tui.services.library.edits import EditTask
    from dtk_tui.ui.messages import Ids

#: What is typed must rest for so long before it is tried.
_REST_S = 0.25


class BatchEditScreen(CommandScreen[None]):
    """Asks which captions to edit and how, shows the first changes and their number, and does it.

    Args:
        sets: the images to choose from; the first is chosen to begin with.
    """

    AUTO_FOCUS = "#batch-text-0 SafeInput"
    COMMAND_GROUPS = ("batch",)
    BINDINGS: ClassVar[list[BindingType]] = bindings("batch")

    class Looked(Message):
        """A preview came further; ``names`` are those of its images, ``asked_to_stop`` says when it does not count."""

        def __init__(self, result: BatchResult, names: dict[int, str], stop: threading.Event) -> None:
            super().__init__()
            self.result = result
            self.names = names
            self.asked_to_stop = stop

    def __init__(self, context: AppContext, sets: Sequence[ImageSet]) -> None:
        super().__init__(context)
        self._sets = sets
        self._set = 0
        self._ids: Ids | None = None
        self._types: list[tuple[str, int]] = []
        self._type: str | None = None
        self._edit_kind = 0
        self._stop_looking = threading.Event()
        self._found: BatchResult | None = None
        self._is_wanted = False
        self._fault = ""

    def compose(self) -> ComposeResult:
        """The form with its texts, what would change, and what takes their place during the work."""
        yield Line(id="batch-title", classes="pane-title")
        yield MenuList(id="batch-form", markup=False, compact=True)
        for number in range(2):
            with Horizontal(id=f"batch-text-{number}", classes="batch-text"):
                yield Static(classes="batch-label", markup=False)
                yield SafeInput(compact=True, select_on_focus=False)
        yield Static(id="batch-count", markup=False)
        with VerticalScroll(id="batch-changes"):
            yield Static(id="batch-change-words", markup=False)
        with VerticalScroll(id="batch-told"):
            yield Static(id="batch-told-words", markup=False)
        yield KeyFooter()

    def on_mount(self) -> None:
        """Show the form, or the edit that is under way."""
        tasks = self.context.tasks
        tasks.edit_screens += 1
        tasks.edit_moved.subscribe(self, self.show_edit)
        self.query_one("#batch-title", Line).show(Content("Edit captions"))
        self._show_form()
        if tasks.is_editing:
            self._show_work()
        else:
            self._choose_set(0)

    def on_unmount(self) -> None:
        """From now on somebody has to be told of the end of an edit."""
        self._stop_looking.set()
        self.context.tasks.edit_screens -= 1

    @property
    def _edit_task(self) -> EditTask | None:
        return self.context.tasks.editing

    @property
    def _is_form(self) -> bool:
        return bool(self.query_one("#batch-form").display)

    def refusal(self, command_id: str) -> str:
        """Say why something cannot be done in this state."""
        if not self.is_mounted:
            return ""
        is_busy, is_form = self.context.tasks.is_editing, self._is_form
        busy = f"An edit is under way: {self.key('batch.stop')} stops it." if is_busy else ""
        refused = {
            "batch.apply": "" if is_form else busy or f"{self.key('batch.again')} begins another edit.",
            "batch.stop": "" if is_busy and not is_form else "Nothing is under way.",
            "batch.again": "This is another edit." if is_form else busy,
        }
        return refused.get(command_id, "")

    # -- the form -----------------------------------------------------------------------------------------------------

    def _show_form(self) -> None:
        form, chosen = self.query_one("#batch-form", OptionList), EDITS[self._edit_kind]
        at = form.highlighted or 0
        form.clear_options()
        images = "" if self._ids is None else counted(len(self._ids), "image")
        form.add_option(setting_words("Images", self._sets[self._set].name, images))
        form.add_option(
            setting_words("Captions", "all types" if self._type is None else self._type or "without a type")
        )
        form.add_option(setting_words("Edit", chosen.words, HINTS.get(chosen.operation, "")))
        form.highlighted = at
        for number in range(2):
            row = self.query_one(f"#batch-text-{number}")
            row.display = self._is_form and number < len(chosen.labels)
            if number < len(chosen.labels):
                row.query_one(Static).update(Content.styled(f"  {chosen.labels[number]}", "$muted"))

    @on(OptionList.OptionSelected, "#batch-form")
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_index == 0:
            entries = [Entry(one_line(one.name, 60), "", str(number)) for number, one in enumerate(self._sets)]
            self.app.push_screen(Menu("Of which images", entries), self._choose_set)
        elif event.option_index == 1:
            types = [
                (f"{one_line(name, 60) or 'without a type'}  {count:,}", str(n))
                for n, (name, count) in enumerate(self._types)
            ]
            entries = [Entry("all types", "", ""), *(Entry(words, "", number) for words, number in types)]
            self.app.push_screen(Menu("Which captions", entries), self._choose_type)
        else:
            entries = [Entry(one.words, "", str(number)) for number, one in enumerate(EDITS)]
            self.app.push_screen(Menu("What to do", entries), self._choose_edit)

    def _choose_set(self, answer: str | int | None) -> None:
        if answer is not None:
            self._set, self._ids, self._type = int(answer), None, None
            self._show_form()
            self._fetch()

    def _choose_type(self, answer: str | None) -> None:
        if answer is not None:
            self._type = self._types[int(answer)][0] if answer else None
            self._show_form()
            self._look(0.0)

    def _choose_edit(self, answer: str | None) -> None:
        if answer is not None:
            self._edit_kind = int(answer)
            self._show_form()
            if EDITS[self._edit_kind].labels:
                self.query_one("#batch-text-0 SafeInput").focus()
            self._look(0.0)

    @task("fetch")
    async def _fetch(self) -> None:
        self._say("Looking for the images\u2026")
        ids = await in_thread(self._sets[self._set].fetch)
        self._types = await in_thread(self.library.caption_types, ids)
        self._ids = ids
        self._show_form()
        self._look(0.0)

    @property
    def _edit(self) -> CaptionEdit:
        texts = [row.query_one(SafeInput).value for row in self.query(".batch-text")]
        return EDITS[self._edit_kind].edit(*texts)

    # -- what would change --------------------------------------------------------------------------------------------

    def _say(self, words: str, style: str = "$muted") -> None:
        self.query_one("#batch-count", Static).update(line(words, style, 600))

    @on(Input.Changed)
    def _typed(self) -> None:
        self._look(_REST_S)

    def on_key(self, event: events.Key) -> None:
        """Go up and down between the texts, and from the first one to what is above it."""
        rows = [row for row in self.query(".batch-text") if row.display]
        inputs = [row.query_one(SafeInput) for row in rows]
        focused = self.focused
        if event.key not in ("up", "down") or not isinstance(focused, SafeInput) or focused not in inputs:
            return
        event.stop()
        place = inputs.index(focused) + (1 if event.key == "down" else -1)
        if place < 0:
            self.query_one("#batch-form").focus()
        elif place < len(inputs):
            inputs[place].focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.start()

    def _look(self, rest_s: float) -> None:
        """Try the edit as it is now, as soon as nothing is typed any more."""
        self._stop_looking.set()
        self._stop_looking = threading.Event()
        self._found = None
        self._try(rest_s, self._stop_looking)

    @task("look")
    async def _try(self, rest_s: float, stop: threading.Event) -> None:
        await asyncio.sleep(rest_s)
        ids, edit = self._ids, self._edit
        if ids is None or not self._is_form:
            return
        try:
            if EDITS[self._edit_kind].labels and not edit.text:
                self._failed("Put in a text to see what changes.", "$muted")
                return
            if told := fault(edit):
                self._failed(told)
                return
            self._say("Counting\u2026")
            result, names = await in_thread(self._preview, ids, edit, self._type, stop)
            self._found = result
            self._show_changes(result, names)
        except EditStoppedError:
            return
        except DtkError as error:
            self._failed(f"{error.title} {error.detail}")
        finally:
            stop.set()

    def _preview(
        self, ids: Ids, edit: CaptionEdit, kind: str | None, stop: threading.Event
    ) -> tuple[BatchResult, dict[int, str]]:
        """Count, in a thread, and tell on the way what was found."""
        names: dict[int, str] = {}

        def tell(result: BatchResult) -> None:
            new = [one.image_id for one in result.examples if one.image_id not in names]
            if new:
                names.update({row.id: row.file_name for row in self.library.image_rows(new)})
            self.post_message(self.Looked(result, dict(names), stop))

        result = caption_batch.preview(self.library.db, ids, edit, kind, tell, stop)
        tell(result)
        return result, names

    def _failed(self, words: str, style: str = "$error") -> None:
        was_wanted, self._is_wanted, self._fault = self._is_wanted, False, words
        self._say(words, style)
        self.query_one("#batch-change-words", Static).update("")
        if was_wanted:
            self._refuse()

    def _refuse(self) -> None:
        self.context.notify(self._fault, severity="warning")
        self.query_one("#batch-text-0 SafeInput").focus()

    @on(Looked)
    def _came_further(self, event: Looked) -> None:
        event.stop()
        if not event.asked_to_stop.is_set():
            self._show_changes(event.result, event.names)

    def _show_changes(self, result: BatchResult, names: dict[int, str]) -> None:
        is_whole = self._found is not None
        verb = "is taken away" if self._edit.operation == "remove" else "changes"
        verbs = "are taken away" if self._edit.operation == "remove" else "change"
        words = counted(result.changed, f"caption {verb}", f"captions {verbs}")
        if not is_whole:
            words = f"{words} so far; counting\u2026"
        elif not result.changed and not result.blank:
            words = self._none_words()
        elif result.blank:
            words += f"; {counted(result.blank, 'would be left without a word and stays', 'would be left so and stay')}"
        self._say(words, "$accent" if result.changed else "$muted")
        rows = [change_words(names.get(one.image_id, ""), one) for one in result.examples]
        self.query_one("#batch-change-words", Static).update(Content("\n").join(rows))
        if is_whole and self._is_wanted:
            self.start()

    def _none_words(self) -> str:
        key = self.key("work.edit_caption")
        return f"No caption changes: these images have none, or none that this edit fits. {key} writes one."

    # -- the work -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Edit, after a question, as soon as it is known how many."""
        self._is_wanted = self._found is None and not self._stop_looking.is_set()
        if self._found is None or self._ids is None:
            if not self._is_wanted and self._fault:
                self._refuse()
            return
        if not self._found.changed:
            self.context.notify(self._none_words(), severity="warning")
            return
        edit, count = self._edit, counted(self._found.changed, "caption")
        work = partial(caption_batch.apply, self.library.db, self._ids, edit, self._type)

        def answered(yes: bool | None) -> None:
            if not yes:
                return
            if self.context.tasks.start_edit(edit.title(), work):
                self._show_work()
            else:
                self.context.notify("Another edit is under way.", severity="warning")

        text = f"{edit.title()}\n\nOf {self._sets[self._set].name}. The journal takes it back as one edit."
        self.app.push_screen(Confirm(f"Change {count}?", text, f"Change {count}"), answered)

    def stop(self) -> None:
        """End the edit; nothing is changed then."""
        if self._edit_task is not None:
            self._edit_task.stop()
            self.show_edit(self._edit_task)

    def show_form_again(self) -> None:
        """Show the form again, for another edit."""
        self.context.tasks.editing = None
        self._switch(to_form=True)
        self._show_form()
        self._fetch()

    def go_back(self) -> None:
        """Leave; an edit goes on without this screen."""
        if not self._is_form and not self.context.tasks.is_editing:
            self.context.tasks.editing = None
        self.dismiss(None)

    def _switch(self, *, to_form: bool) -> None:
        for name in ("#batch-form", "#batch-count", "#batch-changes"):
            self.query_one(name).display = to_form
        self.query(".batch-text").set(display=to_form)
        told = self.query_one("#batch-told")
        told.display = not to_form
        (self.query_one("#batch-form") if to_form else told).focus()
        self.refresh_bindings()

    def _show_work(self) -> None:
        self._stop_looking.set()
        self._switch(to_form=False)
        if self._edit_task is not None:
            self.show_edit(self._edit_task)

    def show_edit(self, running: EditTask) -> None:
        """Show how far an edit is, or how it ended."""
        if self._is_form:
            return
        words = progress_words(running)
        if running.is_done:
            note = (
                f"{self.key('app.journal')} shows the journal, which takes it back."
                if isinstance(running.result, BatchResult)
                else ""
            )
        elif running.is_stopping:
            note = "It is being stopped\u2026"
        else:
            note = "This screen can be left: the edit goes on."
        self.query_one("#batch-told-words", Static).update(Content.assemble(words, "\n\n", (note, "$muted")))
        self.refresh_bindings()
