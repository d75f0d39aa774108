"""The inputs of one node, worked out: what a node that computes is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dtk_tui.metadata import values
from dtk_tui.metadata.comfy.computing.patterns import Patterns
from dtk_tui.metadata.comfy.computing.undecidable import UndecidableError

#: Longer texts are no prompts.
TEXT_CHARS = 1_000_000


class NodeInputs:
    """Inputs by name, and the output (``slot``) that is asked for; what depends on the run raises UndecidableError."""

    def __init__(
        self, kind: str, slot: int, inputs: dict[str, Any], evaluate: Callable[[object], object], patterns: Patterns
    ) -> None:
        self.kind = kind
        self.slot = slot
        self.patterns = patterns
        self._inputs = inputs
        self._evaluate = evaluate

    def __contains__(self, name: str) -> bool:
        return name in self._inputs

    def names(self, prefix: str = "") -> Iterator[str]:
        """Yield the names that begin with ``prefix``, in the order of the graph."""
        return (name for name in self._inputs if name.startswith(prefix))

    def raw(self, name: str) -> object:
        """Return what stands in the graph itself; None where there is nothing or a link."""
        found = self._inputs.get(name)
        return None if isinstance(found, list) and len(found) == 2 and not isinstance(found[0], dict) else found

    def value(self, name: str, default: object = None) -> object:
        """Return a value: a text, a number or a boolean."""
        if name in self._inputs and self._inputs[name] is not None:
            return self._evaluate(self._inputs[name])
        if default is None:
            raise UndecidableError
        return default

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text."""
        found = self.value(name, default)
        if not isinstance(found, str) or len(found) > TEXT_CHARS:
            raise UndecidableError
        return found

    def integer(self, name: str, default: int | None = None) -> int:
        """Return a whole number."""
        found = values.whole(self.value(name, default), -(2**63), 2**63)
        if found is None:
            raise UndecidableError
        return found

    def flag(self, name: str, default: bool | None = None) -> bool:
        """Return a boolean; widgets of older nodes say it with a word."""
        found = self.value(name, default)
        if isinstance(found, str):
            found = {"true": True, "yes": True, "false": False, "no": False}.get(found.lower())
        if not isinstance(found, (bool, int)):
            raise UndecidableError
        return bool(found)

    def texts(self, *names: str) -> list[str]:
        """Return the texts of those of ``names`` that there are; "" for the others."""
        return [self.text(name, "") for name in names]


def replaced(text: str, find: str, replace: str, count: int = -1) -> str:
    """Return ``text.replace(find, replace, count)`` unless it would grow beyond any prompt."""
    if len(text) + (text.count(find) if find else len(text) + 1) * len(replace) > TEXT_CHARS:
        raise UndecidableError
    return text.replace(find, replace, count)


def joined(delimiter: str, texts: list[str]) -> str:
    """Return ``delimiter.join(texts)`` unless that is longer than any prompt."""
    if sum(map(len, texts)) + len(texts) * len(delimiter) > TEXT_CHARS:
        raise UndecidableError
    return delimiter.join(texts)
