"""Network file systems, which send no notifications: another machine may change their files."""

from __future__ import annotations

import os
import re
from pathlib import Path

_NETWORK = re.compile(r"nfs|cifs|smb|9p$|afs$|ceph|gluster|lustre|gpfs|beegfs|ncpfs|davfs|fuse\.|virtiofs|vboxsf|drvfs")
_MOUNTS = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")


def is_network(path: str, mounts: Path = _MOUNTS) -> bool:
    """Tell whether a folder is on a file system that another machine or program serves; False where none can tell.

    Args:
        mounts: a table as in proc_pid_mountinfo(5).
    """
    try:
        lines = mounts.read_bytes().decode("utf-8", "surrogateescape").splitlines()
    except OSError:
        return False
    real = os.path.realpath(path)
    best, kind = "", ""
    for line in lines:
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) < 5 or not right:
            continue
        point = _OCTAL.sub(_character, fields[4])
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, right.split(" ")[0]
    return _NETWORK.match(kind) is not None


def _character(match: re.Match[str]) -> str:
    return chr(int(match[1], 8))
