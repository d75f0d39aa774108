"""Queries that people keep: saved ones by name, and those that they asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A query with a name.

    Attributes:
        line: the query line; None where one of Diffusion Toolkit could not be translated, for the reason ``problem``.
    """

    id: int
    name: str
    line: str | None
    problem: str | None
    is_pinned: bool
    modified_at: datetime
