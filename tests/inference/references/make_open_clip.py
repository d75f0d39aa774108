"""Makes open_clip_ids.npz: what open_clip's tokenizer makes of the odd texts, with the merges of the tiny models.

In an environment of its own with the packages open_clip_torch (its tokenizer alone is loaded), torch, ftfy and regex:

    python tests/inference/references/make_open_clip.py
"""

from __future__ import annotations

import gzip
import importlib.util
import sys
import tempfile
from pathlib import Path

import ftfy
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent.parent))

from tests.helpers.architectures.families import CLIP_MERGES, CLIP_WORDS  # noqa: E402
from tests.helpers.architectures.inputs import MOJIBAKE, TEXTS  # noqa: E402


def main() -> None:
    """Write the ids, -1 behind the end of each text."""
    package = importlib.util.find_spec("open_clip")
    if package is None or package.submodule_search_locations is None:
        raise SystemExit("open_clip_torch is not installed")
    home = Path(package.submodule_search_locations[0])
    spec = importlib.util.spec_from_file_location("open_clip_tokenizer", home / "tokenizer.py")
    if spec is None or spec.loader is None:
        raise SystemExit("its tokenizer is not where it was")
    tokenizer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tokenizer)
    merges = gzip.decompress((home / "bpe_simple_vocab_16e6.txt.gz").read_bytes()).decode().split("\n")
    with tempfile.TemporaryDirectory() as folder:
        cut = Path(folder) / "merges.txt.gz"
        cut.write_bytes(gzip.compress("\n".join(merges[: 1 + CLIP_MERGES]).encode()))
        simple = tokenizer.SimpleTokenizer(str(cut))
    if simple.vocab_size != CLIP_WORDS:
        raise SystemExit(f"the vocabulary has {simple.vocab_size} words")
    rows = np.full((len(TEXTS) + len(MOJIBAKE), 77), -1, np.int16)
    for row, text in zip(rows, TEXTS + MOJIBAKE, strict=True):
        ids = [simple.sot_token_id, *simple.encode(text), simple.eot_token_id]
        if len(ids) > 77:
            ids = [*ids[:76], simple.eot_token_id]
        row[: len(ids)] = ids
    np.savez_compressed(HERE / "open_clip_ids.npz", ids=rows)
    print(f"{len(rows)} texts, ftfy {ftfy.__version__}")


if __name__ == "__main__":
    main()
