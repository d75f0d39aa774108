"""Batch sizes and half precision as they are measured on a device, with a clock and a device that the test makes up."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dtk_tui.errors import ModelError
from dtk_tui.inference import manifest
from dtk_tui.inference.devices import measured, session
from dtk_tui.inference.devices.half_precision import write_half
from dtk_tui.inference.devices.measured import Measured
from dtk_tui.inference.devices.provider import CPU, CUDA, Placement
from dtk_tui.inference.devices.session import DeviceMemoryError
from dtk_tui.inference.devices.tuning import (
    batch_rates,
    best_batch,
    made_up_pictures,
    score_difference,
    vector_difference,
)
from dtk_tui.inference.image_embedder import ImageEmbedder
from dtk_tui.inference.manifest import Manifest
from dtk_tui.inference.model_spec import ImageInput, ModelFile, ModelSpec
from tests.helpers.tiny_onnx import save_onnx


class Device:
    """A device whose runs take as long as the test says, by a clock of its own."""

    def __init__(self, seconds: Callable[[int], float], memory: int = 10_000, only: int | None = None) -> None:
        self.now = 0.0
        self.tried: list[int] = []
        self._seconds, self._memory, self._only = seconds, memory, only

    def run(self, size: int) -> None:
        if self._only is not None and size != self._only:
            raise ModelError("Got invalid dimensions for input.")
        if size > self._memory:
            raise DeviceMemoryError("out of memory")
        self.now += self._seconds(size)
        if size not in self.tried:
            self.tried.append(size)

    def rates(self, most: int = 512, has_room: Callable[[], bool] = lambda: True) -> dict[int, float]:
        return batch_rates(self.run, most=most, clock=lambda: self.now, has_room=has_room)


def test_batches_grow_until_speed_does_not() -> None:
    device = Device(lambda size: max(size, 32) / 1000)
    rates = device.rates()
    assert device.tried == [1, 2, 4, 8, 16, 32, 64, 128], "two larger ones brought nothing"
    assert best_batch(rates) == 32 and rates[32] == pytest.approx(1000)
    uneven = Device(lambda size: {1: 1.0, 2: 2.0}.get(size, 1.0))
    assert best_batch(uneven.rates(64)) == 64, "one size that brings nothing does not end it"
    assert best_batch(Device(lambda size: size / 100).rates()) == 1, "a processor that is busy with one"


def test_memory_bounds_a_batch() -> None:
    assert best_batch(Device(lambda size: 1.0, memory=20).rates()) == 16
    assert best_batch(Device(lambda size: 1.0, only=1).rates()) == 1, "a model that takes one picture at a time"
    assert best_batch(Device(lambda size: 1.0, memory=0).rates()) is None
    device = Device(lambda size: 1.0)
    assert best_batch(device.rates(has_room=lambda: device.tried[-1] < 8)) == 8
    assert max(Device(lambda size: 1.0).rates(most=100)) == 64


def test_differences_are_judged_by_what_they_do() -> None:
    unit = np.eye(2, 3, dtype=np.float32)
    assert vector_difference(unit, unit) is None
    assert vector_difference(unit, unit[::-1]) == "its vectors differ (cosine 0.0000)"
    assert score_difference(unit, unit + 0.01) is None
    assert score_difference(unit, unit - 0.05) == "its scores differ by up to 0.050"
    pictures = made_up_pictures(3, (8, 6, 3))
    assert pictures.shape == (3, 8, 6, 3) and pictures.dtype == np.uint8
    assert np.array_equal(pictures, made_up_pictures(3, (8, 6, 3))) and not np.array_equal(pictures[0], pictures[1])


# -- a model ----------------------------------------------------------------------------------------------------------

SPEC = ModelSpec(
    "tiny",
    "Tiny",
    "image-embedder",
    "hub",
    "MIT",
    "m.onnx",
    (ModelFile("m.onnx", origin="m.onnx"),),
    repository="x/y",
    dims=3,
    image=ImageInput(4, "nchw", "rgb", "squash", "bilinear"),
    gpu_batch=7,
    cpu_batch=5,
)


def _write(path: Path, kind: int, *factors: float, batch: int | str = "n") -> None:
    """Write a model that gives the mean of each channel times a factor."""
    from onnx import helper, numpy_helper

    nodes = [
        helper.make_node("ReduceMean", ["picture"], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("Mul", ["means", "factors"], ["found"]),
    ]
    ends = [
        helper.make_tensor_value_info("picture", kind, [batch, 3, 4, 4]),
        helper.make_tensor_value_info("found", kind, [batch, 3]),
    ]
    values = np.array(factors or (1, 1, 1), helper.tensor_dtype_to_np_dtype(kind))
    save_onnx(path, nodes, ends[:1], ends[1:], [numpy_helper.from_array(values, "factors")])


@pytest.fixture
def on_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions that say they run on a GPU."""
    monkeypatch.setattr(session, "placement_of", lambda running, device: Placement(CUDA))


def _opened(folder: Path) -> ImageEmbedder:
    return ImageEmbedder(SPEC, folder, 1)


@pytest.mark.parametrize(
    ("factors", "is_half", "words"),
    [
        ((1, 1, 1), True, ""),
        ((60_000, 60_000, 60_000), False, "it cannot be used (The model gave a vector that is zero or not finite.)"),
        ((1, -1, 1), False, "its vectors differ (cosine "),
    ],
)
def test_half_precision_is_taken_where_it_gives_the_same(
    tmp_path: Path, on_gpu: None, factors: tuple[float, ...], is_half: bool, words: str
) -> None:
    from onnx import TensorProto as Kind

    _write(tmp_path / "tiny" / "m.onnx", Kind.FLOAT)
    _write(tmp_path / "tiny" / "m_fp16.onnx", Kind.FLOAT16, *factors)
    first = _opened(tmp_path)
    assert not first.is_half
    first.tune(with_batch=False)
    assert first.is_half == is_half and first.measured.difference.startswith(words)
    assert (first.notice is None) == is_half
    assert is_half or (first.notice and first.notice.startswith("tiny runs in single precision: in half precision it"))
    batch = np.zeros((1, 4, 4, 3), np.uint8)
    batch[..., 1] = 9
    assert np.allclose(first.infer(batch), [[0, 1, 0]], atol=1e-3)
    first.close()
    again = _opened(tmp_path)
    again.synthetic_run = _never  # type: ignore[method-assign]
    again.tune(with_batch=False)
    assert again.is_half == is_half and again.measured == first.measured, "it is remembered"
    again.close()
    _write(tmp_path / "tiny" / "m_fp16.onnx", Kind.FLOAT16, 2, 2, 2)
    other = _opened(tmp_path)
    assert other.measured == Measured(), "another file is another matter"
    other.close()


def _never(count: int) -> np.ndarray:
    raise AssertionError(f"{count} were inferred")


def test_a_half_that_does_not_load_leaves_the_whole(tmp_path: Path, on_gpu: None) -> None:
    from onnx import TensorProto as Kind

    _write(tmp_path / "tiny" / "m.onnx", Kind.FLOAT)
    (tmp_path / "tiny" / "m_fp16.onnx").write_bytes(b"no model")
    embedder = _opened(tmp_path)
    embedder.tune(with_batch=False)
    assert not embedder.is_half and "cannot be used" in embedder.measured.difference
    assert embedder.infer(np.ones((1, 4, 4, 3), np.uint8)).shape == (1, 3)
    embedder.close()


@pytest.mark.parametrize("batch", [1, 3])
def test_a_graph_of_a_fixed_batch_is_given_any_number(tmp_path: Path, on_gpu: None, batch: int) -> None:
    from onnx import TensorProto as Kind

    pictures = made_up_pictures(7, (4, 4, 3))
    _write(tmp_path / "loose" / "tiny" / "m.onnx", Kind.FLOAT)
    loose = _opened(tmp_path / "loose")
    expected = loose.infer(pictures)
    loose.close()
    _write(tmp_path / "tiny" / "m.onnx", Kind.FLOAT, batch=batch)
    _write(tmp_path / "tiny" / "m_fp16.onnx", Kind.FLOAT16, batch=batch)
    embedder = _opened(tmp_path)
    assert embedder.batch_size == batch and np.allclose(embedder.infer(pictures), expected, atol=1e-6)
    embedder.tune()
    assert embedder.is_half and embedder.measured.batch is None, "nothing is to be measured of its batch"
    assert embedder.batch_size == batch and np.allclose(embedder.infer(pictures), expected, atol=2e-3)
    assert np.allclose(embedder.infer(pictures[:1]), expected[:1], atol=2e-3)
    embedder.close()


def test_a_batch_is_measured_on_gpus_once_and_on_processors_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onnx import TensorProto as Kind

    _write(tmp_path / "tiny" / "m.onnx", Kind.FLOAT)
    device = Device(lambda size: max(size, 16) / 1000)
    plain = ImageEmbedder.synthetic_run

    def timed(self: ImageEmbedder, count: int) -> np.ndarray:
        device.run(count)
        return plain(self, count)

    monkeypatch.setattr(ImageEmbedder, "synthetic_run", timed)
    on_cpu = _opened(tmp_path)
    on_cpu.tune(clock=lambda: device.now)
    assert device.tried == [] and on_cpu.batch_size == 5, "the manifest's"
    on_cpu.tune(is_asked=True, clock=lambda: device.now)
    assert on_cpu.batch_size == 16 and device.tried == [1, 2, 4, 8, 16, 32, 64]
    assert on_cpu.infer(np.ones((2, 4, 4, 3), np.uint8)).shape == (2, 3), "it is loaded again"
    on_cpu.close()
    device.tried.clear()
    monkeypatch.setattr(session, "placement_of", lambda running, device: Placement(CUDA))
    for place, tried in ((CUDA, [1, 2, 4, 8, 16, 32, 64]), (CUDA, [])):
        device.tried.clear()
        embedder = _opened(tmp_path)
        embedder.tune(clock=lambda: device.now)
        assert (embedder.placement.provider, device.tried, embedder.batch_size) == (place, tried, 16)
        embedder.close()
    monkeypatch.setattr(session, "placement_of", lambda running, device: Placement(CPU))
    remembered = _opened(tmp_path)
    assert remembered.batch_size == 16
    remembered.close()


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"k": 7}', '{"k": {"batch": 99999, "rates": {"1": "x"}}}', "[" * 9000]
)
def test_a_record_that_is_damaged_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / measured.RECORD).write_text(text)
    assert measured.read(tmp_path, "k") == Measured()
    measured.write(tmp_path, "k", Measured(batch=8, rates={"8": 1.5}))
    measured.write(tmp_path, "other", Measured(is_half_same=False, difference="it differs"))
    assert measured.read(tmp_path, "k") == Measured(batch=8, rates={"8": 1.5})
    assert set(json.loads((tmp_path / measured.RECORD).read_text())) >= {"k", "other"}


def test_a_model_is_written_in_half_precision(tmp_path: Path, on_gpu: None) -> None:
    import onnx

    _write(tmp_path / "tiny" / "m.onnx", onnx.TensorProto.FLOAT)
    path = write_half(SPEC, tmp_path)
    assert path == tmp_path / "tiny" / "m_fp16.onnx"
    kinds: set[Any] = {one.data_type for one in onnx.load(str(path)).graph.initializer}
    assert onnx.TensorProto.FLOAT16 in kinds and onnx.TensorProto.FLOAT not in kinds
    embedder = _opened(tmp_path)
    embedder.tune(with_batch=False)
    assert embedder.is_half
    embedder.close()
    (tmp_path / "tiny" / "m.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="half precision"):
        write_half(SPEC, tmp_path)


def test_the_command_measures_and_remembers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import onnx

    from dtk_tui.cli import models

    _write(tmp_path / "tiny" / "m.onnx", onnx.TensorProto.FLOAT)
    monkeypatch.setattr(manifest, "load_manifest", lambda _: Manifest((SPEC,)))
    monkeypatch.setattr(ImageEmbedder, "_most", 2)
    monkeypatch.setenv("DTK_MODELS", str(tmp_path))
    monkeypatch.setenv("DTK_HOME", str(tmp_path))
    models.measure(["tiny"], half=True, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert list(told) == ["name", "device", "precision", "batch", "rates", "half_differs"]
    assert told["batch"] in (1, 2) and list(told["rates"]) == ["1", "2"]
    assert (tmp_path / "tiny" / "m_fp16.onnx").is_file() and (tmp_path / "tiny" / measured.RECORD).is_file()
    models.measure(["tiny"], half=False, as_json=False)
    assert capsys.readouterr().out.startswith(f"tiny: {told['precision']} precision, batches of ")
