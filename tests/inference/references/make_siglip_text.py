"""Makes the tiny text tower of SigLIP, its tokenizer, and what transformers gives for odd texts.

In an environment of its own with this program's packages, torch, transformers, sentencepiece and protobuf:

    python tests/inference/references/make_siglip_text.py

The vocabulary is learnt from the odd texts, normalised as SentencePiece does by default (nmt_nfkc). transformers reads
it as SentencePiece's own file, and the program as the tokenizer.json that is made of it.
"""

from __future__ import annotations

import io
import lzma
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
import tokenizers
import torch
import transformers
from sentencepiece import sentencepiece_model_pb2 as protocol
from tokenizers import Regex, models, normalizers, pre_tokenizers, processors

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent.parent))

from tests.helpers.architectures.families import SIGLIP_WORDS, WIDTH, spec_of  # noqa: E402
from tests.helpers.architectures.inputs import TEXTS  # noqa: E402
from tests.helpers.architectures.torch_graphs import Outputs, dress, padded, write_graph  # noqa: E402

FAMILY = "siglip-text"
_PUNCTUATION = r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]"


def _learnt() -> bytes:
    """Return SentencePiece's model of the odd texts, numbered as that of SigLIP: pad, end of text, unknown."""
    with io.BytesIO() as written:
        # Of one piece again and again, the best cutting is not the only one, and each library takes another.
        lines = [
            line for text in TEXTS for line in text.lower().splitlines() if len(set(line)) > 3 and "abab" not in line
        ]
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(line[:2000] for line in lines), model_writer=written, model_type="unigram",
            vocab_size=SIGLIP_WORDS, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, character_coverage=0.98,
            hard_vocab_limit=False, num_threads=1,
        )  # fmt: skip
        return written.getvalue()


def _as_file(model: bytes) -> bytes:
    """Return the same as a tokenizer.json, in the way of those that are published for SigLIP."""
    read = protocol.ModelProto.FromString(model)
    backend = tokenizers.Tokenizer(
        models.Unigram([(piece.piece, piece.score) for piece in read.pieces], unk_id=read.trainer_spec.unk_id)
    )
    backend.normalizer = normalizers.Sequence(
        [
            normalizers.Lowercase(),
            normalizers.Replace(Regex(_PUNCTUATION), ""),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
            normalizers.Precompiled(read.normalizer_spec.precompiled_charsmap),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    backend.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")
    backend.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    return backend.to_str().encode()


def main() -> None:
    """Write everything."""
    rules = spec_of(FAMILY).text
    learnt = _learnt()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "spiece.model").write_bytes(learnt)
        tokenizer: Any = transformers.SiglipTokenizer(str(Path(folder) / "spiece.model"))
        ids = [tokenizer(text, truncation=True, max_length=rules.max_tokens)["input_ids"] for text in TEXTS]
        whole = [tokenizer(text, truncation=True, padding="max_length", max_length=rules.max_tokens) for text in TEXTS]
    (HERE / "siglip-tokenizer.json.xz").write_bytes(lzma.compress(_as_file(learnt), preset=9 | lzma.PRESET_EXTREME))
    config = transformers.SiglipTextConfig(
        vocab_size=SIGLIP_WORDS, hidden_size=WIDTH, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=rules.max_tokens, projection_size=WIDTH, pad_token_id=1, bos_token_id=None,
        eos_token_id=1,
    )  # fmt: skip
    model = Outputs(transformers.SiglipTextModel(config), "pooler_output")
    dress(model)
    tokens = torch.tensor([one["input_ids"] for one in whole])
    with torch.no_grad():
        found = model(tokens)
    vectors = (found / found.norm(dim=1, keepdim=True)).numpy()
    print(f"mean product of two texts {float((vectors @ vectors.T).mean()):.3f}")
    write_graph(FAMILY, model, (tokens[:2],), ("input_ids",))
    np.savez_compressed(HERE / "siglip_text.npz", **{f"{FAMILY}-ids": padded(ids), FAMILY: vectors})
    total = sum(file.stat().st_size for file in HERE.iterdir() if file.suffix in (".xz", ".npz"))
    print(f"{len(TEXTS)} texts, {tokenizer.pad_token_id} pads, {total:,} bytes in all")
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, tokenizers {tokenizers.__version__}")


if __name__ == "__main__":
    main()
