"""How an edit of many captions is written on its screen: what can be chosen, and captions before and after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.content import Content

from dtk_tui.domain.caption_edit import CaptionEdit, Example, Operation
from dtk_tui.services.library.edits import EditTask
from dtk_tui.text import display
from dtk_tui.ui.format import edit_words, line, progress_line

#: So many characters before the first difference are shown.
_BEFORE = 24
_SIGNS = {"\n": "\u21b5", "\t": "\u2192"}


@dataclass(frozen=True, slots=True)
class EditKind:
    """One of the edits to choose from: what it is called, and which texts it asks for.

    ``given`` is its text where it asks for none.
    """

    words: str
    operation: Operation
    labels: tuple[str, ...] = ()
    given: str = ""

    def edit(self, *texts: str) -> CaptionEdit:
        """Return the edit with the texts that were given."""
        return CaptionEdit(self.operation, *(texts[: len(self.labels)] if self.labels else (self.given,)))


EDITS = (
    EditKind("put a text before", "prefix", ("Text",)),
    EditKind("put a text behind", "suffix", ("Text",)),
    EditKind("replace a text", "replace", ("Find", "Replace by")),
    EditKind("replace by a regular expression", "regex", ("Find", "Replace by")),
    EditKind("fill a template", "template", ("Template",)),
    EditKind("take white space from both ends", "trim"),
    EditKind("lower case", "case", given="lower"),
    EditKind("upper case", "case", given="upper"),
    EditKind("a capital at the begin", "case", given="sentence"),
    EditKind("take the captions away", "remove"),
)
#: What may stand in the texts, by the operation.
HINTS: Mapping[Operation, str] = {
    "prefix": "as it stands: mind the comma and the blank",
    "suffix": "as it stands: mind the comma and the blank",
    "replace": "case matters, no sign has a meaning",
    "regex": "of Python's re: (?i) first ignores case, \\1 is a group",
    "template": "{caption} {prompt} {negative_prompt} {tags} {tags:0.5} {file_name} {folder}",
}


def progress_words(task: EditTask) -> Content:
    """Return how far an edit is, or how it ended."""
    title = line(task.title, "bold", 300)
    if task.error is not None:
        return Content.assemble(title, "\n\n", line(f"{task.error.title} {task.error.detail}", "$error", 1000))
    if task.result is not None:
        return Content.assemble(title, "\n\n", edit_words(task.result))
    return Content.assemble(title, "\n\n", progress_line(task.done, task.total))


def change_words(name: str, example: Example) -> Content:
    """Return a caption before and after an edit, each as one line, from a little before the first difference on.

    Args:
        name: that of its image.
    """
    before, after = example.before, example.after or ""
    same = _common(before, after)
    at_end = _common(before[same:][::-1], after[same:][::-1])
    rows = [line(name, "$muted", 200), _row("- ", before, same, at_end, "$error")]
    if example.after is not None:
        rows.append(_row("+ ", after, same, at_end, "$success"))
    return Content("\n").join(rows)


def _row(sign: str, text: str, same: int, at_end: int, style: str) -> Content:
    start = max(0, same - _BEFORE)
    end = len(text) - at_end
    return Content.assemble(
        (sign, style),
        ("\u2026" if start else "") + _visible(text[start:same]),
        (_visible(text[same:end]), f"{style} underline"),
        _visible(text[end:]),
    )


def _visible(text: str, limit: int = 400) -> str:
    """Return the begin of an untrusted text in one line, in which every blank can be told."""
    shown = display(text[:limit])
    for char, sign in _SIGNS.items():
        shown = shown.replace(char, sign)
    return shown


def _common(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their begin."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
