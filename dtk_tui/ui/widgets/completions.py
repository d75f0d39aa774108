"""What may stand at the cursor of the search line, as a short list above it."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from dtk_tui.domain.query.candidates import Completion
from dtk_tui.text import cut, one_line
from dtk_tui.ui.widgets.tables.cursor_list import fit

#: Of long texts so many terminal cells are shown, of notes what there is room for.
_TEXT = 44


class Completions(Static):
    """Shows the candidates over what is above the line, the one that was taken marked; nothing where there are none."""

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", markup=False, id=id)
        self.display = False

    def show(self, completion: Completion | None, taken: int | None = None) -> None:
        """Show candidates; None takes the list away."""
        candidates = completion.candidates if completion is not None else ()
        if candidates:
            texts = [one_line(one.text, 200) for one in candidates]
            width = min(_TEXT, max(len(text) for text in texts))
            room = max(8, self.app.size.width - width - 6)
            rows = [
                Content.assemble(
                    ("\u25b8 " if number == taken else "  ", "$accent"),
                    (fit(text, width), "bold $accent" if number == taken else ""),
                    ("  " + cut(one_line(one.note, 300), room), "$muted"),
                )
                for number, (text, one) in enumerate(zip(texts, candidates, strict=True))
            ]
            self.update(Content("\n").join(rows))
            self.styles.offset = (0, -len(rows))
        self.display = bool(candidates)
