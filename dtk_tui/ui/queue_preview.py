"""What queueing would do: how much is new, shared, done, how long it takes, and a sample beside what it looks like."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from dtk_tui.domain.job import Kind
from dtk_tui.domain.queue import Enqueued, Target
from dtk_tui.errors import DtkError
from dtk_tui.services import queue as queue_service
from dtk_tui.services.library.alike.sample import Near, Sample, sample
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.text import counted, duration, one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.dialogs import Choices, Dialog

_PATH_LIMIT = 300


class QueuePreview(Dialog[bool]):
    """Counts what would be queued for embedding and looks at a sample; True when it shall be queued.

    Args:
        name: how the target is called.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "yes", "Queue", show=False),
        Binding("n,q", "leave", "Close", show=False),
    ]

    class Looked(Message):
        """Another image of the sample was looked at, or no further one is."""

        def __init__(self, found: Sample, is_over: bool = False) -> None:
            super().__init__()
            self.found = found
            self.is_over = is_over

    def __init__(self, library: LibraryBrowser, target: Target, name: str) -> None:
        super().__init__(f"Queue {name}?")
        self._library = library
        self._target = target
        self._stop = threading.Event()

    def body(self) -> ComposeResult:
        """The numbers, the sample, and what can be done."""
        yield Static("counting\u2026", markup=False, id="counts")
        with VerticalScroll(classes="text"):
            yield Static("", markup=False, id="sample")
        yield Choices(("y", "Queue", "screen.yes"), ("n", "Cancel", "screen.leave"))

    def on_mount(self) -> None:
        """Count, then look at some."""
        self._look()

    def on_unmount(self) -> None:
        """Nobody waits for it any more."""
        self._stop.set()

    @task("look")
    async def _look(self) -> None:
        db, config = self._library.db, self._library.config
        counts = await in_thread(queue_service.enqueue, db, config, self._target, [Kind.EMBED], dry_run=True)
        self._show("#counts", Content(_count_words(counts)))
        if not counts.queued and not counts.waiting:
            return
        self._show("#sample", Content.styled("looking at a few of them\u2026", "$muted"))
        try:
            found = await in_thread(sample, db, config, self._target, Kind.EMBED, self._tell, self._stop)
        except DtkError:
            if not self._stop.is_set():
                raise
            return
        self.post_message(self.Looked(found, is_over=True))  # behind those of the thread

    def _tell(self, found: Sample) -> None:
        with suppress(RuntimeError):  # of an app that is gone
            self.post_message(self.Looked(found))

    def on_queue_preview_looked(self, event: Looked) -> None:
        """Show what is known of the sample."""
        self._show("#sample", _sample_words(event.found, is_over=event.is_over))

    def _show(self, selector: str, content: Content) -> None:
        if self.is_attached:
            self.query_one(selector, Static).update(content)

    def action_yes(self) -> None:
        """Queue it."""
        self.dismiss(True)


def _count_words(counts: Enqueued) -> str:
    """Return the numbers of what would be queued, one a line; of what may be nought only what is not."""
    new = f"{counts.queued:,} new"
    if counts.queued:
        new += (
            f", about {duration(max(1.0, counts.expected_s))}" if counts.expected_s else "; how long is not known yet"
        )
    lines = [
        new,
        f"{counts.spared:,} shared with another image",
        f"{counts.already_done:,} done already",
    ]
    if counts.waiting:
        lines.append(f"{counts.waiting:,} in the queue already")
    if counts.undecodable:
        lines.append(f"{counts.undecodable:,} cannot be decoded")
    return "\n".join(lines)


def _sample_words(found: Sample, *, is_over: bool) -> Content:
    """Return a sample as far as it was looked at: each image, and what it looks like.

    Args:
        is_over: whether no further image is looked at.
    """
    if not found.chosen:
        return Content("")
    state = f"Sample, {len(found.images)} of {counted(found.chosen, 'image')}"
    if is_over and len(found.images) < found.chosen:
        state += " (the time was over)"
    how = "by vectors" if found.by == "vectors" else "by perceptual hash: no model is at hand, or nothing is embedded"
    parts: list[Content | str | tuple[str, str]] = [(f"{state}, {how}", "$muted")]
    if found.images and not any(one.nearest or one.error for one in found.images):
        return Content.assemble(*parts, "\nThere is nothing in the library to compare them with yet.")
    for one in found.images:
        parts += ["\n", _parted(one.path)[1]]
        if one.error:
            parts.append((f"\n  {one_line(one.error, _PATH_LIMIT)}", "$error"))
        elif not one.nearest:
            parts.append(("\n  nothing to compare it with yet", "$muted"))
        parts += _near_words(one.nearest)
    return Content.assemble(*parts)


def _near_words(nearest: Sequence[Near]) -> list[tuple[str, str]]:
    found = []
    for near in nearest:
        how = f"{near.similarity:.3f}" if near.similarity is not None else counted(near.bits or 0, "bit")
        folder, name = _parted(near.path)
        found += [(f"\n  {how:>7}  {name}", "$accent"), (f"  {folder}", "$muted")]
    return found


def _parted(path: str) -> tuple[str, str]:
    """Return the folder and the name of a file as they are shown."""
    folder, _, name = path.replace("\\", "/").rpartition("/")
    return one_line(folder, _PATH_LIMIT), one_line(name, _PATH_LIMIT)
