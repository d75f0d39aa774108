"""Narrowing a list of settings or of keys to the rows that have some words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dtk_tui.errors import UsageError
from dtk_tui.ui.dialogs import InputDialog

if TYPE_CHECKING:
    from dtk_tui.ui.widgets.tables.pages import Ids


def having(texts: Sequence[str], words: str) -> Ids:
    """Return the numbers of the texts that have all words of a line, whatever their case; of all where there are none.

    Returns:
        int64, shape (found,), in order.
    """
    wanted = words.lower().split()
    found = [number for number, text in enumerate(texts) if all(word in text.lower() for word in wanted)]
    return np.array(found, dtype=np.int64)


def find_dialog(what: str, texts: Sequence[str], words: str) -> InputDialog:
    """Return what asks for words; it takes none that no text has, and an empty line for all.

    Args:
        what: one of what is looked for, e.g. ``setting``.
        words: those that were asked for last.
    """

    def check(typed: str) -> None:
        if not having(texts, typed).size:
            raise UsageError(f"No {what} has all of these words.", "")

    hint = "words of its name, its value or its help; an empty line shows all"
    return InputDialog(f"Find a {what}", hint, value=words, may_be_empty=True, check=check)
