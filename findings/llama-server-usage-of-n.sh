#!/usr/bin/env bash
# Surprise: asked for several answers at once, llama.cpp's server counts the tokens of one.
# Packages: xllamacpp 2026.10.11549, numpy 2.4.6
# Guess:    with `n`, `usage.completion_tokens` counts the tokens of all choices, as with OpenAI, and `timings` likewise.
# Really:   both count those of one choice, however many there are.
# Matters:  tokens a second, costs and budgets that are computed from `usage`: n times too small.
# Remedy:   count the choices, or send n requests.
source "$(dirname "$0")/llama-server.bash"
venv/bin/python - 2> log.txt <<'PY' || { tail -n 5 log.txt; exit 1; }
import json

from served import ask, expect

message = [{"role": "user", "content": "Say a word."}]
for number in (1, 2):
    found = json.loads(ask(message, n=number, temperature=1, seed=3, max_tokens=7))
    texts = [choice["message"]["content"] for choice in found["choices"]]
    expect(f"n {number}: letters, one a token", sum(map(len, texts)), 7 * number)
    expect(f"n {number}: completion_tokens", found["usage"]["completion_tokens"], 7)
    expect(f"n {number}: predicted_n", found["timings"]["predicted_n"], 7)
PY
echo "as known"
