"""The state of one lane: what waits for its threads, and what was claimed for it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from dtk_tui.domain.job import Kind
from dtk_tui.services.worker.handlers.base import JobHandler, Lane, Loaded, Prompt
from dtk_tui.services.worker.priority_buffer import PriorityBuffer

#: In lanes that run no models here, what waits is bounded by what is claimed: a loader must not wait for a server.
_UNBOUNDED = 1 << 30


class LaneState:
    """The buffer in front of a lane's threads; ``PipelineState`` guards the other attributes.

    Attributes:
        kinds: what is done in this lane.
        threads: how many threads infer.
        batch_sizes: the most images in a batch of each kind.
        depth: how many claimed jobs are enough to keep every stage busy.
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
        if self.on_devices:
            self.depth = max(4 * self.largest, 2 * decode_threads, 32)
            # Room for a batch of each kind, for the one that follows, and for what is being decoded.
            limit = sum(batch_sizes.values()) + self.largest + decode_threads
        else:
            self.depth = 4 * self.largest * self.threads
            limit = _UNBOUNDED
        self._decode_threads = decode_threads
        self.buffer: PriorityBuffer[Loaded | Prompt] = PriorityBuffer(limit)
        self.in_flight: set[int] = set()
        self.busy_since = time.monotonic()

    def depth_of(self, kind: Kind) -> int:
        """Return how many jobs of one kind alone are enough to keep every stage busy."""
        if self.on_devices:
            return max(4 * self.batch_sizes[kind], 2 * self._decode_threads)
        return 4 * self.batch_sizes[kind] * self.threads

    def least_claim(self, kind: Kind | None) -> int:
        """Return for how many jobs a claim is worth it; of one kind, or of all."""
        return max(1, (self.depth if kind is None else self.depth_of(kind)) // 4)

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
