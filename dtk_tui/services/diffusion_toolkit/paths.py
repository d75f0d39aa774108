"""Paths as Diffusion Toolkit stores them: of Windows, of a network share, with mixed separators, or of POSIX."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from dtk_tui.errors import UsageError

#: Bytes of a file name: file systems know 255 characters, an index of PostgreSQL no more than 2704 bytes.
LONGEST_NAME = 2000
_DRIVE = re.compile(r"[A-Za-z]:$")


def is_windows(path: str) -> bool:
    """Whether a path is one of Windows: only there ``\\`` separates."""
    return not path.startswith("/") and ("\\" in path or _DRIVE.match(path[:2]) is not None)


def split(path: str) -> tuple[str, str]:
    """Return (folder, file name).

    The folder of a file in a drive's or the file system's root keeps its separator, as one does that would not be known
    to be of Windows without.
    """
    at = max(path.rfind("/"), path.rfind("\\")) if is_windows(path) else path.rfind("/")
    folder, name = path[:at] if at >= 0 else "", path[at + 1 :]
    is_root = at >= 0 and (not folder or _DRIVE.match(folder) or folder == "\\")
    if is_root or (is_windows(path) and not is_windows(folder)):
        folder = path[: at + 1]
    return folder, name


def join(folder: str, name: str) -> str:
    """Return the path of ``name`` in ``folder``, with the separator of the folder."""
    if not folder or folder.endswith("/") or (is_windows(folder) and folder.endswith("\\")):
        return folder + name
    return folder + ("\\" if is_windows(folder) else "/") + name


def unify_separators(path: str) -> str:
    """Return a path with one kind of separator, to find folders that are written in two ways."""
    return path.replace("/", "\\") if is_windows(path) else path


def strip_separators(folder: str) -> str:
    """Return a folder's path without separators at its end, except that of a root."""
    ends = "/\\" if is_windows(folder) else "/"
    bare = folder.rstrip(ends)
    if not bare and folder.startswith("\\\\"):
        return folder[:2]
    if not bare or _DRIVE.match(bare) or (is_windows(folder) and not is_windows(bare)):
        return folder[: len(bare) + 1]
    return bare


def parent(folder: str) -> str | None:
    """Return the folder above, or None for a root: ``/``, a drive, a network share."""
    if folder.startswith(("\\\\", "//")):
        parts = re.split(r"[\\/]", folder)
        first = 7 if folder[2:3] in {"?", "."} and parts[3:4] and parts[3].upper() == "UNC" else 5
        if folder[2:3] in {"?", "."}:
            first = max(first, 5)
        if len(parts) < first:
            return None
    above = split(folder)[0]
    return None if not above or above == folder or above in {"\\\\", "\\"} else above


class Mapping:
    """Prefixes of paths that lie elsewhere on this machine: the longest match wins, separators and case are one.

    Args:
        pairs: (from, to) as given by ``--map FROM=TO``.
    """

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        keyed = [(_key(strip_separators(old)), new) for old, new in pairs]
        self._pairs = sorted(keyed, key=lambda pair: -len(pair[0]))

    def apply(self, path: str) -> str:
        """Return where ``path`` is on this machine; the very same text when no prefix matches."""
        if not self._pairs:
            return path
        bare = path
        if path.startswith("\\\\?\\"):
            bare = "\\\\" + path[8:] if path[4:8].upper() == "UNC\\" else path[4:]
        key = _key(bare)
        for old, new in self._pairs:
            if key == old or key.startswith(old if old.endswith("/") else old + "/"):
                rest = bare[len(old) :].lstrip("/\\")
                if is_windows(new):
                    return join(strip_separators(new), rest) if rest else strip_separators(new)
                rest = rest.replace("\\", "/") if is_windows(path) else rest
                return new.rstrip("/") + "/" + rest if rest else strip_separators(new)
        return path


def _key(path: str) -> str:
    """Return a path with one kind of separator and case, as long as it was: Turkish dotted I becomes two letters."""
    if not is_windows(path):
        return path
    bare = path.replace("\\", "/")
    lower = bare.lower()
    return lower if len(lower) == len(bare) else "".join(c.lower() if len(c.lower()) == 1 else c for c in bare)


def parse_map(text: str) -> tuple[str, str]:
    """Return (from, to) of one ``FROM=TO``.

    Raises:
        UsageError: there is no ``=``, a side is empty, or TO is no whole path.
    """
    old, sign, new = text.partition("=")
    if not sign or not old or not new:
        raise UsageError(f"--map {text} is not FROM=TO.", "For example: --map 'D:\\AI=/mnt/ai'")
    # The shell leaves a ~ behind the sign alone.
    new = os.path.expanduser(new)  # noqa: PTH111 (surrogates must survive)
    if not new.startswith("/") and not is_windows(new):
        raise UsageError(
            f"--map {text} leads to {new}, which is not a whole path.",
            f"Begin with a slash, perhaps: --map '{old}={os.path.abspath(new)}'",  # noqa: PTH100
        )
    return old, new
