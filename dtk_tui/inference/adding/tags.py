"""What a folder says of a tagger: its tags, their categories, and what its scores are."""

from __future__ import annotations

import csv
import io
from typing import Any

from dtk_tui.inference.adding.entry import Entry
from dtk_tui.inference.adding.folder import ModelFolder
from dtk_tui.inference.graphs.signature import Signature

#: Danbooru's numbers of categories, which the lists of the WD taggers have.
_CATEGORIES = {"0": "general", "1": "artist", "3": "copyright", "4": "character", "5": "meta", "9": "rating"}
_COLUMNS = {"tag_id", "name", "category"}
_MOST_NAMES = 100_000
_ALIASES = "data/tag-aliases.toml"


def has_tags(folder: ModelFolder, graph: Signature) -> bool:
    """Whether a model that takes pictures is a tagger."""
    if folder.has("selected_tags.csv") or folder.has("top_tags.txt"):
        return True
    names = _labels(folder.json("config.json"))
    return bool(names) and [value.shape[-1] for value in graph.outputs_of_rank(2)] == [len(names)]


def describe_tags(entry: Entry, folder: ModelFolder, graph: Signature) -> None:
    """Note what a folder says of a tagger."""
    if folder.has("selected_tags.csv"):
        count = _wd(entry, folder)
    elif folder.has("top_tags.txt"):
        entry.found("tags.file", "top_tags.txt", "top_tags.txt")
        entry.found("tags.format", "lines", "top_tags.txt")
        entry.found("tags.spaces", True, "top_tags.txt")
        entry.assume("tags.aliases", _ALIASES, "as JoyTag (top_tags.txt)")
        entry.files.append("top_tags.txt")
        entry.assume("tags.threshold", 0.4, "as JoyTag (top_tags.txt)")
        count = sum(1 for line in folder.text("top_tags.txt").splitlines() if line.strip())
    else:
        names = _labels(folder.json("config.json"))
        entry.found("tags.names", names, "config.json")
        entry.lacks("tags.threshold", "no file says from which score on a tag holds")
        count = len(names)
    _scores(entry, folder, graph, count)


def _wd(entry: Entry, folder: ModelFolder) -> int:
    name = "selected_tags.csv"
    entry.found("tags.file", name, name)
    entry.files.append(name)
    rows = csv.DictReader(io.StringIO(folder.text(name)))
    if not _COLUMNS.issubset(rows.fieldnames or ()):
        entry.lacks("tags.format", f"{name} lacks one of the columns {', '.join(sorted(_COLUMNS))}")
        return 0
    found = [str(row["category"]) for row in rows]
    codes = sorted(set(found))
    entry.found("tags.format", "wd-csv", name)
    entry.found("tags.spaces", True, name)
    entry.assume("tags.aliases", _ALIASES, "as all WD taggers")
    entry.found("tags.categories", {code: _CATEGORIES[code] for code in codes if code in _CATEGORIES}, name)
    entry.assume("tags.threshold", 0.35, "the default of the WD taggers' own code")
    thresholds = {"character": 0.85} if "4" in codes else {}
    if "9" in codes:
        entry.assume("tags.exclusive", ["rating"], "as all WD taggers")
        thresholds["rating"] = 0.0
    if thresholds:
        entry.assume("tags.thresholds", thresholds, "the default of the WD taggers' own code")
    return len(found)


def _scores(entry: Entry, folder: ModelFolder, graph: Signature, count: int) -> None:
    """Note whether the graph gives probabilities, and that it gives as many as there are tags."""
    output = next(iter(graph.outputs_of_rank(2)), None)
    if output is None:
        entry.lacks("tags.sigmoid", "the graph has no output with one score a tag")
        return
    if output.shape[-1] is not None and output.shape[-1] != count:
        entry.lacks("tags.file", f"the list has {count} tags, the graph gives {output.shape[-1]} scores")
    one_of_many = folder.json("config.json").get("problem_type") == "single_label_classification"
    if output.operator in ("Sigmoid", "Softmax"):
        entry.found("tags.sigmoid", False, f"the graph ends in {output.operator}")
    elif entry.get("tags.names") is not None and one_of_many:
        entry.lacks("tags.sigmoid", "the scores are of one choice among many and want a softmax, which the graph lacks")
    else:
        entry.assume("tags.sigmoid", True, f"the graph ends in {output.operator or 'an open end'}, not in Sigmoid")


def _labels(config: dict[str, Any]) -> list[str]:
    """Return the names of the classes of transformers' image classifiers in their order, or none."""
    labels = config.get("id2label")
    if not isinstance(labels, dict) or not 0 < len(labels) <= _MOST_NAMES:
        return []
    found = [labels.get(str(number)) for number in range(len(labels))]
    return [str(name) for name in found] if all(isinstance(name, str) and name for name in found) else []
