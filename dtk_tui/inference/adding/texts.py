"""What a folder says of a text embedder: tokenizer, length, pooling, prefixes.

Sources: the config files of transformers (config.json, tokenizer_config.json) and of sentence-transformers
(1_Pooling/config.json, sentence_bert_config.json, config_sentence_transformers.json).
"""

from __future__ import annotations

from typing import Any

from dtk_tui.inference.adding.entry import Entry
from dtk_tui.inference.adding.folder import ModelFolder, part, whole
from dtk_tui.inference.graphs.signature import Signature, Value
from dtk_tui.shipped import shipped

_BERT = "data/bert-uncased-vocab.txt"
#: Their positions begin behind the one of the padding token (fairseq).
_SHIFTED = frozenset({"roberta", "xlm-roberta", "camembert", "mpnet"})
#: Outputs that hold one vector a text, by the names that exporters give them.
_VECTORS = ("text_embeds", "sentence_embedding", "embeddings", "text_features")


def describe_text(entry: Entry, folder: ModelFolder, graph: Signature) -> None:
    """Note what a folder says of a text embedder."""
    config = folder.json("config.json")
    kind = str(config.get("model_type", ""))
    settings = part(config, "text_config") or config
    _tokenizer(entry, folder)
    is_clip = kind.startswith(("clip", "siglip", "chinese_clip"))
    _length(entry, folder, graph, settings, kind, is_clip=is_clip)
    output = _pooling(entry, folder, graph, kind)
    _dims(entry, output, config, settings)
    if kind.startswith("siglip"):
        entry.assume("text.clean", "canonical", "as all models of the kind siglip")
    prompts = part(folder.json("config_sentence_transformers.json"), "prompts")
    if isinstance(query := prompts.get("query"), str) and query:
        entry.found("text.query_prefix", query, "config_sentence_transformers.json")
    others = [name for name in ("document", "passage") if prompts.get(name)]
    if others:
        entry.lacks(
            "text.query_prefix", f"the model wants a prefix before stored texts ({others[0]}), which dtk has not"
        )


def _tokenizer(entry: Entry, folder: ModelFolder) -> None:
    if folder.has("tokenizer.json"):
        entry.found("text.tokenizer", "file", "tokenizer.json")
        entry.found("text.vocabulary", "tokenizer.json", "tokenizer.json")
        entry.files.append("tokenizer.json")
        return
    lower = folder.json("tokenizer_config.json").get("do_lower_case", True) is not False
    known = shipped(f"models/{_BERT}").read_text(encoding="utf-8").split()
    if folder.has("vocab.txt") and folder.text("vocab.txt").split() == known and lower:
        entry.found("text.tokenizer", "bert-uncased", "vocab.txt, which is BERT's")
        entry.found("text.vocabulary", _BERT, "vocab.txt, which is BERT's")
        return
    entry.lacks("text.tokenizer", "there is no tokenizer.json; save the tokenizer with transformers, which writes one")


def _length(
    entry: Entry, folder: ModelFolder, graph: Signature, settings: dict[str, Any], kind: str, *, is_clip: bool
) -> None:
    """Note how many tokens the model takes: the least that anything says."""
    ids = next(value for value in graph.inputs if value.kind == "integer" and len(value.shape) == 2)
    said = {
        "the graph": ids.shape[1],
        "sentence_bert_config.json": whole(folder.json("sentence_bert_config.json"), "max_seq_length"),
        "tokenizer_config.json": whole(folder.json("tokenizer_config.json"), "model_max_length"),
        "config.json": whole(settings, "max_position_embeddings"),
    }
    if said["config.json"] is not None and kind in _SHIFTED:
        said["config.json"] -= 2
    known = {source: length for source, length in said.items() if length is not None}
    if known:
        source = min(known, key=lambda name: known[name])
        entry.found("text.max_tokens", known[source], source)
    else:
        entry.lacks("text.max_tokens", "no file says how many tokens the model takes")
    if ids.shape[1] is not None:
        entry.found("text.fixed_length", True, "the graph")
    elif is_clip:
        entry.assume("text.fixed_length", True, f"as all models of the kind {kind}")
    if entry.get("text.fixed_length"):
        _padding(entry, folder, settings)


def _padding(entry: Entry, folder: ModelFolder, settings: dict[str, Any]) -> None:
    token = folder.json("tokenizer_config.json").get("pad_token")
    token = token.get("content") if isinstance(token, dict) else token
    if isinstance(token, str) and folder.has("tokenizer.json"):
        from tokenizers import Tokenizer

        try:
            number = Tokenizer.from_file(str(folder.file("tokenizer.json"))).token_to_id(token)
        except Exception:  # of whatever kind the library's errors are: whoever loads the model says it
            number = None
        if number is not None:
            entry.found("text.pad_id", int(number), "tokenizer_config.json")
            return
    stated = settings.get("pad_token_id")
    if isinstance(stated, int) and stated >= 0:
        entry.found("text.pad_id", stated, "config.json")
    else:
        entry.lacks("text.pad_id", "no file says with which token texts are filled up")


def _pooling(entry: Entry, folder: ModelFolder, graph: Signature, kind: str) -> Value | None:
    """Note how the tokens' states become one vector; return the output that it is taken from."""
    flat, states = graph.outputs_of_rank(2), graph.outputs_of_rank(3)
    named = next((value for value in flat if value.name in _VECTORS), None)
    if named is not None or (flat and not states):
        output = named or flat[0]
        entry.found("text.pooling", "graph", f"the graph's output {output.name}")
        return output
    pooling = folder.json("1_Pooling/config.json")
    if states and pooling:
        for key, way in (("pooling_mode_cls_token", "cls"), ("pooling_mode_mean_tokens", "mean")):
            if pooling.get(key) is True:
                entry.found("text.pooling", way, "1_Pooling/config.json")
        if entry.get("text.pooling") is None or folder.has("2_Dense/config.json"):
            entry.lacks("text.pooling", "what sentence-transformers does behind the graph is not known here")
        return states[0]
    if kind.startswith(("clip", "siglip")) and flat:
        entry.found("text.pooling", "graph", f"the graph's output {flat[0].name}")
        return flat[0]
    if kind.startswith("clip") and states:
        entry.assume("text.pooling", "eot", f"as all models of the kind {kind}")
        return states[0]
    entry.lacks("text.pooling", "no file says how the tokens' states become one vector: cls or mean?")
    return states[0] if states else None


def _dims(entry: Entry, output: Value | None, config: dict[str, Any], settings: dict[str, Any]) -> None:
    if output is not None and output.shape[-1] is not None:
        entry.found("dims", output.shape[-1], f"the graph's output {output.name}")
        return
    is_projected = output is not None and output.name in _VECTORS
    length = (whole(config, "projection_dim") if is_projected else None) or whole(settings, "hidden_size")
    if length is not None:
        entry.found("dims", length, "config.json")
    else:
        entry.lacks("dims", "neither the graph nor config.json says how long the vectors are")
