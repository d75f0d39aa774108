"""A state dict of torch is read as it is meant, and nothing that a file says is run."""

from __future__ import annotations

import os
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dtk_tui.errors import ModelError
from dtk_tui.inference.conversion.torch_file import read_state_dict
from tests.helpers.torch_files import Storage, Tensor, plain_tensor, state_dict_bytes

_NUMBERS = np.arange(24, dtype=np.float32)


def _written(path: Path, tensors: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Path:
    path.write_bytes(state_dict_bytes(tensors, monkeypatch))
    return path


def test_tensors_are_read_by_offset_and_strides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = Storage("7", _NUMBERS)
    tensors = {
        "plain": plain_tensor("1", _NUMBERS.reshape(2, 3, 4)),
        # As a kernel of TensorFlow that was transposed: its values stand in another order.
        "turned": Tensor(shared, 0, (4, 3, 2), (1, 4, 12)),
        "part": Tensor(shared, 5, (2, 2), (6, 1)),
        "repeated": Tensor(shared, 3, (3, 2), (0, 1)),
        "count": plain_tensor("9", np.array(41, np.int64)),
        "empty": Tensor(shared, 24, (0, 3), (3, 1)),
    }
    found = read_state_dict(_written(tmp_path / "x.pth", tensors, monkeypatch))
    assert {name: value.dtype.name for name, value in found.items()} == {
        "plain": "float32", "turned": "float32", "part": "float32", "repeated": "float32", "count": "int64",
        "empty": "float32",
    }  # fmt: skip
    assert np.array_equal(found["plain"], _NUMBERS.reshape(2, 3, 4))
    assert np.array_equal(found["turned"], _NUMBERS.reshape(2, 3, 4).transpose(2, 1, 0))
    assert found["turned"].flags.c_contiguous
    assert found["part"].tolist() == [[5, 6], [11, 12]]
    assert found["repeated"].tolist() == [[3, 4]] * 3
    assert (found["count"].shape, int(found["count"])) == ((), 41)
    assert found["empty"].shape == (0, 3)


class _Command:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("made-by-the-file",)


class _Reader:
    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (Storage, "key")


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"a": _Command()}, r"asks for \w+.mkdir, which no state dict needs"),
        ({"a": _Reader()}, "asks for (__builtin__|builtins).getattr"),
        ({"a": Tensor(Storage("1", _NUMBERS), 0, (5, 5), (5, 1))}, "is none of its storage"),
        ({"a": Tensor(Storage("1", _NUMBERS), 1, (4, 6), (6, 1))}, "goes beyond its storage"),
        ({"a": Tensor(Storage("1", _NUMBERS), 23, (2,), (-1,))}, "is none of its storage"),
        ({"a": Tensor(Storage("1", _NUMBERS), -1, (2,), (1,))}, "is none of its storage"),
        ({"a": Tensor(Storage("1", _NUMBERS), 0, (1 << 40, 1 << 40), (0, 0))}, "is none of its storage"),
        ({"a": Tensor(Storage("1", _NUMBERS), 0, (1,) * 9, (1,) * 9)}, "is none of its storage"),
        ({"a": "a text"}, "is not a state dict"),
        ({"a": 1.5}, "its pickle has BINFLOAT"),
    ],
)
def test_what_is_no_tensor_is_refused(
    tensors: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _written(tmp_path / "x.pth", tensors, monkeypatch)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"x\.pth is not a state dict of torch") as refused:
        read_state_dict(path)
    assert re.search(said, f"{refused.value.title} {refused.value.detail}")
    assert sorted(os.listdir(tmp_path)) == ["x.pth"]


def test_damaged_and_hostile_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = state_dict_bytes({"a": plain_tensor("1", _NUMBERS)}, monkeypatch)
    # A pickle that numbers an object beyond all memory; one that never ends; a storage that is longer than the file.
    bomb = b"\x80\x02}r\xff\xff\xff\xff."
    longer = whole[:-104] + (1 << 40).to_bytes(8, "little") + whole[-96:]
    for data in (b"", b"PK\x03\x04", whole[:-1], whole + b"x", whole[:200], bomb, b"\x80\x02" + b"(" * 5000, longer,
                 pickle.dumps({"a": 1})):  # fmt: skip
        path = tmp_path / "x.pth"
        path.write_bytes(data)
        with pytest.raises(ModelError, match="is not a state dict of torch"):
            read_state_dict(path)
