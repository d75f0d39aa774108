"""SigLIP's text tower: texts as it was trained on them, padded with the end of text, without a mask."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from tokenizers import Tokenizer as Backend
from tokenizers import models, pre_tokenizers, processors

from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_spec import ModelSpec
from dtk_tui.inference.text_embedder import TextEmbedder
from tests.helpers.tiny_onnx import save_onnx

_PIECES = ["<unk>", "</s>", *"\u2581abcdefghijklmnopqrstuvwxyz0123456789'-\u00fc", "\u2581a", "\u2581fox", "\u2581red"]


def _piece_ids(*pieces: str) -> list[int]:
    return [_PIECES.index(piece) for piece in pieces]


@pytest.fixture
def tower(tmp_path: Path) -> ModelSpec:
    """The entry of SigLIP's text tower beside a tiny tokenizer of its kind and a model that tells what it is fed."""
    spec = load_manifest().get("siglip-base-text")
    assert spec.text is not None
    home = tmp_path / spec.name
    home.mkdir()
    backend = Backend(models.Unigram([(piece, -float(len(_PIECES) - n)) for n, piece in enumerate(_PIECES)], unk_id=0))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    backend.save(str(home / "tokenizer.json"))
    from onnx import TensorProto, helper

    save_onnx(
        home / "text_model.onnx",
        [helper.make_node("Cast", ["input_ids"], ["pooler_output"], to=TensorProto.FLOAT)],
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", 64])],
        [helper.make_tensor_value_info("pooler_output", TensorProto.FLOAT, ["n", 64])],
        [],
    )
    return replace(spec, dims=64, files=tuple(replace(file, size=None, sha256=None) for file in spec.files))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a fox", ("\u2581a", "\u2581fox")),
        ("A Fox.", ("\u2581a", "\u2581fox")),
        ("  a,\t\u00a0red \n fox!? ", ("\u2581a", "\u2581red", "\u2581fox")),
        ("(a:1.2) r_e-d", ("\u2581a", "1", "2", "\u2581red")),
        ("\u00dc", ("\u2581", "\u00fc")),
        ("...", ()),
        ("", ()),
        ("</s>", ("\u2581", "s")),
    ],
)
def test_texts_are_lower_case_without_punctuation(
    text: str, pieces: tuple[str, ...], tower: ModelSpec, tmp_path: Path
) -> None:
    embedder = TextEmbedder(tower, tmp_path, 1)
    vector = embedder.embed_query(text)
    # What it is fed: the pieces, the end of text, and the end of text up to 64 tokens.
    expected = np.ones(64, np.float32)
    expected[: len(pieces)] = _piece_ids(*pieces)
    assert np.allclose(vector, expected / np.linalg.norm(expected), atol=1e-6)
    embedder.close()


def test_long_texts_are_cut_where_64_tokens_end(tower: ModelSpec, tmp_path: Path) -> None:
    embedder = TextEmbedder(tower, tmp_path, 1)
    ids = embedder._tokenizer.encode(["fox, " * 100_000, "." * 500_000 + " fox"])
    assert ids == [[*_piece_ids("\u2581fox") * 63, 1], [*_piece_ids("\u2581fox"), 1]]
    embedder.close()


def test_a_tokenizer_that_only_needs_lower_case_keeps_the_rest(tower: ModelSpec, tmp_path: Path) -> None:
    assert tower.text is not None
    embedder = TextEmbedder(replace(tower, text=replace(tower.text, clean="lower")), tmp_path, 1)
    assert embedder._tokenizer.encode(["A'"]) == [[*_piece_ids("\u2581a", "'"), 1]]
    embedder.close()
