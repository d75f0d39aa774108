"""Makes exports.npz: exports of tiny CLIP and SigLIP models, and what torch says of the same inputs.

In an environment of its own with this program's packages, torch and transformers:

    python tests/inference/references/make_export.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent.parent))

from dtk_tui.inference.adding.folder import ModelFolder  # noqa: E402
from dtk_tui.inference.export import export  # noqa: E402
from dtk_tui.inference.export.towers import find_tower  # noqa: E402
from tests.helpers.tiny_towers import FAMILIES, save_tower  # noqa: E402


def main() -> None:
    """Write the ONNX files as bytes, the inputs and the outputs of torch."""
    kept: dict[str, np.ndarray] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for family in FAMILIES:
            home = save_tower(family, Path(scratch))
            for modality in ("text", "vision"):
                folder = ModelFolder(home)
                tower = find_tower(folder, modality, None)
                target = Path(scratch) / f"{family}-{modality}.onnx"
                found = export._export(tower, folder, target, lambda step, done, total: None)
                samples = export._samples(tower)
                samples = samples if modality == "text" else samples.astype(np.float16).astype(np.float32)
                with torch.no_grad():
                    expected = tower.load(folder)(torch.from_numpy(samples)).numpy()
                name = f"{family}-{modality}"
                kept |= {f"{name}-onnx": np.frombuffer(target.read_bytes(), np.uint8), f"{name}-expected": expected}
                kept[f"{name}-samples"] = samples.astype(np.int16 if modality == "text" else np.float16)
                print(f"{name}: {target.stat().st_size:,} bytes, {found}")
    np.savez_compressed(HERE / "exports.npz", **kept)
    print(f"{(HERE / 'exports.npz').stat().st_size:,} bytes; torch {torch.__version__}, {transformers.__version__}")


if __name__ == "__main__":
    main()
