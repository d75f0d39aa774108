"""Help, made from the bindings as they are now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from dtk_tui.ui.commands.registry import Action
from dtk_tui.ui.dialogs import Dialog

_SEARCH_HELP = (
    'The search line knows words, "phrases", -not, OR, brackets and tokens such as tag:1girl, model:sdxl, '
    "steps:20-30, rating:>=4, size:portrait, date:since 3 days ago, like:ID (similar pictures), "
    "about:words (similar meaning)."
)


class Help(Dialog[None]):
    """Lists every key of the screen below, by widget."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark,q,enter", "leave", "Close", show=False)]

    def __init__(self, found: Sequence[Action]) -> None:
        super().__init__("Keys")
        self._found = found

    def body(self) -> ComposeResult:
        """One block a widget."""
        with VerticalScroll(classes="text"):
            yield Static(self._text(), markup=False)

    def _text(self) -> Content:
        groups: dict[str, list[Action]] = {}
        for action in self._found:
            groups.setdefault(action.group, []).append(action)
        width = max((len(action.keys) for action in self._found), default=0) + 2
        blocks: list[Content] = []
        for title, found in groups.items():
            rows = [Content.styled(title, "bold $accent")]
            rows += [
                Content.assemble(
                    "  ", (f"{one.keys:<{width}}", "bold"), one.binding.description, (f"  {one.binding.id}", "$faint")
                )
                for one in found
            ]
            blocks.append(Content("\n").join(rows))
        for title, signs in self._signs().items():
            blocks.append(Content.assemble((f"Signs in {title.lower()}\n", "bold $accent"), f"  {signs}"))
        note = 'The grey names are for the [keys] part of config.toml, e.g.  "main.search" = "f3"'
        blocks += [Content.styled(_SEARCH_HELP, "$muted"), Content.styled(note, "$muted")]
        return Content("\n\n").join(blocks)

    def _signs(self) -> dict[str, str]:
        kinds = dict.fromkeys(type(action.node) for action in self._found)
        # Textual gives every node a HELP, which is None unless somebody wrote one.
        return {str(kind.BINDING_GROUP_TITLE): kind.HELP for kind in kinds if kind.HELP}
