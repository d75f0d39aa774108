"""Midjourney: one ``Description`` of the prompt, options such as ``--ar 16:9``, and ``Job ID:`` at its end."""

from __future__ import annotations

import re

from dtk_tui.domain.parameters import GenerationParameters
from dtk_tui.metadata import values
from dtk_tui.metadata.dialects.base import DialectReading
from dtk_tui.metadata.fields import MetadataFields

_KEYS = ("Description", "ImageDescription")
_JOB = re.compile(r"\s*\bJob ID: *[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\s*$")
_OPTION = re.compile(r"\s(?:--|\u2014)(?=[a-z])")


def read(fields: MetadataFields) -> DialectReading | None:
    """Return the parameters of a Midjourney picture."""
    for key in _KEYS:
        text = fields.texts.get(key)
        if text and "Job ID:" in text and (match := _JOB.search(text[-200:])):
            return DialectReading("midjourney", _parameters(text[: max(len(text) - 200, 0) + match.start()]))
    return None


def _parameters(line: str) -> GenerationParameters:
    """Return what a line of prompt and options says; what is unwanted stands behind ``--no``."""
    prompt, *rest = _OPTION.split(f" {line}")
    options = {name: value.strip() for name, _, value in (part.partition(" ") for part in rest)}
    return GenerationParameters(
        prompt=values.prompt(prompt),
        negative_prompt=options.get("no", ""),
        seed=values.seed(options.get("seed")),
    )
