"""The process of one llama.cpp server: started on a free port of the loopback, waited for, and never left behind."""

from __future__ import annotations

import collections
import contextlib
import os
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import httpx

from dtk_tui.inference.captioner.base import UnavailableError

_CHILD = "dtk_tui.inference.captioner.llama_child"
#: Python packages that hold llama.cpp, and the modules that they install.
PACKAGES = {"xllamacpp": "xllamacpp", "llama-cpp-python": "llama_cpp"}
_POLL_S = 0.1
#: With requests under way llama.cpp's server does not end by itself.
_END_S = 2.0
_LOG_BYTES = 4_000_000
_BIND = re.compile(r"bind|address already in use", re.IGNORECASE)
#: llama.cpp's lines of errors: time, letter, place, text.
_ERROR = re.compile(r"^[\d.]+ E \S*\s*(?:\S+:\s)?(.*)")
_PORT_TRIES = 3
_SPAWNER = ThreadPoolExecutor(1, "dtk-llama-spawn")


class LlamaProcess:
    """A server process.

    Args:
        program: a llama-server, or one of ``PACKAGES`` that serves in its place.
        flags: of llama-server, but for host and port.
        device: number of the GPU that it sees; None lets it see all.
        log: file for what it says.
        timeout_s: the longest that loading its model may take.
    """

    def __init__(self, program: str, flags: Sequence[str], *, device: int | None, log: Path, timeout_s: float) -> None:
        self.key = secrets.token_hex(16)
        self._program = program
        self._flags = list(flags)
        self._device = device
        self._log = log
        self._timeout_s = timeout_s
        self._said: collections.deque[str] = collections.deque(maxlen=200)
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._ended = threading.Event()
        self.port = 0
        self.loading_since: float | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers.

        Raises:
            UnavailableError: it cannot start, with its own words.
        """
        self.loading_since = time.monotonic()
        try:
            for attempt in range(_PORT_TRIES):
                self._spawn()
                if self._wait_healthy(last=attempt == _PORT_TRIES - 1):
                    return
        except BaseException:
            self.stop()
            raise
        finally:
            self.loading_since = None

    def _spawn(self) -> None:
        self.port = _free_port()
        command = [sys.executable, "-m", _CHILD]
        if self._program in PACKAGES:
            command += ["--package", self._program]
        else:
            command += ["--run", self._program, "--no-webui"]
        command += [*self._flags, "--host", "127.0.0.1", "--port", str(self.port)]
        environ = os.environ | {"LLAMA_API_KEY": self.key, "OMP_WAIT_POLICY": "PASSIVE", "PYTHONUNBUFFERED": "1"}
        if self._device is not None:
            environ["CUDA_VISIBLE_DEVICES"] = str(self._device)
        self._said.clear()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        # Linux ends the child with the thread that started it: one that lives as long as this program.
        self._process = _SPAWNER.submit(
            subprocess.Popen,
            command,
            stdin=subprocess.PIPE,  # its end tells the child that nobody is here any more
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # keys of the terminal are meant for the app
            env=environ,
        ).result()
        if self._process.stdout is not None:
            self._reader = threading.Thread(
                target=self._read, args=(self._process.stdout,), name="dtk-llama-log", daemon=True
            )
            self._reader.start()

    def _read(self, source: IO[bytes]) -> None:
        """Keep what the server says: the last lines here, and the last megabytes in its log."""
        try:
            with source, self._log.open("wb") as log:
                for line in source:
                    self._said.append(line[:2000].decode("utf-8", "replace").rstrip())
                    if log.tell() > _LOG_BYTES:
                        log.seek(0)
                        log.truncate()
                    log.write(line)
                    log.flush()
        except (OSError, ValueError):  # a full disk must not stop the server's mouth
            with contextlib.suppress(OSError, ValueError):
                for line in source:
                    self._said.append(line[:2000].decode("utf-8", "replace").rstrip())

    def _wait_healthy(self, *, last: bool) -> bool:
        """Wait for the model; False when the port was taken meanwhile and another one may be tried."""
        end = time.monotonic() + self._timeout_s
        with httpx.Client(base_url=self.url, trust_env=False, timeout=5.0) as http:
            while not self._ended.is_set():
                if not self.is_alive:
                    words = self.last_words()
                    if _BIND.search(words) and not last:
                        return False
                    raise UnavailableError("The captioner's server cannot start.", f"{words} Its log: {self._log}")
                if time.monotonic() > end:
                    raise UnavailableError(
                        f"The captioner's server did not load its model within {self._timeout_s:g} s.",
                        f"{self.last_words()} Its log: {self._log}",
                    )
                try:
                    if http.get("/health").status_code == httpx.codes.OK and self._is_ours(http):
                        return True
                except httpx.HTTPError:
                    pass
                self._ended.wait(_POLL_S)
        raise UnavailableError("The captioner's server was stopped while it was loading its model.", retry_after_s=1.0)

    def _is_ours(self, http: httpx.Client) -> bool:
        """Say whether it is our server that answers on this port: it knows the key."""
        answer = http.get("/v1/models", headers={"Authorization": f"Bearer {self.key}"})
        return answer.status_code == httpx.codes.OK

    @property
    def pid(self) -> int | None:
        """Its process id, or None when it does not run."""
        return self._process.pid if self._process is not None and self.is_alive else None

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def has_died(self, within_s: float) -> bool:
        """Say whether the process ended, or does in a moment: a connection breaks before its process is gone."""
        if self._process is None:
            return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(within_s)
        return not self.is_alive

    def last_words(self) -> str:
        """Return what the server said of its errors, or at last, with how it ended."""
        if self._reader is not None and not self.is_alive:
            self._reader.join(1.0)
        said = [line for line in self._said if line.strip()]
        errors = [found.group(1) for line in said if (found := _ERROR.match(line))]
        words = " ".join(errors[:4] or said[-4:])[:1000] or "It said nothing."
        status = None if self._process is None else self._process.poll()
        if status is None:
            return words
        how = f"signal {-status}" if status < 0 else f"status {status}"
        return f"It ended with {how}: {words}"

    def stop(self) -> None:
        """End the process, whatever it does."""
        self._ended.set()
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        if process.stdin is not None:
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                pass
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._reader is not None:
            self._reader.join(_END_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
