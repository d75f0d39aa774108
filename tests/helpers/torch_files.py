"""Files as torch wrote them before version 1.6, made without torch."""

from __future__ import annotations

import io
import pickle
import struct
import sys
from collections import OrderedDict
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
import pytest

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


class FloatStorage:
    """Stands for torch's type of that name."""


class LongStorage:
    """Stands for torch's type of that name."""


def _rebuild_tensor_v2(*_: Any) -> None:
    """Stands for torch's function of that name; it is written, never called."""


class Storage:
    """Values that tensors share."""

    def __init__(self, key: str, values: np.ndarray) -> None:
        self.key, self.values = key, values


class Tensor:
    """A view of a storage, as it is pickled; offset and strides count values."""

    def __init__(self, storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_tensor_v2, (self.storage, self.offset, self.shape, self.strides, False, OrderedDict())


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, Storage):
            return None
        kind = LongStorage if obj.values.dtype == np.int64 else FloatStorage
        return "storage", kind, obj.key, "cpu", obj.values.size, None


def state_dict_bytes(tensors: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Return the file of a state dict; a value that is no Tensor is pickled as it is."""
    torch, inner = ModuleType("torch"), ModuleType("torch._utils")
    for module, name, value in (
        (torch, "FloatStorage", FloatStorage),
        (torch, "LongStorage", LongStorage),
        (inner, "_rebuild_tensor_v2", _rebuild_tensor_v2),
    ):
        setattr(module, name, value)
        monkeypatch.setattr(value, "__module__", module.__name__)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    named = OrderedDict(tensors)
    named._metadata = OrderedDict(version=1)  # type: ignore[attr-defined]
    storages = {one.storage.key: one.storage for one in tensors.values() if isinstance(one, Tensor)}
    system = {"protocol_version": _PROTOCOL, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    out = io.BytesIO()
    for value in (_MAGIC, _PROTOCOL, system, named, sorted(storages)):
        _Pickler(out, protocol=2).dump(value)
    for key in sorted(storages):
        out.write(struct.pack("<q", storages[key].values.size) + storages[key].values.tobytes())
    return out.getvalue()


def plain_tensor(key: str, values: np.ndarray) -> Tensor:
    """Return a tensor that is the whole of a storage of its own."""
    strides = tuple(step // values.itemsize for step in values.strides)
    return Tensor(Storage(key, values.reshape(-1)), 0, values.shape, strides)
