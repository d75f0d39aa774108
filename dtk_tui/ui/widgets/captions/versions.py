"""Versions of a caption in a list, and how one of them differs from another text."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from dtk_tui.domain.captions import Caption
from dtk_tui.domain.text_diff import Span, word_diff
from dtk_tui.services.captions.editor import EDITABLE
from dtk_tui.text import display, one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.format import line, lines
from dtk_tui.ui.widgets.status import Line
from dtk_tui.ui.widgets.tables.cursor_list import Cell, CursorList, fit

#: Of a piece that both texts have, so many characters are shown at each of its ends.
_AROUND = 60
#: Characters of one difference that are shown.
_LONGEST = 5_000
_LONGEST_PROMPT = 4_000
_ROOM_FOR_WORDS = 44
#: Typing must rest for this long before texts are compared.
_REST_S = 0.15


def difference(spans: Sequence[Span]) -> Content:
    """Return differences as text: ``[-gone-]`` and ``{+new+}`` in their colours, and little of what is alike."""
    parts = list(_parts(spans))
    return Content.assemble(*parts) if parts else Content("")


def _parts(spans: Sequence[Span]) -> Iterator[tuple[str, str]]:
    left = _LONGEST
    for number, span in enumerate(spans):
        if left <= 0:
            yield "\n(there is more)", "$muted"
            return
        if span.kind == "same":
            yield _shortened(span.text, is_first=number == 0, is_last=number == len(spans) - 1), "$muted"
            continue
        shown = _visible(span.text[:left])
        left -= len(shown)
        cut = "\u2026" if len(span.text) > len(shown) and left <= 0 else ""
        if span.kind == "gone":
            yield f"[-{shown}{cut}-]", "$error"
        else:
            yield f"{{+{shown}{cut}+}}", "$success"


def _shortened(text: str, *, is_first: bool, is_last: bool) -> str:
    """Return what is alike: its ends beside changes."""
    if len(text) <= 2 * _AROUND + 20:
        return display(text)
    head = "" if is_first else display(text[:_AROUND])
    tail = "" if is_last else display(text[-_AROUND:])
    return f"{head}\u2026{tail}"


def _visible(text: str) -> str:
    """Return what changed, line ends included."""
    return display(text.replace("\r", "\u240d")).replace("\n", "\u21b5\n")


class VersionList(CursorList):
    """Versions of a caption, the newest first."""

    BINDING_GROUP_TITLE = "Versions"
    ABOUT: ClassVar[str] = "Every caption that this image had, the newest first, with what changed."
    HELP: ClassVar[str] = "\u25cf current   \u270e by a person"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._versions: Sequence[Caption] = ()

    @property
    def count(self) -> int:
        """How many versions there are."""
        return len(self._versions)

    @property
    def version(self) -> Caption | None:
        """The version under the cursor."""
        return self._versions[self.cursor] if self._versions else None

    def prompt_of(self, version: Caption) -> str:
        """Return the prompt of a version, or of the one that it was made from; empty where that is not known."""
        by_id = {one.id: one for one in self._versions}
        found: Caption | None = version
        while found is not None and not found.prompt_used:
            found = by_id.get(found.parent_id or 0)
        return "" if found is None else found.prompt_used or ""

    def show(self, versions: Sequence[Caption]) -> None:
        """Show other versions; the cursor goes to the current one."""
        self._versions = versions
        self.count_changed(next((place for place, one in enumerate(versions) if one.is_current), 0))

    def cells(self, row: int, width: int) -> list[Cell]:
        """Draw a version: current or not, when, by whom, and where there is room its first words."""
        one = self._versions[row]
        who = one_line(one.model or one.source, 60)
        sign = "\u25cf " if one.is_current else "  "
        when = f"{one.created_at.astimezone():%m-%d %H:%M} "
        cells: list[Cell] = [
            (sign, "list--accent"),
            (when, "list--dim"),
            ("\u270e " if one.is_user_edited else "  ", ""),
        ]
        if width < _ROOM_FOR_WORDS:
            return [*cells, (fit(who, max(1, width - 16)), "")]
        return [*cells, (fit(who, 14), ""), (fit(f" {one_line(one.text, 200)}", max(1, width - 30)), "list--dim")]


class VersionPane(Horizontal):
    """Versions of a caption, and for the one under the cursor how the text differs from it, and its prompt."""

    class Taken(Message):
        """A version is wanted as the text."""

        def __init__(self, version: Caption) -> None:
            super().__init__()
            self.version = version

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text = ""

    def compose(self) -> ComposeResult:
        """The list, and the difference beside it."""
        with Vertical(id="versions-pane"):
            yield Line(id="versions-title", classes="pane-title")
            yield VersionList(id="versions")
        with Vertical(id="difference-pane"):
            yield Line(id="difference-title", classes="pane-title")
            with VerticalScroll(id="difference"):
                yield Static("", markup=False, id="difference-text")

    def on_mount(self) -> None:
        """Name the list."""
        self.query_one("#versions-title", Line).show(Content("Versions (Enter takes one)"))

    @property
    def versions(self) -> VersionList:
        """The list."""
        return self.query_one(VersionList)

    def show(self, versions: Sequence[Caption]) -> None:
        """Show other versions."""
        self.versions.show(versions)

    def compare(self, text: str) -> None:
        """Compare with another text."""
        if text != self._text:
            self._text = text
            self._compare()

    @on(CursorList.Moved, "#versions")
    def _moved(self) -> None:
        self._compare()

    @on(CursorList.Chosen, "#versions")
    def _chosen(self) -> None:
        version = self.versions.version
        if version is not None:
            self.post_message(self.Taken(version))

    @task("difference")
    async def _compare(self) -> None:
        await asyncio.sleep(_REST_S)
        version, text = self.versions.version, self._text
        title, shown = self.query_one("#difference-title", Line), self.query_one("#difference-text", Static)
        if version is None:
            title.show(Content("No version yet"))
            shown.update(Content(""))
            return
        are_cut = min(len(version.text), len(text)) > EDITABLE
        spans = await in_thread(partial(word_diff, are_cut=are_cut), version.text, text)
        is_same = all(span.kind == "same" for span in spans)
        said = one_line(version.model or version.source, 40)
        title.show(line(f"From {said}, {version.created_at.astimezone():%m-%d %H:%M}, to the text"))
        parts = [Content.styled("No word differs.", "$muted") if is_same else difference(spans)]
        if are_cut:
            parts.append(Content.styled(f"The first {EDITABLE:,} characters are compared.", "$muted"))
        if prompt := self.versions.prompt_of(version):
            head = Content.styled("Prompt used", "bold $accent")
            parts += [Content(""), head, lines(prompt, _LONGEST_PROMPT)]
        shown.update(Content("\n").join(parts))
