"""Which columns a table shows, in which order and how wide, as a person chose it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from dtk_tui.ui.widgets.tables.columns import Column, RowT

#: Terminal cells of a column that a person made as narrow, or as wide, as can be.
NARROWEST, WIDEST = 2, 120


@dataclass(frozen=True, slots=True)
class Layout:
    """A choice of columns.

    Attributes:
        shown: the ids of the columns, in their order; empty: the usual ones.
        widths: terminal cells by id; all others are fitted to the room.
    """

    shown: tuple[str, ...] = ()
    widths: Mapping[str, int] = field(default_factory=dict)

    def arrange(self, columns: Sequence[Column[RowT]]) -> list[Column[RowT]]:
        """Return the columns that are shown; of chosen ones the last is left out first where the room is short."""
        chosen = self._chosen(columns)
        return [
            replace(one, width=self.widths[one.id], share=0, most=0) if one.id in self.widths else one for one in chosen
        ]

    def _chosen(self, columns: Sequence[Column[RowT]]) -> list[Column[RowT]]:
        by_id = {one.id: one for one in columns}
        chosen = [by_id[name] for name in self.shown if name in by_id]
        if not chosen:
            return [one for one in columns if one.is_usual]
        return [replace(one, rank=place) for place, one in enumerate(chosen)]

    def ids(self, columns: Sequence[Column[RowT]]) -> list[str]:
        """Return the ids of the columns that are shown."""
        return [one.id for one in self._chosen(columns)]

    def with_shown(self, shown: Sequence[str]) -> Layout:
        """Return it with other columns, at least one."""
        return replace(self, shown=tuple(shown)) if shown else self

    def with_width(self, column: str, width: int | None) -> Layout:
        """Return it with another width of a column; None: fitted to the room."""
        widths = {name: old for name, old in self.widths.items() if name != column}
        if width is not None:
            widths[column] = max(NARROWEST, min(width, WIDEST))
        return replace(self, widths=widths)

    def to_json(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {"shown": list(self.shown), "widths": dict(self.widths)}


def from_json(value: object, known: Sequence[str]) -> Layout:
    """Return the layout that was kept; what is not understood in it is left out.

    Args:
        known: the ids of the columns that there are.
    """
    if not isinstance(value, dict):
        return Layout()
    shown, widths = value.get("shown"), value.get("widths")
    names = [name for name in shown if name in known] if isinstance(shown, list) else []
    cells = widths.items() if isinstance(widths, dict) else ()
    return Layout(
        tuple(dict.fromkeys(names)),
        {
            name: max(NARROWEST, min(width, WIDEST))
            for name, width in cells
            if name in known and isinstance(width, int) and not isinstance(width, bool)
        },
    )
