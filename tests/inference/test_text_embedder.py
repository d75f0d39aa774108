from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dtk_tui.errors import ModelError
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_spec import ModelFile, ModelSpec, TextInput
from dtk_tui.inference.text_embedder import TextEmbedder
from tests.helpers.tiny_onnx import save_onnx


def test_meaning_shows_in_the_distances(minilm: TextEmbedder) -> None:
    vectors = minilm.embed(["a dog runs across the meadow", "a puppy playing in the grass", "a red car in a garage"])
    near = vectors @ vectors.T
    assert near[0, 1] > near[0, 2] + 0.1
    assert near[0, 1] > near[1, 2] + 0.1


def test_vectors_are_unit_float32_in_the_order_of_the_texts(minilm: TextEmbedder) -> None:
    texts = ["word " * n for n in (50, 1, 200, 7, 120, 3)]
    vectors = minilm.embed(texts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (6, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    for row, text in enumerate(texts):
        assert float(minilm.embed([text])[0] @ vectors[row]) > 0.9999


def test_a_text_has_the_same_vector_whatever_its_batch(minilm: TextEmbedder) -> None:
    text = "masterpiece, 1girl, long hair, standing in a field of flowers, sunset"
    alone = minilm.embed([text])[0]
    crowds = (["x"] * 7, ["a much longer text about mountains and rivers " * 20] * 3, ["cat", "(((dog)))", ""])
    for crowd in crowds:
        assert float(minilm.embed([*crowd, text])[-1] @ alone) > 0.9999


def test_no_texts_and_empty_texts_are_no_fault(minilm: TextEmbedder) -> None:
    assert minilm.embed([]).shape == (0, 384)
    assert np.all(np.isfinite(minilm.embed(["", " ", "\x00", "\udcff"])))


def test_the_identity_of_the_weights_is_known(minilm: TextEmbedder) -> None:
    assert minilm.sha256 == load_manifest().get("minilm-l6-v2").files[0].sha256


def _tiny(folder: Path, pooling: Any, *, prefix: str = "", names: tuple[str, ...], int32: bool = False) -> ModelSpec:
    """A model whose state of a token is (id, id squared / 1000, 1), or for ``graph`` the first token's."""
    import onnx
    from onnx import TensorProto as Kind
    from onnx import helper
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = {"<s>": 0, "a": 1, "b": 2, "c": 3, "query:": 4, "</s>": 9}
    backend = Tokenizer(models.WordLevel(words, unk_token="a"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.BertProcessing(("</s>", 9), ("<s>", 0))
    (folder / "tiny").mkdir(parents=True)
    backend.save(str(folder / "tiny" / "tokenizer.json"))
    table = np.array([[i, i * i / 1000, 1] for i in range(10)], np.float32)
    kind = Kind.INT32 if int32 else Kind.INT64
    inputs = [helper.make_tensor_value_info(name, kind, ["n", "t"]) for name in names]
    nodes = [helper.make_node("Gather", ["table", names[0]], ["states"])]
    outputs = [helper.make_tensor_value_info("states", Kind.FLOAT, ["n", "t", 3])]
    weights = [onnx.numpy_helper.from_array(table, "table")]
    if pooling == "graph":
        nodes.append(helper.make_node("Gather", ["states", "second"], ["pooled"], axis=1))
        weights.append(onnx.numpy_helper.from_array(np.array(1, np.int64), "second"))
        outputs.append(helper.make_tensor_value_info("pooled", Kind.FLOAT, ["n", 3]))
    save_onnx(folder / "tiny" / "m.onnx", nodes, inputs, outputs, weights)
    text = TextInput("file", "tokenizer.json", 6, pooling, fixed_length=pooling == "eot", pad_id=9, query_prefix=prefix)
    files = (ModelFile("m.onnx", origin="m.onnx"), ModelFile("tokenizer.json", origin="tokenizer.json"))
    return ModelSpec(
        "tiny", "Tiny", "text-embedder", "hub", "MIT", "m.onnx", files, repository="x/y", dims=3, text=text
    )


def _expected(ids: list[int]) -> np.ndarray:
    state = np.mean([[i, i * i / 1000, 1] for i in ids], axis=0)
    return state / np.linalg.norm(state)


@pytest.mark.parametrize(
    ("pooling", "ids_long", "ids_short"),
    [("mean", [0, 1, 2, 3, 9], [0, 2, 9]), ("cls", [0], [0]), ("eot", [9], [9]), ("graph", [1], [2])],
)
def test_pooling_follows_the_manifest(tmp_path: Path, pooling: str, ids_long: list[int], ids_short: list[int]) -> None:
    spec = _tiny(tmp_path, pooling, names=("tokens",), int32=True)
    embedder = TextEmbedder(spec, tmp_path, 1)
    vectors = embedder.embed(["a b c", "b"])
    assert np.allclose(vectors, [_expected(ids_long), _expected(ids_short)], atol=1e-6)
    embedder.close()


def test_the_prefix_is_for_queries_only(tmp_path: Path) -> None:
    embedder = TextEmbedder(_tiny(tmp_path, "mean", prefix="query: ", names=("input_ids",)), tmp_path, 1)
    assert np.allclose(embedder.embed_query("a"), _expected([0, 4, 1, 9]), atol=1e-6)
    assert np.allclose(embedder.embed(["a"])[0], _expected([0, 1, 9]), atol=1e-6)
    embedder.close()
    with pytest.raises(ModelError, match="unloaded"):
        embedder.embed(["a"])


def test_a_model_that_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="dtk models pull minilm-l6-v2"):
        TextEmbedder(load_manifest().get("minilm-l6-v2"), tmp_path, 1)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    spec = _tiny(tmp_path, "mean", names=("input_ids",))
    (tmp_path / "tiny" / "m.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError, match="not an ONNX model"):
        TextEmbedder(spec, tmp_path, 1)


_MEMORY = """
import sys, psutil
from pathlib import Path
import numpy as np
from dtk_tui.inference.image_embedder import ImageEmbedder
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.text_embedder import TextEmbedder
folder = Path(sys.argv[1])
process = psutil.Process()
def used():
    return process.memory_info().rss / 2**20
def cycle():
    text = TextEmbedder(load_manifest().get("minilm-l6-v2"), folder, 2)
    image = ImageEmbedder(load_manifest().get("dinov2-small"), folder, 2)
    text.embed(["a dog " * 40] * 8)
    image.infer(np.zeros((4, *image.input_shape), np.uint8) + np.arange(4, dtype=np.uint8)[:, None, None, None])
    loaded = used()
    text.close(); image.close()
    return loaded, used()
cycle()
before = used()
for _ in range(3):
    loaded, closed = cycle()
print(before, loaded, closed)
"""


def test_memory_returns_when_models_are_closed(models: Path, starter: Any) -> None:
    starter("minilm-l6-v2"), starter("dinov2-small")
    pytest.importorskip("psutil")
    out = subprocess.run(
        [sys.executable, "-c", _MEMORY, str(models)], capture_output=True, text=True, check=True, env={**os.environ}
    )
    before, loaded, closed = map(float, out.stdout.split())
    assert loaded - before > 100
    assert closed - before < 30


def test_how_many_texts_make_a_run_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[int] = []
    now = 0.0
    plain = TextEmbedder._run

    def timed(self: TextEmbedder, ids: Sequence[Sequence[int]]) -> np.ndarray:
        nonlocal now
        runs.append(len(ids))
        now += max(len(ids), 8) / 1000
        return plain(self, ids)

    monkeypatch.setattr(TextEmbedder, "_run", timed)
    spec = _tiny(tmp_path, "mean", names=("input_ids",))
    embedder = TextEmbedder(spec, tmp_path, 1)
    assert embedder.batch_size == spec.cpu_batch
    embedder.tune(is_asked=True, clock=lambda: now)
    assert sorted(set(runs)) == [1, 2, 4, 8, 16, 32] and embedder.batch_size == 8
    embedder.close()
    again = TextEmbedder(spec, tmp_path, 1)
    assert again.batch_size == 8, "it is remembered"
    for text, expected in (("a b c a b c", [8, 8, 4]), ("a", [16, 4])):  # of 6 tokens, as a usual text has, and of 3
        runs.clear()
        again.embed([text] * 20)
        assert runs == expected
    again.close()
