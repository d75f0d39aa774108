"""Isolated loading: a subprocess reads a file, so that what kills it is set aside and the worker lives on.

The other side of the pipe is this module run as a program: a line of JSON asks for a file, a line of JSON and the raw
arrays answer.
"""

from __future__ import annotations

import json
import math
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from dtk_tui.domain.looks import PerceptualHash
from dtk_tui.errors import DtkError, MissingFileError, UnreadableFileError
from dtk_tui.text import duration

#: The arrays of a picture, one a model, and what it looks like.
Prepared = tuple[tuple[npt.NDArray[np.uint8], ...], PerceptualHash]

#: How often is looked whether loading was ended from outside.
_LOOK_MS = 200
#: A process that was killed and has not ended after so long waits for a disk that does not answer: it is left behind.
_KILLED_S = 2.0
#: Who kills a whole group of processes kills the worker a moment later: it must not blame the file meanwhile.
_MOMENT_S = 0.3


#: Errors by the name under which they cross the pipe, the most special first.
_ERRORS: dict[str, type[DtkError]] = {
    "missing": MissingFileError,
    "unreadable": UnreadableFileError,
    "passing": DtkError,
}


class LoadingCancelledError(Exception):
    """Loading was ended from outside; nothing is known about the file."""


class _TooLongError(Exception):
    """The process has not answered in time."""


class IsolatedLoader:
    """Loads suspects in a subprocess, which is started when the first one comes.

    Args:
        longest_s: how long it may read one file, in seconds.
    """

    def __init__(self, longest_s: float = 120.0) -> None:
        self._longest_s = longest_s
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = threading.Event()
        self._lock = threading.Lock()

    def load(self, path: str, models: Sequence[str]) -> Prepared:
        """Decode a file and prepare it as each of some image models wants it; return the arrays and its look.

        Raises:
            MissingFileError: it is not there.
            UnreadableFileError: it cannot be decoded, or the process that read it died or did not end.
            DtkError: reading failed in a way that may pass.
            LoadingCancelledError: ``end`` was called meanwhile.
        """
        process = self._start()
        try:
            answer = _ask(process, path, models, time.monotonic() + self._longest_s, self._ended)
        except _TooLongError:
            self._drop(process)
            raise UnreadableFileError(
                f"Reading {path} takes longer than {duration(self._longest_s)}; it is set aside.",
                "A process that read nothing else was ended over it. Is its disk well? If so: dtk queue retry",
            ) from None
        if answer is not None:
            return answer
        status = self._drop(process)
        if self._ended.wait(_MOMENT_S):
            raise LoadingCancelledError
        raise UnreadableFileError(
            f"Reading {path} kills the program that does it; it is set aside.",
            f"A worker died of it, and then a process that read nothing else ended with {_named(status)}.",
        )

    def _start(self) -> subprocess.Popen[bytes]:
        with self._lock:
            self._ended.clear()
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "dtk_tui.services.worker.sandbox"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    bufsize=0,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,  # keys and signals meant for the worker do not reach it
                )
            return self._process

    def end(self) -> None:
        """End the process, whatever it reads; the next ``load`` starts another."""
        with self._lock:
            self._ended.set()
            process, self._process = self._process, None
        if process is not None:
            _end(process)

    def _drop(self, process: subprocess.Popen[bytes]) -> int | None:
        """End a process that is of no use any more; return its status."""
        with self._lock:
            if self._process is process:
                self._process = None
        return _end(process)


def _end(process: subprocess.Popen[bytes]) -> int | None:
    """Kill a process and return its status; None when it does not end even so."""
    process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_KILLED_S)
    return process.returncode


def _named(status: int | None) -> str:
    if status is None:
        return "no status"
    if status >= 0:
        return f"status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def _ask(
    process: subprocess.Popen[bytes],
    path: str,
    models: Sequence[str],
    until: float,
    ended: threading.Event,
) -> Prepared | None:
    """Return the arrays and the look, or None when the process died over it, or ``ended`` was set.

    Raises:
        _TooLongError: it has not answered by ``until`` (monotonic seconds).
    """
    if process.stdin is None or process.stdout is None:
        raise TypeError("the process of an isolated loader has pipes")
    try:
        asked = {"path": os.fsencode(path).hex(), "models": list(models)}
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        process.stdin.flush()
        line = bytearray()
        while not line.endswith(b"\n"):
            line += _read(process.stdout, 1, until, ended)
        answer: dict[str, Any] = json.loads(line)
        if "title" in answer:
            raise _ERRORS[answer["error"]](answer["title"], answer["detail"])
        data = [_read(process.stdout, math.prod(shape), until, ended) for shape in answer["shapes"]]
        arrays = (
            np.frombuffer(one, np.uint8).reshape(shape) for one, shape in zip(data, answer["shapes"], strict=True)
        )
        return tuple(arrays), PerceptualHash(*answer["look"])
    except (OSError, ValueError, EOFError):
        return None


def _read(source: IO[bytes], size: int, until: float, ended: threading.Event) -> bytes:
    """Read exactly so many bytes from a pipe without a buffer; EOFError when it ends before."""
    parts, left = [], size
    poll = select.poll()
    poll.register(source, select.POLLIN)
    while left > 0:
        if time.monotonic() > until:
            raise _TooLongError
        if ended.is_set():
            raise EOFError
        if poll.poll(_LOOK_MS):
            part = os.read(source.fileno(), min(left, 1 << 20))
            if not part:
                raise EOFError
            parts.append(part)
            left -= len(part)
    return b"".join(parts)


def main() -> None:
    """Read files as asked for on standard input until it ends."""
    from dtk_tui.config import AppPaths, load
    from dtk_tui.inference.manifest import load_manifest
    from dtk_tui.inference.preprocessing import Picture

    try:
        models = load().paths.models
    except DtkError:  # a config that was broken since the worker read it
        models = AppPaths().models

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not stand among the answers
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        arrays: list[npt.NDArray[np.uint8]] = []
        try:
            picture = Picture.open(os.fsdecode(bytes.fromhex(asked["path"])))
            specs = [load_manifest(models).get(name).image for name in asked["models"]]
            arrays = [picture.pixels(spec) for spec in specs if spec is not None]
            look = picture.look
            answer: dict[str, Any] = {
                "shapes": [list(array.shape) for array in arrays],
                "look": [look.bits, look.colours],
            }
        except DtkError as error:
            kind = next(name for name, one in _ERRORS.items() if isinstance(error, one))
            answer = {"title": error.title, "detail": error.detail, "error": kind}
            arrays = []
        out.write(json.dumps(answer).encode() + b"\n")
        for array in arrays:
            out.write(array.tobytes())
        out.flush()


if __name__ == "__main__":
    main()
