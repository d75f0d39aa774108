"""Commands of ``dtk`` that are forked from a process which has loaded the program: most of a short command is loading.

Each is a process of its own with its own arguments, environment, output and exit status; what a start from nothing
does is left to the commands that are started from nothing.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


class Forking:
    """A process that runs commands of ``dtk`` one after the other.

    Args:
        folder: where it puts what they print.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parent = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )

    def run(self, arguments: Sequence[str | bytes], environ: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end."""
        out, err = self._folder / "out", self._folder / "err"
        files = [str(out), str(err)]
        order = [[os.fsdecode(argument) for argument in arguments], dict(environ), files]
        assert self._parent.stdin is not None and self._parent.stdout is not None
        self._parent.stdin.write(json.dumps(order).encode() + b"\n")
        self._parent.stdin.flush()
        status = int(self._parent.stdout.readline())
        return subprocess.CompletedProcess(list(arguments), status, out.read_bytes(), err.read_bytes())

    def end(self) -> None:
        """End the process."""
        self._parent.communicate(timeout=60)


def _command(arguments: Sequence[str], environ: Mapping[str, str], files: Sequence[str]) -> None:
    for number, file in enumerate(files, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["dtk", *arguments]
    from dtk_tui.__main__ import main

    main()


def _serve() -> None:
    for module in ("cli", "services.library.search", "store.database", "store.library.images"):
        importlib.import_module(f"dtk_tui.{module}")
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _command(*json.loads(line))
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    _serve()
