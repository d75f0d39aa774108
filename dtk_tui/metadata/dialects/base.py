"""What every dialect is: a function that reads generation parameters out of the metadata fields that it recognises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dtk_tui.domain.parameters import GenerationParameters
from dtk_tui.metadata.fields import MetadataFields


@dataclass(frozen=True, slots=True)
class DialectReading:
    """What a dialect has read, and its name."""

    dialect: str
    parameters: GenerationParameters


#: Returns None for fields of another dialect.
DialectReader = Callable[[MetadataFields], DialectReading | None]
