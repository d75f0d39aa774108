#!/usr/bin/env bash
# Surprise: the short names of timm's ImageNet classes do not tell the classes apart.
# Packages: timm 1.0.31 (its data files alone, without its dependencies)
# Guess:    a class has a name of its own, so that names can stand for classes: as tags, as keys, as columns.
# Really:   "crane" is all that the file says of two classes, the bird and the machine; by first words "maillot" is
#           twice there, too, and without regard to case "cardigan" (a dog and a jacket).
# Matters:  taggers made of classifiers: two scores of one picture under one name, of which one is lost in silence.
# Remedy:   keep classes by their WordNet id, and give both where a name is not the only one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: --no-deps timm==1.0.31
"$work/venv/bin/python" - <<'PY'
import sys
from collections import defaultdict
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

info = Path(find_spec("timm").origin).parent / "data" / "_info"
ids = (info / "imagenet_synsets.txt").read_text(encoding="utf-8").split()
lemmas = dict(
    line.split("\t", 1) for line in (info / "imagenet_synset_to_lemma.txt").read_text(encoding="utf-8").splitlines()
)
print("timm", version("timm"), "-", len(ids), "classes of ImageNet")


def repeated(name_of):
    places = defaultdict(list)
    for number, name in enumerate(ids):
        places[name_of(lemmas[name].strip())].append(number)
    return {name: where for name, where in places.items() if len(where) > 1}


def expect(what, seen, known):
    print(f"{what}: {seen}")
    if seen != known:
        sys.exit(f"CHANGED: {what} was {known}")


expect("one line, several classes", repeated(lambda line: line), {"crane": [134, 517]})
expect(
    "one first word, several classes",
    repeated(lambda line: line.split(",")[0].lower()),
    {"crane": [134, 517], "cardigan": [264, 474], "maillot": [638, 639]},
)
PY
echo "as known"
