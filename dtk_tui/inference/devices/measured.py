"""What was found out about a model on a device: whether half precision does, and which batch is fast enough.

It stands in a file in the model's folder, under the weights, the device and the version of ONNX Runtime that it holds
for: hosts that share the folder share it too, and anything else is measured anew.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from dtk_tui.atomic_file import write_whole

RECORD = "measured.json"
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of a model on a device.

    Attributes:
        is_half_same: whether it gives the same in half precision; None where that was not tried.
        difference: why not, as the end of a sentence.
        batch: items a batch; None where that was not measured.
        rates: items a second by batch size.
    """

    is_half_same: bool | None = None
    difference: str = ""
    batch: int | None = None
    rates: dict[str, float] = field(default_factory=dict)


def read(home: Path, key: str) -> Measured:
    """Return what is known under a key; nothing where the file is not there or cannot be understood."""
    found = _read_all(home).get(key)
    if not isinstance(found, dict):
        return Measured()
    half, batch, rates = found.get("is_half_same"), found.get("batch"), found.get("rates")
    pairs = rates.items() if isinstance(rates, dict) else ()
    return Measured(
        is_half_same=half if isinstance(half, bool) else None,
        difference=str(found.get("difference") or "")[:300],
        batch=batch if isinstance(batch, int) and 1 <= batch <= 1024 else None,
        rates={str(size): float(rate) for size, rate in pairs if isinstance(rate, int | float)},
    )


def write(home: Path, key: str, measured: Measured) -> None:
    """Keep what is known; where the folder may not be written to, it is measured again the next time."""
    entries = _read_all(home) | {key: asdict(measured)}
    with suppress(OSError):
        write_whole(home / RECORD, json.dumps(entries, indent=1, sort_keys=True).encode(), 0o644)


def _read_all(home: Path) -> dict[str, object]:
    try:
        with (home / RECORD).open("rb") as file:
            raw = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return {str(key): value for key, value in raw.items()} if isinstance(raw, dict) else {}
