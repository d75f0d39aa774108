"""A command on a disk that is too small: a tmpfs that only this command sees, in a mount namespace of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

_CANNOT = 77
# What lies in the folder before is copied onto the disk, and what is left on it beside the folder.
_SCRIPT = f"""
size=$1 disk=$2; shift 2
mv "$disk" "$disk.before" && mkdir "$disk" && mount -t tmpfs -o size="$size" tmpfs "$disk" || exit {_CANNOT}
cp -a "$disk.before/." "$disk/" || exit {_CANNOT}
"$@"
status=$?
cp -a "$disk" "$disk.after"
exit $status
"""


@dataclass(frozen=True, slots=True)
class OnSmallDisk:
    """How a command ended, what it said on standard error, and the folder with what is on the disk after it."""

    status: int
    error: str
    after: Path


def run_on_small_disk(disk: Path, kilobytes: int, command: list[str], environ: Mapping[str, str]) -> OnSmallDisk:
    """Run a command while a folder is a disk of so many kilobytes; the test is skipped where none can be mounted.

    Args:
        disk: a folder; what is in it is on the disk at the begin.
    """
    if shutil.which("unshare") is None:
        pytest.skip("no file systems can be mounted here")
    alone = ["unshare", "--mount", *([] if os.getuid() == 0 else ["--map-root-user"])]
    done = subprocess.run(
        [*alone, "/bin/sh", "-c", _SCRIPT, "small-disk", f"{kilobytes}k", str(disk), *command],
        env=dict(environ),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == _CANNOT or "unshare failed" in done.stderr:
        pytest.skip("no file systems can be mounted here")
    return OnSmallDisk(done.returncode, " ".join(done.stderr.split()), disk.with_name(f"{disk.name}.after"))
