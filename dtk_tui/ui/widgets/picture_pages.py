"""Pages of the preview that are asked for when they are looked at: likes, workflow, group, history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from textual.content import Content

from dtk_tui.domain.journal import PastEvent
from dtk_tui.domain.library import Hit, ImageDetail, ImageRow
from dtk_tui.text import one_line
from dtk_tui.ui.format import line
from dtk_tui.ui.widgets import detail_text

if TYPE_CHECKING:
    from dtk_tui.metadata.workflow_tree import TreeLine, WorkflowTree

#: Deeper levels of a tree are not moved further to the right.
_LEVELS = 16


class PictureFacts(Protocol):
    """Where facts of one image come from; every call blocks."""

    def detail(self, image_id: int) -> ImageDetail | None:
        """Return all about one image; None: it is gone."""

    def similar_rows(self, image_id: int) -> Sequence[tuple[Hit, ImageRow]]:
        """Return the few images most like one, with their lines."""

    def workflow(self, image_id: int) -> WorkflowTree | None:
        """Return the workflow that is kept with an image; None where none is."""

    def group_rows(self, representative: int) -> Sequence[ImageRow]:
        """Return the images of a group, its representative first."""

    def history(self, image_id: int) -> Sequence[PastEvent]:
        """Return what became of an image, the newest first."""


def _similar(facts: PictureFacts, detail: ImageDetail) -> Content:
    return detail_text.similar(facts.similar_rows(detail.id))


def _workflow(facts: PictureFacts, detail: ImageDetail) -> Content:
    found = facts.workflow(detail.id)
    if found is None:
        return Content.styled("No workflow of ComfyUI is kept with this image.", "$muted")
    rows = [Content.styled(f"{found.nodes:,} nodes, from what was saved to what it is made of", "$muted")]
    rows += [
        _node(one, sign) for one, sign in zip(found.lines, tree_signs([x.depth for x in found.lines]), strict=True)
    ]
    if found.is_cut:
        rows.append(Content.styled("\u2026 and more", "$muted"))
    return Content("\n").join(rows)


def _node(one: TreeLine, signs: str) -> Content:
    if not one.number:
        return Content.assemble((signs, "$faint"), line(f"{one.name}  ", "$muted", 60), " ", line(one.text, "", 300))
    name = f"{one_line(one.name, 60)} " if one.name else ""
    again = ("  see above", "$faint") if one.is_again else ("", "")
    number = (f"  {one_line(one.number, 20)}", "$faint")
    return Content.assemble((signs, "$faint"), (name, "$muted"), line(one.text, "bold $accent", 100), number, again)


def tree_signs(depths: Sequence[int]) -> list[str]:
    """Return what stands before each line of a tree, by how deep it is: the branches that lead to it."""
    goes_on: set[int] = set()
    found: list[str] = []
    for depth in reversed(depths):
        last = min(depth, _LEVELS)
        signs = "".join("\u2502 " if level in goes_on else "  " for level in range(1, last))
        found.append(signs + (("\u251c " if last in goes_on else "\u2514 ") if depth else ""))
        goes_on = {level for level in goes_on if level < last} | {last}
    return found[::-1]


def _group(facts: PictureFacts, detail: ImageDetail) -> Content:
    if detail.members < 2:
        words = "No other image has these generation parameters: it is embedded by itself."
        return Content.styled(words, "$muted")
    rows = facts.group_rows(detail.representative)
    head = f"{detail.members:,} images of the same generation parameters that look alike, embedded once"
    lines = [Content.styled(head, "$muted")]
    for row in rows:
        sign = ("\u25b8 ", "$accent") if row.id == detail.id else ("  ", "")
        note = "  stands for all" if row.id == detail.representative else ""
        size = f"  {row.width}\u00d7{row.height}" if row.width and row.height else ""
        lines.append(Content.assemble(sign, line(row.file_name, "", 120), (f"{size}{note}", "$muted")))
        lines.append(line(f"  {row.folder}", "$faint", 300) if row.folder else Content(""))
    if detail.members > len(rows):
        lines.append(Content.styled(f"  \u2026 and {detail.members - len(rows):,} more", "$muted"))
    return Content("\n").join(lines)


def _history(facts: PictureFacts, detail: ImageDetail) -> Content:
    events = facts.history(detail.id)
    if not events:
        return Content.styled("Nothing was done to this image yet: no work, no edit.", "$muted")
    return Content("\n").join([_event(one) for one in events])


def _event(one: PastEvent) -> Content:
    when = "now             " if one.at is None else f"{one.at.astimezone():%Y-%m-%d %H:%M}"
    note = Content.assemble("  ", line(one.note, "$muted", 400)) if one.note else Content("")
    return Content.assemble((f"{when}  ", "$accent"), line(one.what, "$error" if one.is_bad else "", 300), note)


#: By the name of the page: returns what stands there; called in a thread.
PAGES: Mapping[str, Callable[[PictureFacts, ImageDetail], Content]] = {
    "Similar": _similar,
    "Workflow": _workflow,
    "Group": _group,
    "History": _history,
}
