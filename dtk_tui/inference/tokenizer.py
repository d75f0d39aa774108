"""Tokenizing texts: texts to token ids."""

from __future__ import annotations

import html
import json
import os
import string
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from dtk_tui.errors import ModelError
from dtk_tui.inference.model_spec import TextInput
from dtk_tui.shipped import shipped

_UNKNOWN = "[UNK]"
# So much of a text, in characters a token, is looked at first; where that does not fill the limit, four times as much.
_FIRST_LOOK = 64
_GROWTH = 4
# Where a text is cut, the tokens beside the cut may be others than in the whole text.
_UNSURE = 256
#: So much of a text is repaired, in characters: hundreds for each token of the longest text.
_MOST_REPAIRED = 100_000
#: What open_clip calls the tokens that transformers calls otherwise: who writes one of these literally, ends the text.
_OPEN_CLIP_NAMES = {"<|startoftext|>": "<start_of_text>", "<|endoftext|>": "<end_of_text>"}
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


class Tokenizer:
    """Turns texts into token ids, special tokens included.

    Args:
        rules: the manifest's.
        home: the model's own folder, for a tokenizer that is one of its files.

    Raises:
        ModelError: the vocabulary cannot be read, or the limit leaves no room for a text.
    """

    def __init__(self, rules: TextInput, home: Path) -> None:
        self._clean = rules.clean
        # Its own threads would compete with the engine's and break a later fork.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        path = shipped(f"models/{rules.vocabulary}") if rules.tokenizer == "bert-uncased" else home / rules.vocabulary
        try:
            self._tokenizer = _bert(path) if rules.tokenizer == "bert-uncased" else _from_file(path, rules.clean)
        except ModuleNotFoundError as error:
            raise ModelError(
                f"The texts of this model are repaired as open_clip does, which needs {error.name}.",
                "Try: pip install 'dtk-tui[open-clip]'",
            ) from error
        except Exception as error:
            raise ModelError(f"The vocabulary {path} cannot be read.", str(error)) from error
        special = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        # Below that the library truncates nothing at all, and says nothing.
        if rules.max_tokens <= special:
            raise ModelError(
                f"max_tokens is {rules.max_tokens}, and the tokenizer alone adds {special} to each text.",
                f"Set max_tokens in the model's manifest entry to {special + 1} or more, as the model was trained.",
            )
        self._room = rules.max_tokens - special
        self._first_look = _FIRST_LOOK * rules.max_tokens
        self._tokenizer.enable_truncation(rules.max_tokens)
        self._tokenizer.no_padding()

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text, at most ``max_tokens``: those that the whole text begins with."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast([self._head(text) for text in texts])]

    def _head(self, text: str) -> str:
        """Bound the work: return the beginning of a text that fills ``max_tokens``, or all of it.

        Characters do not tell: a word of any length may be one unknown token, and white space none.
        """
        text = self._repaired(text)
        size = self._first_look
        while size < len(text):
            if self._is_filled_by(text[:size]):
                return self._cleaned(text[:size])
            size *= _GROWTH
        return self._cleaned(text)

    def _repaired(self, text: str) -> str:
        """Return a text as open_clip cleans it, where the model wants that; a long one is cut before.

        Source: mlfoundations/open_clip, src/open_clip/tokenizer.py (the cleaning "lower" of SimpleTokenizer).
        """
        if self._clean != "open-clip":
            return text
        import ftfy

        mended = html.unescape(html.unescape(ftfy.fix_text(text[:_MOST_REPAIRED])))
        return " ".join(mended.split()).lower()

    def _cleaned(self, text: str) -> str:
        """Return a text as the tokenizer takes it.

        Source: google-research/big_vision, evaluators/proj/image_text/prompt_engineering.py (canonicalize_text).
        """
        text = _encodable(text)
        if self._clean in ("lower", "canonical"):
            text = text.lower()
        return " ".join(text.translate(_NO_PUNCTUATION).split()) if self._clean == "canonical" else text

    def is_filled_by(self, beginning: str) -> bool:
        """Tell whether the ids of this beginning of a text are surely those of the whole text, up to the limit."""
        return self._is_filled_by(self._repaired(beginning))

    def _is_filled_by(self, beginning: str) -> bool:
        head = self._cleaned(beginning)
        encoding = self._untruncated.encode_batch([head], add_special_tokens=False)[0]
        words = encoding.word_ids
        if len(words) <= self._room:
            return False
        _, end = encoding.offsets[self._room - 1]
        return bool(end <= len(head) - _UNSURE and words[self._room - 1] != words[-1])

    def count(self, text: str) -> int:
        """Return how many tokens all of a text has, special ones left out."""
        return len(
            self._untruncated.encode_batch([self._cleaned(self._repaired(text))], add_special_tokens=False)[0].ids
        )

    @cached_property
    def _untruncated(self) -> Any:
        from tokenizers import Tokenizer as Backend

        backend = Backend.from_str(self._tokenizer.to_str())
        backend.no_truncation()
        return backend


def _encodable(text: str) -> str:
    """Return what the tokenizer takes, UTF-8: lone surrogates become U+FFFD, which BERT's clean-up drops."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


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
    # As transformers' BertTokenizer: where a text has one of these literally, it is the special token.
    backend.add_special_tokens(["[PAD]", _UNKNOWN, "[CLS]", "[SEP]", "[MASK]"])
    return backend


def _from_file(path: Path, clean: str) -> Any:
    from tokenizers import Tokenizer as Backend

    if clean != "open-clip":
        return Backend.from_file(str(path))
    import ftfy  # noqa: F401 (so that its absence is told when the model is loaded)

    text = path.read_text(encoding="utf-8")
    for name, other in _OPEN_CLIP_NAMES.items():
        text = text.replace(name, other)
    settings = json.loads(text)
    settings["normalizer"] = None
    return Backend.from_str(json.dumps(settings))
