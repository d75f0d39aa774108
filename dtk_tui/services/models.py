"""The models that the config uses: which are on this machine, and getting the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from dtk_tui.config import Config
from dtk_tui.domain.events import Emit, PullFinished, PullProgressed
from dtk_tui.errors import DtkError
from dtk_tui.services.background import BackgroundTask

#: Progress is told so often, in seconds: faster than that nobody reads.
_TELL_S = 0.2


@dataclass(frozen=True, slots=True)
class NeededModel:
    """A model that the config uses.

    Attributes:
        role: e.g. ``tagger``; empty where nothing is known of the model.
        source: where its files come from: ``pypi``, ``hub``, or ``local`` for one that a person added.
        size: bytes, None when unknown.
        fault: why its entry cannot be used; empty where it can.
    """

    name: str
    role: str = ""
    source: str = ""
    size: int | None = None
    is_here: bool = False
    fault: str = ""


def needed(config: Config) -> list[NeededModel]:
    """Return the models that the config uses, with their text towers, in the order in which they are fetched."""
    from dtk_tui.inference.manifest import load_manifest
    from dtk_tui.inference.model_files import states

    manifest = load_manifest(config.paths.models)
    known = {state.spec.name: state for state in states(manifest, config.paths.models)}
    found: dict[str, NeededModel] = {}
    for name, _ in config.settings.models.in_use:
        try:
            specs = manifest.select([name])
        except DtkError as error:
            found.setdefault(name, NeededModel(name, fault=error.title))
            continue
        for spec in specs:
            state = known[spec.name]
            found[spec.name] = NeededModel(spec.name, spec.role, spec.source, state.size, state.is_installed)
    return list(found.values())


class _StoppedError(Exception):
    """Nobody wants the models any more."""


class ModelPull(BackgroundTask):
    """Gets models beside everything else, one after the other; what has arrived when it is stopped is gone on from.

    Args:
        names: of the models.

    Attributes:
        name: the model that is under way, or was last; empty before the first.
        step: what is done with it, e.g. ``download``.
        done, total: bytes of that step; total None when unknown.
        fetched: the models that were not here.
        is_done: whether it is over, well or not.
    """

    def __init__(self, config: Config, names: Sequence[str], emit: Emit) -> None:
        super().__init__("download of the models", emit)
        self.name = self.step = ""
        self.done = 0
        self.total: int | None = None
        self.fetched: list[str] = []
        self.is_done = False
        self._config = config
        self._names = names
        self._told = 0.0

    @property
    def was_stopped(self) -> bool:
        """Whether somebody asked it to end."""
        return self._stop_asked.is_set()

    def _work(self) -> None:
        from dtk_tui.inference.manifest import load_manifest
        from dtk_tui.inference.pull import pull

        folder = self._config.paths.models
        try:
            for spec in load_manifest(folder).select(self._names):
                self.name = spec.name
                self._progress("begin", 0, None)
                if pull(spec, folder, self._progress):
                    self.fetched.append(spec.name)
        except _StoppedError:
            return

    def _progress(self, step: str, done: int, total: int | None) -> None:
        if self._stop_asked.is_set():
            raise _StoppedError
        is_new = step != self.step
        self.step, self.done, self.total = step, done, total
        if is_new or monotonic() - self._told > _TELL_S:
            self._told = monotonic()
            self._emit(PullProgressed(self.name, step, done, total))

    def _ended(self) -> None:
        self.is_done = True
        self._emit(PullFinished())
