#!/usr/bin/env bash
# Surprise: a truncation limit smaller than the number of special tokens truncates nothing at all.
# Packages: tokenizers 0.23.3
# Guess:    enable_truncation(max_length=1) on a tokenizer that adds [CLS] and [SEP] is refused, or gives at most those
#           two tokens; a smaller limit never gives more tokens than a larger one.
# Really:   with max_length 2 the text is gone and [CLS] [SEP] are left, as expected; with 1 or 0 the whole text comes,
#           however long, and nothing is reported.
# Matters:  a limit that is computed (length of the model less what a prefix needs) or configured: one too few, and an
#           encoder with 77 or 512 positions gets thousands of tokens.
# Remedy:   refuse limits below num_special_tokens_to_add(is_pair=False).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: \
    tokenizers==0.23.3
cd "$work"
venv/bin/python - <<'PY'
import sys

import tokenizers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

print("tokenizers", tokenizers.__version__)
vocabulary = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "fox": 3}
tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
text = "fox " * 1000

print("special tokens:", tokenizer.num_special_tokens_to_add(is_pair=False))
for limit, known in ((77, 77), (3, 3), (2, 2), (1, 1002), (0, 1002)):
    tokenizer.enable_truncation(max_length=limit)
    seen = len(tokenizer.encode(text).ids)
    print(f"max_length {limit}: {seen} tokens")
    if seen != known:
        sys.exit(f"CHANGED: it was {known}")
PY
echo "as known"
