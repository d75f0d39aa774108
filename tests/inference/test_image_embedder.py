from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dtk_tui.errors import ModelError
from dtk_tui.inference.image_embedder import ImageEmbedder
from dtk_tui.inference.model_spec import ImageInput, ModelFile, ModelSpec
from tests.helpers.drawn_images import scene
from tests.helpers.tiny_onnx import save_onnx


def test_a_crop_is_nearest_to_its_original(dinov2: ImageEmbedder, tmp_path: Path) -> None:
    for kind in range(4):
        scene(kind).save(tmp_path / f"whole{kind}.png")
        scene(kind).crop((40, 40, 470, 470)).save(tmp_path / f"crop{kind}.jpg", quality=80)
    wholes = dinov2.infer(np.stack([dinov2.load(str(tmp_path / f"whole{k}.png")) for k in range(4)]))
    crops = dinov2.infer(np.stack([dinov2.load(str(tmp_path / f"crop{k}.jpg")) for k in range(4)]))
    near = crops @ wholes.T
    assert near.argmax(axis=1).tolist() == [0, 1, 2, 3]
    assert np.all(np.diag(near) > 0.7)


def test_vectors_are_unit_float32_and_do_not_depend_on_the_batch(dinov2: ImageEmbedder, tmp_path: Path) -> None:
    rows = []
    for kind in range(3):
        path = tmp_path / f"{kind}.png"
        scene(kind).save(path)
        rows.append(dinov2.load(str(path)))
    batch = np.stack(rows)
    assert (batch.shape, batch.dtype) == ((3, *dinov2.input_shape), np.uint8)
    together = dinov2.infer(batch)
    assert together.shape == (3, 384)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-6)
    alone = np.concatenate([dinov2.infer(batch[i : i + 1]) for i in range(3)])
    assert np.all((together * alone).sum(axis=1) > 0.9999)
    assert dinov2.infer(batch[:0]).shape == (0, 384)


def test_loading_on_many_threads_gives_what_one_gives(dinov2: ImageEmbedder, tmp_path: Path) -> None:
    paths = []
    for kind in range(4):
        paths.append(str(tmp_path / f"{kind}.png"))
        scene(kind).save(paths[-1])
    one = [dinov2.load(path) for path in paths]
    with ThreadPoolExecutor(4) as pool:
        many = list(pool.map(dinov2.load, paths * 5))
    assert all(np.array_equal(a, one[i % 4]) for i, a in enumerate(many))


def test_the_cut_graph_gives_the_tokens_of_the_whole_one(
    dinov2: ImageEmbedder, starter: Callable[[str], ModelSpec], models: Path, tmp_path: Path
) -> None:
    import onnx
    import onnxruntime

    spec = starter("dinov2-small")
    assert spec.cut is not None
    whole = onnx.load(str(models / spec.name / spec.cut.file))
    whole.graph.output.append(onnx.helper.make_tensor_value_info(spec.cut.output, onnx.TensorProto.FLOAT, None))
    onnx.save(whole, str(tmp_path / "whole.onnx"))
    session = onnxruntime.InferenceSession(str(tmp_path / "whole.onnx"), providers=["CPUExecutionProvider"])
    batch = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3), np.uint8)
    image = dinov2.image
    values = ((batch / image.divide - image.mean) / image.std).transpose(0, 3, 1, 2).astype(np.float32)
    token = session.run([spec.cut.output], {session.get_inputs()[0].name: values})[0][:, 0]
    expected = token / np.linalg.norm(token)
    assert np.allclose(dinov2.infer(batch), expected, atol=1e-5)


def _tiny(folder: Path, *, half: bool = False, edge: int | str = 4) -> ModelSpec:
    """A model that gives the mean of each channel."""
    from onnx import TensorProto as Kind
    from onnx import helper

    kind = Kind.FLOAT16 if half else Kind.FLOAT
    save_onnx(
        folder / "tiny" / "m.onnx",
        [helper.make_node("ReduceMean", ["picture"], ["means"], axes=[2, 3], keepdims=0)],
        [helper.make_tensor_value_info("picture", kind, ["n", 3, edge, edge])],
        [helper.make_tensor_value_info("means", kind, ["n", 3])],
        [],
    )
    image = ImageInput(4, "nchw", "rgb", "squash", "bilinear")
    files = (ModelFile("m.onnx", origin="m.onnx"),)
    return ModelSpec(
        "tiny", "Tiny", "image-embedder", "hub", "MIT", "m.onnx", files, repository="x/y", dims=3, image=image
    )


@pytest.mark.parametrize("half", [False, True])
def test_another_export_is_fed_what_it_takes(tmp_path: Path, half: bool) -> None:
    embedder = ImageEmbedder(_tiny(tmp_path, half=half, edge="edge"), tmp_path, 1)
    batch = np.zeros((2, 4, 4, 3), np.uint8)
    batch[0, ..., 0], batch[1, ..., 1], batch[1, ..., 2] = 2, 3, 4
    vectors = embedder.infer(batch)
    assert vectors.dtype == np.float32
    assert np.allclose(vectors, [[1, 0, 0], [0, 0.6, 0.8]], atol=1e-3)
    embedder.close()


def test_a_vector_of_nothing_is_an_error_and_not_nan(tmp_path: Path) -> None:
    embedder = ImageEmbedder(_tiny(tmp_path), tmp_path, 1)
    with pytest.raises(ModelError, match="zero or not finite"):
        embedder.infer(np.zeros((1, 4, 4, 3), np.uint8))
    embedder.close()


def test_a_model_of_another_shape_than_the_manifest_says_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="shape"):
        ImageEmbedder(_tiny(tmp_path, edge=8), tmp_path, 1)


def test_the_batch_fits_the_device(dinov2: ImageEmbedder, starter: Any) -> None:
    spec = starter("dinov2-small")
    assert dinov2.batch_size == (spec.gpu_batch if dinov2.placement.on_gpu else spec.cpu_batch)
