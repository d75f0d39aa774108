"""The time zone of this host, by the name that databases know."""

from __future__ import annotations

import os
from pathlib import Path
from zoneinfo import available_timezones


def host_zone() -> str:
    """Return the IANA name of this host's time zone, or UTC where it has none."""
    named = os.environ.get("TZ", "").lstrip(":")
    if named in available_timezones():
        return named
    for path in (Path("/etc/localtime"),):
        parts = os.path.realpath(path).split("/zoneinfo/")
        if len(parts) == 2 and parts[1] in available_timezones():
            return parts[1]
    try:
        text = Path("/etc/timezone").read_text(encoding="utf-8").strip()
    except OSError:
        return "UTC"
    return text if text in available_timezones() else "UTC"
