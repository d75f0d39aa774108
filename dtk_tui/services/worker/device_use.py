"""How busy the GPUs of this host are, summed up between two looks, for the sums of each day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dtk_tui.domain.queue import DeviceUse

#: A longer time between two looks, as while the database is away or the host sleeps, is one in which nobody looked.
_UNSEEN_S = 10.0


class DeviceUseMeter:
    """Sums of the GPUs' load since ``clear``."""

    def __init__(self) -> None:
        self._looked_at: float | None = None
        self._uses: dict[int, DeviceUse] = {}

    def look(self, gpus: Sequence[Mapping[str, object]], now: float) -> None:
        """Take a report of the GPUs (``inference.devices.provider.gpu_report``) for the time since the last one.

        Args:
            now: seconds of a monotonic clock.
        """
        since = 0.0 if self._looked_at is None else now - self._looked_at
        self._looked_at = now
        seconds = since if since <= _UNSEEN_S else 0.0
        for device, gpu in enumerate(gpus):
            load, peak = _number(gpu.get("utilisation")), _number(gpu.get("memory_used_gb"))
            if load is None and peak is None:
                continue
            name = str(gpu.get("name") or "GPU")
            before = self._uses.get(device) or DeviceUse(device, name, 0.0, 0.0, None, None)
            observed = seconds if load is not None else 0.0
            peaks = [one for one in (peak, before.memory_peak_gb) if one is not None]
            self._uses[device] = DeviceUse(
                device,
                name,
                before.observed_s + observed,
                before.busy_s + observed * (load or 0.0) / 100,
                max(peaks, default=None),
                _number(gpu.get("memory_total_gb")),
            )

    @property
    def uses(self) -> tuple[DeviceUse, ...]:
        """What was seen of each GPU; empty without one."""
        return tuple(self._uses.values())

    def clear(self) -> None:
        """Begin anew, as what was seen has been kept."""
        self._uses.clear()


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
