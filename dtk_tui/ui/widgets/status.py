"""The header line and the control bar."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from dtk_tui.domain.job import WorkerState
from dtk_tui.domain.stats import LibraryCounts, LibraryMarks, Stats
from dtk_tui.text import counted, duration, one_line
from dtk_tui.ui.format import line, speed

#: Tells all of what keeps the workers from their work.
_WHY = "app.command('app.trouble')"


def clickable(content: Content, action: str) -> Content:
    """Return content that runs an action when it is clicked inside a ``Line``."""
    return content.stylize(Style.from_meta({"do": action}))


class Line(Static):
    """One line of text, or as many as its style allows, repainted only when it changed; parts may be ``clickable``."""

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__("", markup=False, id=id, classes=classes)
        self._shown: Content | None = None

    def show(self, content: Content) -> None:
        """Show a line."""
        if self._shown is None or not content.is_same(self._shown):
            self._shown = content
            height = self.styles.height
            self.update(content, layout=height is not None and height.is_auto)

    async def on_click(self, event: events.Click) -> None:
        """Run the action of the part that was clicked; it names its namespace (``app`` or ``screen``)."""
        action = event.style.meta.get("do")
        if action is not None and self.parent is not None:
            event.stop()
            await self.app.run_action(action, self.screen)


def gpu_words(stats: Stats) -> tuple[str, str]:
    """Return the first GPU's short name with its load, and its memory; empty strings without a GPU."""
    if not stats.gpus:
        return "", ""
    gpu = stats.gpus[0]
    name = one_line(str(gpu.get("name") or "GPU"), 60).replace("NVIDIA ", "").replace("GeForce ", "")
    short = name.split(" ")[0] if name[:1] in "AHBLTV" else name
    load = gpu.get("utilisation")
    used, total = gpu.get("memory_used_gb"), gpu.get("memory_total_gb")
    memory = f"{float(str(used)):.1f}/{float(str(total)):.0f} GB" if used is not None and total else ""
    return (f"{short} {float(str(load)):.0f}%" if load is not None else short), memory


def provider_word(stats: Stats) -> str:
    """Return where the models really run."""
    if stats.provider is None:
        return "no model loaded"
    return one_line(stats.provider, 40).replace("ExecutionProvider", "")


def output_words(stats: Stats) -> str:
    """Return what is made a second, e.g. ``2.1 captions/s, 310 tokens/s``; empty where nothing is."""
    rates = ((f"{rate:,.0f}" if rate >= 100 else f"{rate:,.1f}", word) for word, rate in sorted(stats.output.items()))
    return ", ".join(f"{rate} {one_line(word, 20)}/s" for rate, word in rates)


def trouble_words(stats: Stats) -> str:
    """Return what keeps the workers from their work, of several with their hosts; empty where nothing does."""
    told = {
        f"{worker.host}: {worker.stats.trouble}" if len(stats.workers) > 1 else worker.stats.trouble: None
        for worker in stats.workers
        if worker.stats.trouble
    }
    return "   ".join(words for words in (*stats.silent, *told, *stats.unserved) if words)


def _drawn_of(stats: Stats) -> Stats:
    """Return numbers without those that change all the time and that neither the header nor the control bar draws."""
    workers = tuple(replace(one, heartbeat_at=datetime.min) for one in stats.workers)
    return replace(stats, workers=workers, library=LibraryCounts(), marks=LibraryMarks())


class HeaderLine(Line):
    """What is open, on which device the work is done, and whether the database answers."""

    def __init__(self) -> None:
        super().__init__(id="header")
        self._library = ""
        self._stats: Stats | None = None
        self._lost = ""

    def on_mount(self) -> None:
        """Draw the first time."""
        self._draw()

    def on_resize(self) -> None:
        """The right part stands at the right edge."""
        self._draw()

    def show_library(self, name: str) -> None:
        """Name what is open."""
        library = one_line(name, 80)
        if library != self._library:
            self._library = library
            self._draw()

    def show_stats(self, stats: Stats) -> None:
        """Take over fresh numbers; they prove that the database answers."""
        if self._lost or self._stats is None or _drawn_of(stats) != _drawn_of(self._stats):
            self._stats, self._lost = stats, ""
            self._draw()

    def show_lost(self, words: str) -> None:
        """Say that the database does not answer."""
        self._lost = words
        self._draw()

    def _draw(self) -> None:
        parts: list[tuple[str, str]] = []
        if self._stats is not None:
            load, memory = gpu_words(self._stats)
            parts.append((f"GPU0 {load}" if load else "no GPU", "" if load else "$muted"))
            if memory:
                parts.append((memory, ""))
            word = provider_word(self._stats)
            on_cpu = bool(load) and word == "CPU"
            parts.append((word, "$warning" if on_cpu else "$muted" if self._stats.provider is None else ""))
        parts.append((self._lost, "bold $error") if self._lost else ("db ok", "$success"))
        right = Content("   ").join([Content.styled(text, style) for text, style in parts])
        left = Content.assemble((" dtk", "bold $accent"), "  ", (self._library, "bold"))
        room = self.size.width - right.cell_length - 2
        self.show(Content.assemble(left.truncate(max(4, room), ellipsis=True, pad=True), " ", right))


class ControlBar(Vertical):
    """Start, pause, stop, clear; what the worker does, how far it is, and how fast.

    Args:
        keys: the keys of the buttons as people read them, by the id of the command.
        in_keys: gives what a service says with keys in the place of commands of the shell.
    """

    #: The id of a command, what its button says, and the state it asks for.
    BUTTONS: ClassVar[tuple[tuple[str, str, WorkerState | None], ...]] = (
        ("app.start", "Start", WorkerState.RUNNING),
        ("app.pause", "Pause", WorkerState.PAUSED),
        ("app.stop", "Stop", WorkerState.STOPPED),
        ("app.clear", "Clear", None),
        ("app.settings", "Settings", None),
    )
    _COLORS: ClassVar = {
        WorkerState.RUNNING: "$success",
        WorkerState.PAUSED: "$warning",
        WorkerState.STOPPED: "$muted",
    }

    def __init__(self, keys: Mapping[str, str], in_keys: Callable[[str], str]) -> None:
        super().__init__(id="control")
        self._in_keys = in_keys
        self._stats: Stats | None = None
        self._keys = keys
        self._is_brief = False

    def compose(self) -> ComposeResult:
        """Four lines, each repainted on its own, and one that is only there when there is trouble."""
        yield Line(id="buttons")
        yield Line(id="progress")
        yield Line(id="queue-line")
        yield Line(id="speed-line")
        yield Line(id="trouble-line")

    def on_mount(self) -> None:
        """Draw the first time."""
        self.query_one("#trouble-line", Line).display = False
        self._draw()

    def on_resize(self) -> None:
        """The bar fills the width."""
        self._draw()

    def make_brief(self, brief: bool) -> None:
        """Take two lines instead of four, or four again: the second has of both what matters most."""
        if brief != self._is_brief:
            self._is_brief = brief
            self._draw()

    def show_keys(self, keys: Mapping[str, str]) -> None:
        """Take over other keys."""
        self._keys = keys
        self._draw()

    def show_stats(self, stats: Stats) -> None:
        """Take over fresh numbers."""
        if self._stats is None or _drawn_of(stats) != _drawn_of(self._stats):
            self._stats = stats
            self._draw()

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        stats = self._stats
        self.query_one("#buttons", Line).show(self._buttons())
        # What is waited for stands in the line of the speed.
        is_away = stats is not None and bool(stats.away)
        for name, shown in (("#progress", not self._is_brief), ("#speed-line", not self._is_brief or is_away)):
            if (line_of := self.query_one(name, Line)).display != shown:
                line_of.display = shown
        if stats is not None:
            self.query_one("#progress", Line).show(self._progress(stats))
            self.query_one("#queue-line", Line).show(self._brief(stats) if self._is_brief else self._queue(stats))
            self.query_one("#speed-line", Line).show(self._speed(stats))
            self._show_trouble(stats)

    def _buttons(self) -> Content:
        stats = self._stats
        if stats is None:
            return self._row_of_buttons(len(self.BUTTONS), framed=True)
        word = stats.state.value.capitalize()
        if stats.awaited is not None:
            word = f"{word} \u2192 {stats.awaited.value}"
        elif stats.state is WorkerState.RUNNING and not (stats.queue.pending or stats.queue.running):
            word = "Running, nothing to do"
        right = Content.styled(word, f"bold {self._COLORS[stats.state]}")
        room = self.size.width - right.cell_length - 2
        left = self._row_of_buttons(len(self.BUTTONS), framed=True)
        for shown in range(len(self.BUTTONS), 0, -1):  # the state goes before the last buttons
            if left.cell_length > room:
                left = self._row_of_buttons(shown, framed=False)
        gap = max(1, self.size.width - left.cell_length - right.cell_length - 1)
        return Content.assemble(left, " " * gap, right)

    def _row_of_buttons(self, shown: int, *, framed: bool) -> Content:
        parts: list[Content] = []
        for command_id, label, state in self.BUTTONS[:shown]:
            is_desired = self._stats is not None and self._stats.asked == {state}
            key_style, label_style = ("$muted", "$muted") if is_desired else ("bold $accent", "")
            button = Content.assemble((self._keys.get(command_id, ""), key_style), " ", (label, label_style))
            if framed:
                button = Content.assemble(("[", "$muted"), button, ("]", "$muted"))
            parts.append(clickable(button, f"app.command({command_id!r})"))
        return Content.assemble(" ", Content(" " if framed else "  ").join(parts))

    def _progress(self, stats: Stats) -> Content:
        busy = stats.queue.pending + stats.queue.running > 0
        label = f" {int(stats.progress * 100):3d}%" if busy else ""
        room = max(0, self.size.width - len(label) - 2)
        done = round(room * stats.progress) if busy else 0
        color = self._COLORS[stats.state] if busy else "$faint"
        bar = Content.assemble(("\u2501" * done, color), ("\u2501" * (room - done), "$faint"))
        return Content.assemble(" ", bar, label)

    def _queue(self, stats: Stats) -> Content:
        queue = stats.queue
        parts = [Content.assemble(("Queue: ", "$muted"), f"{queue.pending + queue.running:,}")]
        if queue.priority:
            parts[0] = Content.assemble(parts[0], (f" ({queue.priority:,} priority)", "$warning"))
        parts.append(Content.assemble(("Processed: ", "$muted"), f"{stats.processed:,}"))
        parts.append(Content.assemble(("Failed: ", "$muted"), (f"{queue.failed:,}", "$error" if queue.failed else "")))
        return Content.assemble(" ", Content.styled(" \u2502 ", "$faint").join(parts))

    def _brief(self, stats: Stats) -> Content:
        """Return the queue, and of the rest as much as there is room for."""
        queue, total = stats.queue, sum(stats.speed.values())
        busy = queue.pending + queue.running > 0
        first = [("Queue: ", f"{queue.pending + queue.running:,}")]
        if busy:
            first += [("", f"{int(stats.progress * 100)}%"), ("ETA: ", duration(stats.eta_s))]
        if queue.failed:
            first.append(("Failed: ", f"{queue.failed:,}"))
        rest = [("Speed: ", speed(total))] if total else []
        rest += [("Processed: ", f"{stats.processed:,}")]
        for pair in rest:
            if self._joined([*first, pair]).cell_length < self.size.width:
                first.append(pair)
        return self._joined(first)

    def _speed(self, stats: Stats) -> Content:
        if stats.away:
            return self._away(stats)
        cache = "\u2013" if stats.cache_hit_rate is None else f"{stats.cache_hit_rate:.0%}"
        load, _ = gpu_words(stats)
        gpu = f"{load.rsplit(' ', 1)[0]} ({load.rsplit(' ', 1)[1]})" if load.endswith("%") else load or "none"
        total = sum(stats.speed.values())
        pairs = [
            ("Cache: ", cache),
            ("GPU: ", gpu),
            ("Speed: ", speed(total) if total else "\u2013"),
            ("ETA: ", duration(stats.eta_s) if stats.eta_s else "\u2013"),
        ]
        if made := output_words(stats):
            pairs.insert(3, ("Output: ", made))
        content = self._joined(pairs)
        for less in ("GPU: ", "Cache: "):  # the header has the one, and the other changes little
            if content.cell_length > self.size.width:
                pairs = [pair for pair in pairs if pair[0] != less]
                content = self._joined(pairs)
        return content

    @staticmethod
    def _joined(pairs: Sequence[tuple[str, str]]) -> Content:
        parts = [Content.assemble((word, "$muted"), value) for word, value in pairs]
        return Content.assemble(" ", Content.styled(" \u2502 ", "$faint").join(parts))

    def _show_trouble(self, stats: Stats) -> None:
        """Say in a line of its own what keeps the workers from their work; the list below gives way to it."""
        shown, words = self.query_one("#trouble-line", Line), trouble_words(stats)
        if shown.display != bool(words):
            shown.display = bool(words)
        if words:
            key = self._keys.get("app.trouble", "")
            label = clickable(Content.assemble(("Trouble", "bold $warning"), f" ({key}): " if key else ": "), _WHY)
            shown.show(Content.assemble(" ", label, line(self._in_keys(words), "$warning")))

    def _away(self, stats: Stats) -> Content:
        """Say which folder is waited for, in the place of the speed: what else goes on is seen in the line above."""
        first, others = stats.away[0], len(stats.away) - 1
        waits = counted(sum(folder.jobs for folder in stats.away), "job waits", "jobs wait")
        why = f"{one_line(first.reason, 60)}: {waits}" + (f" for it and {counted(others, 'other')}" if others else "")
        room = max(8, self.size.width - len(why) - 8)
        path = one_line(first.path, 400)
        shown = path if len(path) <= room else "\u2026" + path[1 - room :]
        return Content.assemble(" ", ("Away: ", "$muted"), (f"{shown} {why}", "$warning"))
