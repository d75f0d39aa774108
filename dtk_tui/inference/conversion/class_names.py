"""The names of ImageNet's 1,000 classes, out of WordNet's words for them."""

from __future__ import annotations

from pathlib import Path

from dtk_tui.errors import ModelError

#: Bound for the lists, in bytes.
_MOST_BYTES = 8 << 20


def class_names(synsets: Path, lemmas: Path) -> list[str]:
    """Return one name a class, each once, in the order of the classes.

    Two classes may share their first word (crane: a bird and a machine): one that has another word is called by that,
    and of the rest all but the first by their numbers.

    Args:
        synsets: the id of WordNet of each class, a line a class, in their order.
        lemmas: id, a tab, and words with commas between, a line an id.

    Raises:
        ModelError: the files are no such lists.
    """
    try:
        ids = _text(synsets).split()
        words = dict(line.split("\t", 1) for line in _text(lemmas).splitlines() if line)
        choices = [[word.strip() for word in words[one].split(",") if word.strip()] for one in ids]
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{lemmas} has no names for the classes of {synsets}.", f"{error}.") from error
    if not all(choices):
        raise ModelError(f"{lemmas} has no names for the classes of {synsets}.", "A class has no word.")
    return _distinct(choices)


def _text(path: Path) -> str:
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{path.name} is too large")
    return path.read_text(encoding="utf-8")


def _distinct(choices: list[list[str]]) -> list[str]:
    firsts = [words[0].lower() for words in choices]
    taken = {first for first in firsts if firsts.count(first) == 1}
    names = []
    for number, (first, words) in enumerate(zip(firsts, choices, strict=True)):
        name = words[0]
        if firsts.count(first) > 1:
            others = [word for word in words if word.lower() not in taken and word.lower() not in firsts]
            plain = name if first not in taken else f"{name} {number}"
            name = others[0] if others else plain
            taken.add(name.lower())
        names.append(name)
    return names
