"""Copying facts of images to the clipboard of the terminal (OSC 52)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from dtk_tui.domain.library import ImageDetail
from dtk_tui.domain.queue import Target
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.terminal import is_clipboard_kept_by_tmux
from dtk_tui.text import counted
from dtk_tui.ui.background import in_thread
from dtk_tui.ui.commands.organise import chosen_ids
from dtk_tui.ui.commands.run import in_background
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.dialogs import Entry, Menu

#: Of more images at once nobody wants the prompts in one text.
_IMAGES = 100
#: Many terminals take no longer OSC 52 than 100,000 characters of base64, which are so many bytes.
_BYTES = 74_994
#: Whoever pastes a text into a shell shall not be steered by it.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def _infotext(detail: ImageDetail) -> str:
    from dtk_tui.metadata.infotext.writer import write_infotext

    return write_infotext(detail)


#: Key, words, what stands between those of several images, and what is copied of one.
_PARTS: tuple[tuple[str, str, str, Callable[[ImageDetail], object]], ...] = (
    ("p", "Prompt", "\n\n", lambda detail: detail.prompt),
    ("n", "Negative prompt", "\n\n", lambda detail: detail.negative_prompt),
    ("s", "Seed", "\n", lambda detail: detail.seed),
    ("f", "Path", "\n", lambda detail: detail.path),
    ("i", "All of it, as infotext", "\n\n", _infotext),
)


def copy(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Offer what can be copied of the chosen images."""
    ids = [int(number) for number in chosen_ids(context, target)[: _IMAGES + 1]]
    if len(ids) > _IMAGES:
        context.notify(f"Copying is for at most {_IMAGES} images.", severity="warning")
    elif ids:
        entries = [Entry(words, key, str(place), key) for place, (key, words, _, _) in enumerate(_PARTS)]
        screen.app.push_screen(Menu(f"Copy of {screen.target_name()}", entries), partial(_chosen, context, screen, ids))


def _chosen(context: AppContext, screen: ContextScreen[Any], ids: Sequence[int], place: str | None) -> None:
    if place is not None:
        _copy(ids, int(place))(context, screen, None)


def _copy(ids: Sequence[int], place: int) -> Callable[[AppContext, ContextScreen[Any], Target | None], None]:
    @in_background("copy", asked=True)
    async def run(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
        _, words, between, part = _PARTS[place]
        texts = await in_thread(_texts, context.library, ids, part)
        text = between.join(texts)
        if not texts:
            context.notify(f"{words}: there is none.", severity="warning")
            return
        size = len(text.encode("utf-8", "replace"))
        if size > _BYTES:
            told = f"{words}: {size:,} bytes are too much for the clipboard of a terminal: {_BYTES:,} at most."
            context.notify(told, severity="warning")
            return
        safe = _CONTROL.sub("", text)
        screen.app.copy_to_clipboard(safe)
        of = f" of {counted(len(texts), 'image')}" if len(ids) > 1 else ""
        left_out = "; control characters are left out" if safe != text else ""
        if await in_thread(is_clipboard_kept_by_tmux):
            told = (
                f"{words}: tmux keeps it from your terminal. In a shell: tmux set -s set-clipboard on; then copy again."
            )
            context.notify(told, severity="warning")
        else:
            context.notify(f"Copied{of}: {words}{left_out}.")

    return run


def _texts(library: LibraryBrowser, ids: Sequence[int], part: Callable[[ImageDetail], object]) -> list[str]:
    details = [detail for number in ids if (detail := library.detail(number)) is not None]
    return [str(value) for detail in details if (value := part(detail)) not in (None, "")]
