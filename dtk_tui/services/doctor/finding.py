"""One thing that the doctor looked at, and how it is to be taken."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a finding is to be taken: a note costs speed or comfort, with a fault something does not work."""

    OK = "ok"
    NOTE = "note"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``advice`` says what to do, empty when all is well."""

    subject: str
    verdict: Verdict
    detail: str
    advice: str = ""
