"""Reading a state dict that torch has saved, without torch: tensors by name, and nothing that a file could run.

Source: torch/serialization.py (the form of before version 1.6: five pickles, then the storages one behind the other).
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import struct
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dtk_tui.errors import ModelError

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_TYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}
#: Bounds: bytes of the file and of all pickles in it, objects that a pickle may number, dimensions of a tensor.
_MOST_BYTES, _MOST_PICKLED, _MOST_OBJECTS, _MOST_DIMENSIONS = 1 << 30, 16 << 20, 1 << 20, 8
#: All that the pickle of a state dict needs: numbers, texts, tuples, dicts, calls of what ``find_class`` lets in.
_OPCODES = frozenset(
    (
        "PROTO",
        "STOP",
        "MARK",
        "NONE",
        "NEWTRUE",
        "NEWFALSE",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG1",
        "BINUNICODE",
        "EMPTY_DICT",
        "EMPTY_LIST",
        "EMPTY_TUPLE",
        "TUPLE",
        "TUPLE1",
        "TUPLE2",
        "TUPLE3",
        "SETITEM",
        "SETITEMS",
        "APPEND",
        "APPENDS",
        "BINPUT",
        "LONG_BINPUT",
        "BINGET",
        "LONG_BINGET",
        "GLOBAL",
        "BINPERSID",
        "REDUCE",
        "BUILD",
    )
)

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    dtype: str
    count: int


@dataclass(frozen=True, slots=True)
class _View:
    """A tensor: where its values stand in a storage, in steps of values."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, storage: Array) -> Array:
        """Return the values, in rows one behind the other; raises ValueError where some lie outside."""
        whole = [*self.shape, *self.strides, self.offset]
        if (
            len(self.shape) != len(self.strides)
            or len(self.shape) > _MOST_DIMENSIONS
            or not all(type(number) is int and number >= 0 for number in whole)
            or math.prod(self.shape) > len(storage)
        ):
            raise ValueError(f"a tensor of shape {self.shape} and strides {self.strides} is none of its storage")
        last = self.offset + sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        if 0 not in self.shape and last >= len(storage):
            raise ValueError("a tensor goes beyond its storage")
        steps = tuple(step * storage.itemsize for step in self.strides)
        start = storage[self.offset :] if 0 not in self.shape else storage[:0]
        return np.array(np.lib.stride_tricks.as_strided(start, self.shape, steps, writeable=False), order="C")


class _Rebuild:
    """Stands for torch's function of that name; it has no attributes that a pickle could set."""

    __slots__ = ()

    def __call__(
        self, storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any
    ) -> _View:
        if not isinstance(storage, _Storage):
            raise pickle.UnpicklingError("a tensor has no storage")
        return _View(storage, offset, tuple(shape), tuple(strides))


class _Unpickler(pickle.Unpickler):
    """Knows ordered dicts, tensors and the names of storage types; everything else is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Rebuild()
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no state dict needs")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, count, part = pid
        if kind != "storage" or dtype not in _TYPES.values() or not isinstance(key, str) or part is not None:
            raise pickle.UnpicklingError("it names a storage in a way that is not known")
        return _Storage(key, dtype, int(count))


def read_state_dict(path: Path) -> dict[str, Array]:
    """Return the tensors of a state dict by name, float32 or int64, in rows one behind the other.

    Raises:
        ModelError: the file is none, is damaged, or asks for anything but tensors.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("it is too large")
        return _read(memoryview(path.read_bytes()))
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, struct.error, RecursionError,
            MemoryError, EOFError, pickle.UnpicklingError) as error:  # fmt: skip
        raise ModelError(f"{path} is not a state dict of torch.", f"{error}.") from error


def _read(data: memoryview) -> dict[str, Array]:
    place = 0
    found: list[Any] = []
    while len(found) < 5:
        value, place = _pickled(data, place)
        found.append(value)
    magic, protocol, system, views, keys = found
    if magic != _MAGIC or protocol != _PROTOCOL or not isinstance(system, dict) or not system.get("little_endian"):
        raise ValueError("its head is another one")
    if not isinstance(views, Mapping) or not isinstance(keys, list) or len(set(keys)) != len(keys):
        raise ValueError("it holds no tensors by name")
    known = {view.storage.key: view.storage for view in views.values() if isinstance(view, _View)}
    storages = {}
    for key in keys:
        storage = known[key]
        (count,) = struct.unpack_from("<q", data, place)
        if count != storage.count:
            raise ValueError("a storage has another length than its tensors say")
        storages[key] = np.frombuffer(data, storage.dtype, count, place + 8)
        place += 8 + storages[key].nbytes
    if place != len(data):
        raise ValueError("something stands behind the last storage")
    return {str(name): view.of(storages[view.storage.key]) for name, view in views.items()}


def _pickled(data: memoryview, place: int) -> tuple[Any, int]:
    """Return what a pickle in the file holds, and where it ends."""
    head = io.BytesIO(data[place : place + _MOST_PICKLED])
    for opcode, argument, _ in pickletools.genops(head):
        if opcode.name not in _OPCODES:
            raise pickle.UnpicklingError(f"its pickle has {opcode.name}, which no state dict needs")
        if opcode.name == "LONG_BINPUT" and int(argument or 0) > _MOST_OBJECTS:
            raise pickle.UnpicklingError("its pickle numbers too many objects")
    end = head.tell()
    return _Unpickler(io.BytesIO(head.getvalue()[:end]), encoding="utf-8").load(), place + end
