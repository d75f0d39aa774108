#!/usr/bin/env bash
# Surprise: a tower's settings, read from the folder of a whole CLIP, have another length of vectors than the whole.
# Packages: transformers 5.24.0 (without torch: no model is loaded)
# Guess:    CLIPTextConfig.from_pretrained(folder of a CLIP) takes the settings of that CLIP's text tower, and both towers
#           are projected to the length that the model names.
# Really:   hidden_size and the number of layers are those of the folder, projection_dim is 512 whatever it says: there
#           it stands beside the towers' settings, and is not looked at.
# Matters:  CLIPTextModelWithProjection.from_pretrained and the vision tower's: a projection of the wrong shape.
# Remedy:   read the whole with CLIPConfig, set projection_dim of the tower's settings, and pass them as config.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: transformers==5.24.0
cd "$work"
TRANSFORMERS_VERBOSITY=error HF_HUB_OFFLINE=1 venv/bin/python - 2> log.txt <<'PY' || { tail -n 5 log.txt; exit 1; }
import sys

import transformers
from transformers import CLIPConfig, CLIPTextConfig, CLIPVisionConfig

print("transformers", transformers.__version__)


def expect(what: str, seen: object, known: object) -> None:
    print(f"{what}: {seen}")
    if seen != known:
        sys.exit(f"CHANGED: {what} was {known}")


tower = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4}
CLIPConfig(text_config=tower, vision_config=tower, projection_dim=24).save_pretrained("clip")
whole = CLIPConfig.from_pretrained("clip")
expect("length of vectors of the whole", whole.projection_dim, 24)
for kind in (CLIPTextConfig, CLIPVisionConfig):
    found = kind.from_pretrained("clip")
    expect(f"{kind.__name__}: width, layers", (found.hidden_size, found.num_hidden_layers), (48, 3))
    expect(f"{kind.__name__}: length of vectors", found.projection_dim, 512)
CLIPTextConfig(projection_dim=24, **tower).save_pretrained("tower")
expect("of a folder of the tower alone", CLIPTextConfig.from_pretrained("tower").projection_dim, 24)
PY
echo "as known"
