"""Tokenizing texts: texts to token ids."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dtk_tui.config import shipped
from dtk_tui.errors import ModelError
from dtk_tui.inference.manifest import TextInput

# WordPiece turns a word of more than 100 characters into one unknown token, so that a token (of a text whose spaces are
# single) never stands for more than 100 characters and a space.
_CHARACTERS_A_TOKEN = 101
_UNKNOWN = "[UNK]"
_SPACES = re.compile("[ \t\r\n]+")


class Tokenizer:
    """Turns texts into token ids, special tokens included.

    Args:
        rules: the manifest's.
        home: the model's own folder, for a tokenizer that is one of its files.

    Raises:
        ModelError: the vocabulary cannot be read.
    """

    def __init__(self, rules: TextInput, home: Path) -> None:
        # Its own threads would compete with the engine's and break a later fork.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        path = shipped(f"models/{rules.vocabulary}") if rules.tokenizer == "bert-uncased" else home / rules.vocabulary
        try:
            self._tokenizer = _bert(path) if rules.tokenizer == "bert-uncased" else _from_file(path)
        except Exception as error:
            raise ModelError(f"The vocabulary {path} cannot be read.", str(error)) from error
        self._tokenizer.enable_truncation(rules.max_tokens)
        self._tokenizer.no_padding()
        self._longest = rules.max_tokens * _CHARACTERS_A_TOKEN

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text, at most ``max_tokens``."""
        return [
            encoding.ids for encoding in self._tokenizer.encode_batch_fast([self._truncate(text) for text in texts])
        ]

    def _truncate(self, text: str) -> str:
        """Bound the work: no more of a long text than can fill ``max_tokens`` is looked at."""
        head = _SPACES.sub(" ", text[: 4 * self._longest])[: self._longest]
        # The tokenizer takes UTF-8 only; lone surrogates become U+FFFD, which BERT's clean-up drops.
        return head.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _bert(path: Path) -> Any:
    """Build BERT's uncased WordPiece from a vocabulary of one token a line.

    Source: google-research/bert, tokenization.py (BasicTokenizer with lower-casing, WordpieceTokenizer).
    """
    from tokenizers import Tokenizer as Backend
    from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

    vocabulary = {
        token: number for number, token in enumerate(path.read_text(encoding="utf-8").removesuffix("\n").split("\n"))
    }
    backend = Backend(models.WordPiece(vocabulary, unk_token=_UNKNOWN, max_input_chars_per_word=100))
    backend.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=True
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.BertProcessing(("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"]))
    backend.decoder = decoders.WordPiece()
    return backend


def _from_file(path: Path) -> Any:
    from tokenizers import Tokenizer as Backend

    return Backend.from_file(str(path))
