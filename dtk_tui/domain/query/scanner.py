"""Reading a query line piece by piece, and saying where it cannot be read."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection
from datetime import date

from dtk_tui.domain.query.nodes import Negative, Node, Prompt
from dtk_tui.errors import UsageError
from dtk_tui.text import cell_width, display

_SPACE = re.compile(r"\s*")
_OR = re.compile(r"OR(?![^\s(\"])")
_NOT = re.compile(r"NOT(?![^\s(\"])")
_MINUS = re.compile(r"-(?=[^\s\-,)])")
_CONTEXT = 40  # characters shown on each side of an error


def query_error(line: str, at: int, message: str) -> UsageError:
    """Return the error to raise: the column (from 1), what was expected, and a line with a caret under the place."""
    start = max(0, at - _CONTEXT)
    before = ("\u2026" if start else "") + display(line[start:at])
    after = display(line[at : at + _CONTEXT]) + ("\u2026" if at + _CONTEXT < len(line) else "")
    shown = (before + after).replace("\n", " ").replace("\t", " ")
    return UsageError(f"Query, column {at + 1}: {message}.", f"{shown}\n{' ' * cell_width(before)}^")


class Scanner(ABC):
    """A place in a query line. Where the line ends a word depends on what it is, so there is no list of lexemes."""

    def __init__(self, line: str, today: date, token_start: re.Pattern[str]) -> None:
        self.line = line
        self.today = today
        self.pos = 0
        self.text: type[Prompt] | type[Negative] = Prompt
        self._token_start = token_start

    @abstractmethod
    def factor(self) -> Node:
        """Read one condition: a token, a term, a group, or the negation of one."""

    def error(self, message: str, at: int | None = None) -> UsageError:
        """Return the error to raise at ``at``, or at the current place."""
        return query_error(self.line, self.pos if at is None else at, message)

    def accept(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Move past ``pattern`` when it stands here."""
        match = pattern.match(self.line, self.pos)
        if match:
            self.pos = match.end()
        return match

    def accept_linked(self, link: re.Pattern[str], pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Move past ``link`` and ``pattern`` when both stand here, else stay: a dash may also negate what follows."""
        linked = link.match(self.line, self.pos)
        match = pattern.match(self.line, linked.end()) if linked else None
        if match:
            self.pos = match.end()
        return match

    def peek(self) -> str:
        """Return the next character, or "" at the end."""
        return self.line[self.pos : self.pos + 1]

    def skip_space(self) -> None:
        """Move past white space."""
        self.accept(_SPACE)

    def accept_or(self) -> bool:
        """Move past OR."""
        return self.accept(_OR) is not None

    def accept_not(self) -> bool:
        """Move past NOT or a minus sign that touches what it negates."""
        return self.accept(_NOT) is not None or self.accept(_MINUS) is not None

    def accept_token(self) -> str | None:
        """Move past the name of a token and its colon, and return the name in lower case."""
        match = self.accept(self._token_start)
        return match.group(1).lower() if match else None

    def at_end_of_value(self) -> bool:
        """Whether nothing stands here that could belong to the value before."""
        char = self.peek()
        return not char or char.isspace() or char in ",)"

    def quoted(self) -> str | None:
        """Read a quoted text, in which two quotes stand for one; None when no quote stands here."""
        if self.peek() != '"':
            return None
        start = end = self.pos + 1
        while True:
            end = self.line.find('"', end)
            if end < 0:
                raise self.error('expected a closing " for the quote that opens here')
            if self.line[end + 1 : end + 2] != '"':
                break
            end += 2
        self.pos = end + 1
        return self.line[start:end].replace('""', '"')

    def word(self, stops: str = "") -> str:
        """Read up to white space, one of ``stops``, or a bracket that was not opened within the word; may be empty.

        A comma that ends the word is left where it stands. A bracket after a backslash is an ordinary character, as
        it is in prompts.
        """
        start, opened = self.pos, 0
        while (char := self.peek()) and not char.isspace() and char not in stops:
            if char == "\\" and self.line[self.pos + 1 : self.pos + 2] in ("(", ")"):
                self.pos += 1
            elif char == "(":
                opened += 1
            elif char == ")":
                if not opened:
                    break
                opened -= 1
            self.pos += 1
        while self.pos > start and self.line[self.pos - 1] == ",":
            self.pos -= 1
        return self.line[start : self.pos]

    def phrase(self, stops: str = ",") -> str:
        """Read a quoted text, or words up to one of ``stops``, an operator, a bracket or a token; may be empty."""
        text = self.quoted()
        if text is not None:
            return text.strip()
        start = end = self.pos
        while self.word(stops):
            end = self.pos
            self.skip_space()
            if self.starts_condition():
                break
        self.pos = end
        return self.line[start:end]

    def starts_condition(self, but: Collection[str] = ()) -> bool:
        """Whether another condition may begin here; with a "quote" or a "minus" unless those are in ``but``."""
        char = self.peek()
        return (
            char in ("(", ")")
            or (char == '"' and "quote" not in but)
            or _OR.match(self.line, self.pos) is not None
            or _NOT.match(self.line, self.pos) is not None
            or (_MINUS.match(self.line, self.pos) is not None and "minus" not in but)
            or self._token_start.match(self.line, self.pos) is not None
        )
