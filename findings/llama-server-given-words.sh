#!/usr/bin/env bash
# Surprise: words given to llama.cpp's server to go on from stand in a whole answer, and not in a streamed one.
# Packages: xllamacpp 2026.10.11549, numpy 2.4.6
# Guess:    when the last message is one of the assistant, the answer goes on from it, and a stream has the same text in
#           pieces that the whole answer has.
# Really:   `content` of a whole answer begins with the given words; the pieces of a stream begin behind them.
# Matters:  a client that lets people choose between the two, or joins the given words to the answer: they are there
#           twice, or not at all.
# Remedy:   take the given words off the begin of a whole answer, and join them oneself in both cases.
source "$(dirname "$0")/llama-server.bash"
venv/bin/python - 2> log.txt <<'PY' || { tail -n 5 log.txt; exit 1; }
import json

from served import ask, expect

given = [{"role": "user", "content": "Go on."}, {"role": "assistant", "content": "The word is"}]


def pieces(body: str) -> list:
    """Return the texts in the chunks of a stream."""
    lines = [line[6:] for line in body.splitlines() if line.startswith("data: {")]
    found = [choice["delta"].get("content") for line in lines for choice in json.loads(line)["choices"]]
    return [text for text in found if text]


whole = json.loads(ask(given))
text = whole["choices"][0]["message"]["content"]
streamed = "".join(pieces(ask(given, stream=True)))
expect("tokens of the answer", whole["usage"]["completion_tokens"], 4)
expect("the whole answer begins with the given words", text[:11], "The word is")
expect("letters behind them", len(text) - 11, 4)
expect("the stream has those letters alone", streamed == text[11:], True)
asked = given[:1]
text = json.loads(ask(asked))["choices"][0]["message"]["content"]
expect("without given words both have the same text", "".join(pieces(ask(asked, stream=True))) == text, True)
PY
echo "as known"
