#!/usr/bin/env bash
# Surprise: neither a repeated line nor a weight counts in a .txt wildcard file, though both do in a prompt.
# Packages: dynamicprompts 0.31.0, pyparsing 3.3.3, PyYAML 6.0.3
# Guess:    nine lines "red" and one "blue" make red nine times as likely, as {red|red|...|blue} does; 9::red works in a
#           wildcard file as it does in {9::red|blue}.
# Really:   lines of a .txt wildcard are made unique, so red and blue come equally often; a weight in such a file is not
#           read but becomes part of the prompt, "9::red". The same list in YAML honours the weight, and loses the
#           repetition too. A wildcard that does not exist stays in the prompt by its name, and the combinatorial
#           generator gives that one prompt as often as prompts were asked for.
# Matters:  what stands in a prompt: "9::red" and "__name__" are no choice of the person; runs repeat the same picture.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: \
    dynamicprompts==0.31.0 pyparsing==3.3.3 PyYAML==6.0.3
cd "$work"
mkdir wildcards
printf 'red\n%.0s' 1 2 3 4 5 6 7 8 9 > wildcards/repeated.txt
echo blue >> wildcards/repeated.txt
printf '9::red\nblue\n' > wildcards/weighted.txt
printf 'many: [red, red, red, red, red, red, red, red, red, blue]\nheavy: ["9::red", blue]\n' > wildcards/lists.yaml
venv/bin/python - <<'PY'
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path

from dynamicprompts.generators import CombinatorialPromptGenerator, RandomPromptGenerator
from dynamicprompts.wildcards import WildcardManager

print("dynamicprompts", version("dynamicprompts"))
wildcards = WildcardManager(Path("wildcards"))
PROMPTS = 1000


def expect(template: str, words: set[str], red_is_rare: bool) -> None:
    """Check which words come, and whether red comes far less often than nine times in ten."""
    counted = Counter(RandomPromptGenerator(wildcard_manager=wildcards, seed=1).generate(template, PROMPTS))
    print(f"{template}: {dict(counted)}")
    red = max(count for word, count in counted.items() if word.endswith("red"))
    if set(counted) != words or (red < 0.7 * PROMPTS) != red_is_rare:
        sys.exit("CHANGED: it was " + ("about half red" if red_is_rare else "about nine tenths red"))


expect("{" + "red|" * 9 + "blue}", {"red", "blue"}, red_is_rare=False)
expect("__repeated__", {"red", "blue"}, red_is_rare=True)
expect("__many__", {"red", "blue"}, red_is_rare=True)
expect("{9::red|blue}", {"red", "blue"}, red_is_rare=False)
expect("__weighted__", {"9::red", "blue"}, red_is_rare=True)
expect("__heavy__", {"red", "blue"}, red_is_rare=False)

missing = list(CombinatorialPromptGenerator(wildcard_manager=wildcards).generate("a cat, __nowhere__", 4))
print(f"a cat, __nowhere__: {missing}")
if missing != ["a cat, __nowhere__"] * 4:
    sys.exit("CHANGED: it was four times the same")
PY
echo "as known"
