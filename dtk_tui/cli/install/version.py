"""--version: the version, and what it was built from."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from dtk_tui import __version__
from dtk_tui.shipped import shipped

_GIT_S = 5


def version_line() -> str:
    """Return the program, its version, and the commit that it was built from, or that a checkout is at."""
    return f"dtk {__version__}{_origin()}"


def _origin() -> str:
    built = shipped("build.json")
    try:
        return f" (built from {json.loads(built.read_bytes())['commit']})"
    except (OSError, ValueError, TypeError, KeyError):
        commit = _commit(built.parent)
        return f" (a checkout of {commit})" if commit else ""


def _commit(folder: Path) -> str:
    """Return the commit that a checkout is at, marked where it was changed; empty where it is none."""
    if not (folder / ".git").exists():
        return ""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--tags"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
