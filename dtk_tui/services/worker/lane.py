"""The state of one lane: what waits for its threads, and what was claimed for it."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence

from dtk_tui.domain.job import Kind
from dtk_tui.services.worker.handlers.base import JobHandler, Lane, Loaded, Prompt
from dtk_tui.services.worker.priority_buffer import PriorityBuffer

#: In lanes that run no models here, what waits is bounded by what is claimed: a loader must not wait for a server.
_UNBOUNDED = 1 << 30
#: So long what is claimed lasts a fast lane: a transaction for each batch of a fast model costs as much as the batch.
_AHEAD_S = 2.0
_MOST_AHEAD = 1024
#: Over so long, at least, the speed is taken.
_SPAN_S = 1.0


class LaneState:
    """The buffer in front of a lane's threads; ``PipelineState`` guards the other attributes.

    Attributes:
        kinds: what is done in this lane.
        threads: how many threads infer.
        batch_sizes: the most images in a batch of each kind.
        in_flight: ids of jobs that are claimed and not ended.
        busy_since: when ``in_flight`` was last empty (monotonic seconds).
    """

    def __init__(self, lane: Lane, batch_sizes: Mapping[Kind, int], *, devices: int, decode_threads: int) -> None:
        self.name = lane.name
        self.on_devices = lane.threads is None
        self.threads = devices if lane.threads is None else lane.threads
        self.kinds = tuple(batch_sizes)
        self.batch_sizes = batch_sizes
        self.largest = max(batch_sizes.values())
        self._decode_threads = decode_threads
        # Room for a batch of each kind, for the one that follows, and for what is being decoded.
        limit = sum(batch_sizes.values()) + self.largest + decode_threads if self.on_devices else _UNBOUNDED
        self.buffer: PriorityBuffer[Loaded | Prompt] = PriorityBuffer(limit)
        self.in_flight: set[int] = set()
        self.busy_since = self._counted_from = time.monotonic()
        self._ended = 0
        self._jobs_per_s = 0.0

    def depth(self, kind: Kind | None = None) -> int:
        """Return how many claimed jobs are enough to keep every stage busy; of one kind alone, or of all."""
        largest = self.largest if kind is None else self.batch_sizes[kind]
        if self.on_devices:
            least = max(4 * largest, 2 * self._decode_threads, 32 if kind is None else 0)
        else:  # what is asked for, and what follows: the rest is for others, who may be quicker
            least = 2 * largest * self.threads
        return max(least, min(int(_AHEAD_S * self._jobs_per_s), _MOST_AHEAD))

    def least_claim(self, kind: Kind | None = None) -> int:
        """Return for how many jobs a transaction is worth it; arguments as ``depth``."""
        return max(1, self.depth(kind) // (4 if self.on_devices else 2))

    def end(self, ids: Collection[int]) -> None:
        """Note that jobs ended; those of other lanes are passed over."""
        before = len(self.in_flight)
        self.in_flight.difference_update(ids)
        self._ended += before - len(self.in_flight)
        now = time.monotonic()
        if now >= self._counted_from + _SPAN_S:
            self._jobs_per_s = self._ended / (now - self._counted_from)
            self._ended, self._counted_from = 0, now

    @property
    def is_idle(self) -> bool:
        """Whether nothing that was claimed is unfinished."""
        return not self.in_flight


def lanes_of(
    handlers: Mapping[Kind, JobHandler], *, devices: int, decode_threads: int, batch_size: int | None
) -> Sequence[LaneState]:
    """Return the lanes of some handlers.

    Args:
        batch_size: of all kinds that run on devices, in place of what their models ask for.
    """
    sizes: dict[Lane, dict[Kind, int]] = {}
    for kind, handler in handlers.items():
        on_devices = handler.lane.threads is None
        sizes.setdefault(handler.lane, {})[kind] = (batch_size if on_devices else None) or handler.batch_size
    return [LaneState(lane, of_lane, devices=devices, decode_threads=decode_threads) for lane, of_lane in sizes.items()]
