"""Isolated loading: a subprocess reads a file, so that what kills it is set aside and the worker lives on.

The other side of the pipe is this module run as a program: a line of JSON asks for a file, a line of JSON and the raw
arrays answer.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from dtk_tui.domain.looks import PerceptualHash
from dtk_tui.errors import DtkError, UnreadableFileError

#: The arrays of a picture, one a model, and what it looks like.
Prepared = tuple[tuple[npt.NDArray[np.float32], ...], PerceptualHash]

#: A file that takes longer is set aside too.
_LONGEST_S = 120.0
#: Who kills a whole group of processes kills the worker a moment later: it must not blame the file meanwhile.
_MOMENT_S = 0.3


class LoadingCancelledError(Exception):
    """Loading was ended from outside; nothing is known about the file."""


class IsolatedLoader:
    """Loads suspects in a subprocess, which is started when the first one comes."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = threading.Event()
        self._lock = threading.Lock()

    def load(self, path: str, models: Sequence[str]) -> Prepared:
        """Decode and prepare a file as each of some image models wants it; return the arrays, and what it looks like.

        Raises:
            UnreadableFileError: it cannot be decoded, or the process that read it died or did not end.
            DtkError: reading failed in a way that may pass.
            LoadingCancelledError: ``end`` was called meanwhile.
        """
        process = self._start()
        timer = threading.Timer(_LONGEST_S, process.kill)
        timer.daemon = True
        timer.start()
        try:
            answer = _ask(process, path, models)
        finally:
            timer.cancel()
        if answer is not None:
            return answer
        status = process.wait()
        with self._lock:
            self._process = None
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
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def _named(status: int) -> str:
    if status >= 0:
        return f"status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def _ask(process: subprocess.Popen[bytes], path: str, models: Sequence[str]) -> Prepared | None:
    """Return the arrays and the look, or None when the process died over it."""
    if process.stdin is None or process.stdout is None:
        raise TypeError("the process of an isolated loader has pipes")
    try:
        process.stdin.write(json.dumps({"path": os.fsencode(path).hex(), "models": list(models)}).encode() + b"\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line.endswith(b"\n"):
            return None
        answer: dict[str, Any] = json.loads(line)
        if "title" in answer:
            kind = UnreadableFileError if answer["permanent"] else DtkError
            raise kind(answer["title"], answer["detail"])
        arrays = tuple(_read(process.stdout, shape) for shape in answer["shapes"])
        return arrays, PerceptualHash(*answer["look"])
    except (OSError, ValueError, EOFError):
        return None


def _read(source: IO[bytes], shape: Sequence[int]) -> npt.NDArray[np.float32]:
    size = 4 * math.prod(shape)
    data = source.read(size)
    if len(data) < size:
        raise EOFError
    return np.frombuffer(data, np.float32).reshape(shape)


def main() -> None:
    """Read files as asked for on standard input until it ends."""
    from dtk_tui.inference import preprocessing
    from dtk_tui.inference.manifest import load_manifest

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not stand among the answers
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        arrays: list[npt.NDArray[np.float32]] = []
        look = PerceptualHash(None, 0)
        try:
            for name in asked["models"]:
                spec = load_manifest().get(name).image
                if spec is not None:
                    array, look = preprocessing.load_and_hash(os.fsdecode(bytes.fromhex(asked["path"])), spec)
                    arrays.append(array)
            answer: dict[str, Any] = {
                "shapes": [list(array.shape) for array in arrays],
                "look": [look.bits, look.colour],
            }
        except DtkError as error:
            permanent = isinstance(error, UnreadableFileError)
            answer = {"title": error.title, "detail": error.detail, "permanent": permanent}
            arrays = []
        out.write(json.dumps(answer).encode() + b"\n")
        for array in arrays:
            out.write(np.ascontiguousarray(array, np.float32).tobytes())
        out.flush()


if __name__ == "__main__":
    main()
