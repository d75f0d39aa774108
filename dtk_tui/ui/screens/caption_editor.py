"""The caption editor: picture, text, versions with differences, and a model that writes the text anew."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content

from dtk_tui.domain.captions import Draft
from dtk_tui.domain.queue import Target
from dtk_tui.errors import DatabaseLostError
from dtk_tui.services.captions import editor
from dtk_tui.services.captions.editor import EDITABLE, CaptionPage, ChangedMeanwhileError
from dtk_tui.services.captions.text_counts import counts
from dtk_tui.services.captions.writer import CaptionAnswer
from dtk_tui.text import counted, one_line
from dtk_tui.ui.background import in_thread, start_task, task
from dtk_tui.ui.commands.caption_editor import ask_about_draft, ask_for_caption, ask_for_type, ask_what_becomes_of_it
from dtk_tui.ui.commands.registry import bindings
from dtk_tui.ui.context import AppContext
from dtk_tui.ui.dialogs import Confirm
from dtk_tui.ui.format import line
from dtk_tui.ui.messages import AnswerMoved, ErrorReported, ImageCursor
from dtk_tui.ui.screens.base import CommandScreen
from dtk_tui.ui.widgets.captions.area import CaptionArea
from dtk_tui.ui.widgets.captions.sheet import CaptionSheet
from dtk_tui.ui.widgets.captions.versions import VersionPane
from dtk_tui.ui.widgets.key_footer import KeyFooter
from dtk_tui.ui.widgets.picture import Picture
from dtk_tui.ui.widgets.status import Line

#: How often it is looked what keeps a model from writing, in seconds.
_LOOK_S = 0.5
_WIDE = 120
_TOO_LONG = "This caption is too long to be edited here: dtk caption set writes it."
_NONE, _WRITING = "No caption is shown here.", "The model is writing: {} stops it."


class CaptionEditorScreen(CommandScreen[None]):
    """Edits the caption of one image after the other, of a list whose cursor follows."""

    AUTO_FOCUS = "#editor-text"
    COMMAND_GROUPS = ("caption",)
    BINDINGS: ClassVar[list[BindingType]] = bindings("caption")

    def __init__(self, context: AppContext, images: ImageCursor) -> None:
        super().__init__(context)
        self._images = images
        self._answer: CaptionAnswer | None = None
        self._sheet = CaptionSheet(
            partial(editor.keep_draft, context.library.db), partial(counts, context.config), id="editor-work"
        )

    def compose(self) -> ComposeResult:
        """Name; picture, text and versions; keys."""
        yield Line(id="editor-title", classes="pane-title")
        with Container(id="editor"):
            picture = Picture(self.context.image_protocol, id="picture")
            picture.display = self.context.image_protocol != "off"
            yield picture
            yield self._sheet
            yield VersionPane(id="editor-versions")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Open the image at the cursor."""
        self.set_class(self.context.image_protocol == "off", "no-picture")
        self.set_interval(_LOOK_S, self._look_at_answer)
        self._open()

    def on_resize(self, event: events.Resize) -> None:
        """The picture stands beside all of it where there is room."""
        self.set_class(event.size.width >= _WIDE, "wide")

    def on_unmount(self) -> None:
        """End what the model writes, and the server that was started for it."""
        if self._answer is not None:
            self._answer.stop()
        close = partial(in_thread, self.context.writer.close)
        start_task(self.app, close, name="end the captioner", group="writer", exclusive=False)

    # -- one caption --------------------------------------------------------------------------------------------------

    @task("page", asked=True)
    async def _open(self, kind: str | None = None) -> None:
        """Show the caption of a type (None: as the service chooses) of the image at the cursor."""
        page = await self._open_now(kind)
        if page is not None and page.draft is not None:
            self._ask_about(page, page.draft)

    async def _open_now(self, kind: str | None = None) -> CaptionPage | None:
        image_id, page = self._images.current_id, None
        async with self._sheet.writes:
            try:
                await self._sheet.keep_draft()  # or forget it, where nothing is left to be saved
                page = None if image_id is None else await in_thread(self._load, image_id, kind)
            except DatabaseLostError:
                self._show_title("The database is away: this caption cannot be read.")
                raise
            finally:
                self._sheet.clear()
            if page is None:
                self._show_title("This image is not in the library any more.")
                return None
            self._sheet.show(page)
        self.query_one(Picture).show(self.context.config.local_path(page.path))
        self._show_title()
        self._show_versions(page)
        return page

    def _load(self, image_id: int, kind: str | None) -> CaptionPage | None:
        return editor.load(self.library.db, self.context.config, image_id, kind)

    def _show_versions(self, page: CaptionPage) -> None:
        pane = self.query_one(VersionPane)
        pane.show(page.versions)
        # What is too long is only shown: it differs from no version by being cut.
        pane.compare(page.text[: EDITABLE + 1] if self._sheet.is_too_long else self._sheet.text)

    def _show_title(self, fault: str = "") -> None:
        page, (number, count), title = self._sheet.page, self._images.position, self.query_one("#editor-title", Line)
        place = f"   {number:,} of {count:,}"
        if page is None or fault:
            title.show(Content.assemble(line(fault, "$error"), (place, "$muted")))
            return
        said = "no caption yet"
        if page.current is not None:
            said = one_line(page.current.source, 20) + (", edited" if page.current.is_user_edited else "")
        others = len({one.type for one in page.all_current} - {page.type})
        more = f"   {counted(others, 'other type')}: {self.key('caption.type')}" if others else ""
        name = one_line(page.path.rpartition("/")[2], 120 if self.has_class("wide") else 24)
        kind = one_line(page.type, 24)
        parts = [(name, "bold"), (place, "$muted"), (f"   {kind}", "$accent"), (f"   {said}{more}", "$muted")]
        title.show(Content.assemble(*parts))

    @on(CaptionArea.Changed)
    def _text_changed(self) -> None:
        if not (self._sheet.area.is_streaming or self._sheet.is_too_long):
            self.query_one(VersionPane).compare(self._sheet.text)

    @on(CaptionArea.Cut)
    def _text_cut(self) -> None:
        self.context.notify(f"A caption is edited here up to {EDITABLE:,} characters: the rest was left out.")

    async def _load_versions(self) -> None:
        """Show versions that came meanwhile; the text stays."""
        before = self._sheet.page
        page = None if before is None else await in_thread(self._load, before.image_id, before.type)
        if page is not None and self._sheet.page is before and before is not None:
            self._show_versions(page)

    # -- a text that was not saved ------------------------------------------------------------------------------------

    def _ask_about(self, page: CaptionPage, draft: Draft) -> None:
        """Ask what becomes of a text that was typed before and not saved."""
        if draft.text == page.text or self._sheet.is_too_long:
            self._put_aside(draft.text)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._sheet.area.replace_all(draft.text)
            else:
                self._put_aside(draft.text)

        self.app.push_screen(ask_about_draft(page, draft), answered)

    @task("aside", exclusive=False, asked=True)
    async def _put_aside(self, text: str) -> None:
        await self._put_aside_now(text)

    async def _put_aside_now(self, text: str) -> None:
        """Keep a text among the versions, where it is not among them."""
        page = self._sheet.page
        if page is None:
            return
        async with self._sheet.writes:
            is_known = any(one.text == text for one in page.versions)
            await in_thread(editor.put_aside, self.library.db, page, "" if is_known else text)
            self._sheet.draft_is_gone()
        await self._load_versions()

    def _settle(self, then: Callable[[], object]) -> None:
        """Go on at once, or when a person has said what becomes of the text that is not saved."""
        if self._answer is not None:
            self.context.notify(_WRITING.format(self.key("caption.leave")), severity="warning")
            return
        if not self._sheet.is_changed:
            then()
            return

        def chosen(result: str | None) -> None:
            if result == "save":
                self._save(then=then)
            elif result is not None:
                self._go_on(then, keep=result == "keep")

        self.app.push_screen(ask_what_becomes_of_it(), chosen)

    @task("save", exclusive=False, asked=True)
    async def _go_on(self, then: Callable[[], object], *, keep: bool) -> None:
        """Keep the text as a draft, or throw it away, and go on."""
        async with self._sheet.writes:
            if not keep:
                self._sheet.throw_away()
            await self._sheet.keep_draft()
        then()

    # -- commands -----------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Save the text as a new version."""
        if self._answer is not None:
            self.context.notify(_WRITING.format(self.key("caption.leave")), severity="warning")
        elif self._sheet.is_changed:
            self._save()
        else:
            self.context.notify("There is nothing to save: the text is the caption as it is stored.")

    @task("save", exclusive=False, asked=True)
    async def _save(self, *, over: bool = False, then: Callable[[], object] | None = None) -> None:
        page, text, db, config = self._sheet.page, self._sheet.text, self.library.db, self.context.config
        if page is None:
            return
        try:
            async with self._sheet.writes:
                number = await in_thread(editor.save, db, config, page, text, over=over)
                self._sheet.draft_is_gone()
                saved = await in_thread(self._load, page.image_id, page.type)
                if saved is not None and self._sheet.page is page:
                    self._sheet.saved(saved, text)
        except ChangedMeanwhileError as error:
            words = f"{error.detail}\n\nIt stays among the versions if you save yours."

            def answered(yes: bool | None) -> None:
                if yes:
                    self._save(over=True, then=then)
                else:
                    self._show_what_is_new()

            self.app.push_screen(Confirm(error.title, words, "Save mine"), answered)
            return
        undo = "" if number is None else f" In the list of images {self.key('app.journal')} takes edit {number} back."
        self.context.notify(f"Saved.{undo}")
        if then is not None:
            then()
        elif saved is not None:
            self._show_title()
            self._show_versions(saved)

    @task("versions", exclusive=False)
    async def _show_what_is_new(self) -> None:
        await self._load_versions()

    def step(self, by: int) -> None:
        """Go to the next or the previous image."""

        def go() -> None:
            number, count = self._images.position
            if 1 <= number + by <= count:
                self._images.step(by)
                self._open()
            else:
                self.context.notify("This is the last image." if by > 0 else "This is the first image.")

        self._settle(go)

    def find(self) -> None:
        """Find and replace."""
        self._sheet.find_line.start()

    def discard(self) -> None:
        """Go back to the caption as it is stored."""
        if self._answer is not None or not self._sheet.is_changed:
            self.context.notify("There is nothing to discard.")
            return

        def answered(yes: bool | None) -> None:
            page = self._sheet.page
            if yes and page is not None:
                self._sheet.area.replace_all(page.text)
                self._sheet.area.focus()

        words = "The text becomes the caption again as it is stored. Ctrl+Z brings yours back while you stay here."
        self.app.push_screen(Confirm("Discard what you changed?", words, "Discard"), answered)

    def choose_type(self) -> None:
        """Edit the caption of another type of the same image."""
        page = self._sheet.page
        if page is None:
            return

        def chosen(name: str | None) -> None:
            if name is not None and name != page.type:
                self._settle(lambda: self._open(name))

        self.app.push_screen(ask_for_caption(page, self.context.writer.types()), chosen)

    @on(VersionPane.Taken)
    def _take(self, event: VersionPane.Taken) -> None:
        self._take_version(event.version.text)

    @task("take", asked=True)
    async def _take_version(self, text: str) -> None:
        """Put a version in place of the text, which is kept among the versions unless it is saved."""
        if self._answer is not None or self._sheet.is_too_long or len(text) > EDITABLE:
            self.context.notify(_TOO_LONG if self._answer is None else _WRITING.format(self.key("caption.leave")))
            return
        if self._sheet.is_changed:
            await self._put_aside_now(self._sheet.text)
        self._sheet.area.replace_all(text)
        self._sheet.area.focus()

    def go_back(self) -> None:
        """Stop the model, close the line to find, or leave."""
        if self._answer is not None:
            self._stop()
        elif self._sheet.find_line.display:
            self._sheet.find_line.display = False
            self._sheet.area.focus()
        else:
            self._settle(lambda: self.dismiss(None))

    def target(self) -> Target | None:
        """The image whose caption is edited."""
        current = self._images.current_id
        return None if current is None else Target(image_ids=(current,))

    # -- the model ----------------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """Let the model write the text anew, as a caption of any type."""
        page, writer = self._sheet.page, self.context.writer
        if page is None or self._answer is not None or self._sheet.is_too_long:
            why = _WRITING if self._answer is not None else _TOO_LONG if page is not None else _NONE
            self.context.notify(why.format(self.key("caption.leave")))
            return

        def chosen(name: str | None) -> None:
            if name is not None:
                self._ask(name)

        self.app.push_screen(ask_for_type(page, writer.types()), chosen)

    @task("ask", asked=True)
    async def _ask(self, kind: str) -> None:
        page, writer = self._sheet.page, self.context.writer
        await in_thread(writer.check)
        if page is not None and kind != page.type:
            async with self._sheet.writes:
                await self._sheet.keep_draft()
            page = await self._open_now(kind)
            if page is not None and page.draft is not None:
                await self._put_aside_now(page.draft.text)
        elif self._sheet.is_changed:
            await self._put_aside_now(self._sheet.text)
        if page is not None:
            self._sheet.area.begin_stream()
            self._sheet.say(f"the model is asked; {self.key('caption.leave')} stops it")
            self._answer = writer.start(page, lambda: self.post_message(AnswerMoved()))

    def on_answer_moved(self) -> None:
        """Show what the model wrote since the last look, and take its answer when it has ended."""
        answer, area = self._answer, self._sheet.area
        if answer is None:
            return
        is_over = answer.is_over
        if piece := answer.take():
            area.stream(piece)
        if len(area.text) > EDITABLE:
            self._stop()
        elif is_over:
            self._answer = None
            area.end_stream(None if answer.said is None else answer.said.text)
            self._sheet.say("not saved" if self._sheet.is_changed else "")
            if answer.error is not None:
                self.post_message(ErrorReported(answer.error, asked=True))
            else:
                self._show_what_is_new()

    def _stop(self) -> None:
        """End the model; what it wrote so far stays as the text, which an undo takes back."""
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.stop()
            so_far = self._sheet.area.text
            self._sheet.area.end_stream(so_far if so_far.strip() else None)
            self._sheet.say("the model was stopped" + ("; Ctrl+Z brings back the text from before" if so_far else ""))

    def _look_at_answer(self) -> None:
        if (answer := self._answer) is not None and not answer.is_over:
            words = answer.condition or f"the model writes, {monotonic() - answer.began:.0f} s"
            self._sheet.say(f"{words}; {self.key('caption.leave')} stops it")
