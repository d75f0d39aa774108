"""The caption that is edited: its text, what is counted of it, and its draft."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer

from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services.captions.editor import EDITABLE, CaptionPage
from dtk_tui.services.captions.text_counts import TextCounts
from dtk_tui.text import counted
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.format import line
from dtk_tui.ui.widgets.captions.area import CaptionArea, FindLine
from dtk_tui.ui.widgets.status import Line

#: What is typed is kept as a draft so soon, in seconds; and the longest that the end of the app waits for that.
_DRAFT_S, _LAST_DRAFT_S = 1.0, 3.0
#: Of a caption that is too long to be edited, so many characters are shown.
_SHOWN = 5_000


class CaptionSheet(Vertical):
    """A text area with a line to find and replace, a line that counts, and a draft of what is not saved.

    Args:
        keep: writes a draft, or with None forgets it; ``count`` counts a text. Both are called in threads.

    Attributes:
        writes: held while something of this caption is written or read, so that a draft never comes behind its end.
    """

    def __init__(
        self, keep: Callable[[CaptionPage, str | None], None], count: Callable[[str], TextCounts], *, id: str
    ) -> None:
        super().__init__(id=id)
        self.writes = asyncio.Lock()
        self.area = CaptionArea(EDITABLE, id="editor-text")
        self._keep_text = keep
        self._count_text = count
        self._page: CaptionPage | None = None
        self._base = ""  # what the text area held right after it was filled
        self._text = ""  # also while the text area is being taken apart
        self._drafted: str | None = None
        self._timer: Timer | None = None
        self._counts, self._more_counts, self._state = "", "", ""

    def compose(self) -> ComposeResult:
        """Text, find and replace, counts."""
        yield self.area
        yield FindLine(self.area, id="editor-find")
        yield Line(id="editor-counts")

    def on_mount(self) -> None:
        """Nothing can be typed before there is a caption."""
        self.area.read_only = True
        self.find_line.display = False

    @property
    def find_line(self) -> FindLine:
        """The line to find and replace."""
        return self.query_one(FindLine)

    @property
    def page(self) -> CaptionPage | None:
        """The caption that is edited; None before there is one."""
        return self._page

    @property
    def text(self) -> str:
        """The text as it is typed; while a model writes, the one from before."""
        return self._text

    @property
    def is_too_long(self) -> bool:
        """Whether only the beginning of the caption is shown, not to be edited."""
        return self._page is not None and len(self._page.text) > EDITABLE

    @property
    def is_changed(self) -> bool:
        """Whether there is something to save."""
        return self._page is not None and not self.is_too_long and self._text != self._base

    def clear(self) -> None:
        """Show nothing, into which nobody types, until ``show``."""
        self._page, self._base, self._text = None, "", ""
        self.area.text = ""
        self.area.read_only = True

    def show(self, page: CaptionPage) -> None:
        """Edit another caption."""
        self._page, self._drafted, self._state = page, None if page.draft is None else page.draft.text, ""
        self.area.text = page.text[:_SHOWN] if self.is_too_long else page.text
        self._base = self._text = self.area.text
        self.area.read_only = self.is_too_long
        if self.is_too_long:
            self._state = f"too long to be edited: {_SHOWN:,} of"
        self._count()

    def saved(self, page: CaptionPage, text: str) -> None:
        """Take over that a text is the caption now; what was typed since is not saved yet."""
        self._page, self._base, self._drafted = page, text, None
        self.say("not saved" if self.is_changed else "")

    def say(self, words: str) -> None:
        """Tell something beside the counts, until the next change."""
        self._state = words
        self._show_counts()

    # -- what is typed ------------------------------------------------------------------------------------------------

    @on(CaptionArea.Changed)
    def _text_changed(self) -> None:
        if self._page is None or self.area.is_streaming or self.is_too_long:
            return
        self._text = self.area.text
        self._state = "not saved" if self.is_changed else ""
        self._keep_soon()
        self._count()

    def _keep_soon(self) -> None:
        if self._timer is None:
            self._timer = self.set_timer(_DRAFT_S, self._write_draft)

    @task("counts")
    async def _count(self) -> None:
        if self._page is not None and self.is_too_long:
            self._counts, self._more_counts = counted(len(self._page.text), "character"), ""
        else:
            found = await in_thread(self._count_text, self._text)
            tokens = "" if found.tokens is None else f", {counted(found.tokens, 'token')}"
            self._counts = f"{counted(found.words, 'word')}{tokens}"
            self._more_counts = f"{tokens and f' ({found.tokenizer})'}, {counted(found.characters, 'character')}"
        self._show_counts()

    def _show_counts(self) -> None:
        if self._state:
            space = " " if self.is_too_long else "   "
            shown = Content.assemble(line(self._state, "$warning", 200), space, line(self._counts))
        else:
            shown = line(self._counts + self._more_counts)
        self.query_one("#editor-counts", Line).show(shown)

    # -- draft --------------------------------------------------------------------------------------------------------

    @task("draft", exclusive=False)
    async def _write_draft(self) -> None:
        self._timer = None
        try:
            async with self.writes:
                await self.keep_draft()
        except DatabaseLostError:
            self._keep_soon()
            self.say("database away: not saved, no draft")
            return
        if self.is_changed:
            self.say("not saved, draft kept")

    async def keep_draft(self) -> None:
        """Keep what is typed, or forget that anything is; the caller holds ``writes``."""
        page, text = self._page, self._text if self.is_changed else None
        if page is not None and text != self._drafted:
            await in_thread(self._keep_text, page, text)
            self._drafted = text

    def draft_is_gone(self) -> None:
        """Note that somebody else dropped the draft."""
        self._drafted = None

    def throw_away(self) -> None:
        """Take the caption as it is stored for the text, before another one is shown."""
        self._text = self._base

    async def on_unmount(self) -> None:
        """Keep the last words as a draft."""
        with suppress(DtkError, TimeoutError):
            await asyncio.wait_for(self.keep_draft(), _LAST_DRAFT_S)
