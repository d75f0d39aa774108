"""Regular expressions of strangers, run as Python's ``re`` runs them; as a program of its own it can be stopped.

Started as a program it reads one request as JSON from standard input and prints the answer: it may import nothing but
the standard library.
"""

from __future__ import annotations

import json
import re
import sys

#: More matches, or a longer result, is no prompt.
MATCH_LIMIT, RESULT_CHARS = 10_000, 1_000_000


def matches(pattern: str, flags: int, text: str) -> list[list[str | None]]:
    """Return the groups of every match, the whole match first.

    Raises:
        re.error: the pattern is none.
        OverflowError: there are more than anybody would want.
    """
    found: list[list[str | None]] = []
    for match in re.finditer(pattern, text, flags):
        found.append([match[0], *match.groups()])
        if len(found) > MATCH_LIMIT:
            raise OverflowError("too many matches")
    return found


def substitute(pattern: str, flags: int, text: str, replacement: str, count: int) -> str:
    """Return what ``re.sub`` returns.

    Raises:
        re.error: the pattern or the replacement is none.
        OverflowError: the result is longer than any prompt.
    """
    size = 0

    def expanded(match: re.Match[str]) -> str:
        nonlocal size
        part = match.expand(replacement)
        size += len(part)
        if size > RESULT_CHARS:
            raise OverflowError("too long")
        return part

    return re.sub(pattern, expanded, text, count=max(count, 0), flags=flags)


def _main() -> None:
    request = json.load(sys.stdin)
    try:
        if "replacement" in request:
            answer: object = substitute(**request)
        else:
            answer = matches(**request)
    except re.error as error:
        json.dump({"error": str(error)}, sys.stdout)
    else:
        json.dump({"answer": answer}, sys.stdout)


if __name__ == "__main__":
    _main()
