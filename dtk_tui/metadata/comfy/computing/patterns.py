"""Regular expressions that a graph holds: run at once where they are harmless, else in a process with a time limit."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import warnings
from functools import lru_cache
from typing import Any

from dtk_tui.metadata.comfy.computing import regex_process
from dtk_tui.metadata.comfy.computing.undecidable import UndecidableError

_PATTERN_CHARS, _TEXT_CHARS = 2000, 100_000
#: So many steps take about a tenth of a second.
_HARMLESS_STEPS = 3_000_000
_LIMIT_S = 1.0
_FAILURES = (OverflowError, RecursionError, MemoryError, ValueError)
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_CLASS = re.compile(r"\[\^?\]?[^\]]*\]")
_REPEATED_GROUP = re.compile(r"\)(?:[*+]|\{\d*,?\d*\})")
_REPEAT = re.compile(r"[*+]|\{\d*,?\d*\}")


class Patterns:
    """Regular expressions of one graph; together they may take a limited time."""

    def __init__(self) -> None:
        self.seconds_left = _LIMIT_S

    def first(self, pattern: str, flags: int, text: str) -> list[str | None] | None:
        """Return the groups of the first match, the whole match first, or None.

        Raises:
            re.error: the pattern is none.
            UndecidableError: it takes too long.
        """
        found = self.all(pattern, flags, text)
        return found[0] if found else None

    def all(self, pattern: str, flags: int, text: str) -> list[list[str | None]]:
        """Return the groups of every match, the whole match first. Raises as ``first`` does."""
        found: list[list[str | None]] = self._run({"pattern": pattern, "flags": int(flags), "text": text})
        return found

    def substitute(self, pattern: str, flags: int, text: str, replacement: str, count: int = 0) -> str:
        """Return what ``re.sub`` returns. Raises as ``first`` does."""
        request = {"pattern": pattern, "flags": int(flags), "text": text, "replacement": replacement, "count": count}
        return str(self._run(request))

    def _run(self, request: dict[str, Any]) -> Any:
        pattern, text = request["pattern"], request["text"]
        if max(len(pattern), len(request.get("replacement", ""))) > _PATTERN_CHARS or len(text) > _TEXT_CHARS:
            raise UndecidableError
        if not _is_harmless(pattern, len(text)):
            return self._in_process(json.dumps(request))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return (regex_process.substitute if "replacement" in request else regex_process.matches)(**request)
        except re.error:
            raise
        except _FAILURES as error:
            raise UndecidableError from error

    def _in_process(self, request: str) -> Any:
        """Return the answer of a process, which ends with the time that is left."""
        if self.seconds_left <= 0:
            raise UndecidableError
        started = time.monotonic()
        try:
            answer = _answer(request, self.seconds_left)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            raise UndecidableError from error
        finally:
            self.seconds_left -= time.monotonic() - started
        if "error" in answer:
            raise re.error(answer["error"])
        return answer["answer"]


def _is_harmless(pattern: str, size: int) -> bool:
    """Return whether no text of ``size`` characters keeps ``re`` busy: no repeat within a repeat, and few of them."""
    plain = _CLASS.sub("c", _ESCAPED.sub("e", pattern))
    if _REPEATED_GROUP.search(plain) or plain.count("?") > 12:
        return False
    repeats = max(len(_REPEAT.findall(part)) for part in plain.split("|"))
    return bool((size + 1.0) ** (repeats + 1) * 2 ** plain.count("?") <= _HARMLESS_STEPS)


@lru_cache(maxsize=256)
def _answer(request: str, limit_s: float) -> dict[str, Any]:
    """Run a request in a process of its own."""
    command = [sys.executable, "-I", "-S", "-W", "ignore", regex_process.__file__]
    done = subprocess.run(command, input=request, capture_output=True, encoding="utf-8", timeout=limit_s, check=False)
    answer = json.loads(done.stdout)
    return answer if isinstance(answer, dict) else {}
