#!/usr/bin/env bash
# Surprise: the extra `cuda` of onnxruntime-gpu does not bring cuBLAS, which its CUDA provider needs.
# Packages: onnxruntime-gpu 1.31.1, nvidia-cudnn-cu13 9.24.0.43 (read at the index; nothing is installed)
# Guess:    onnxruntime-gpu[cuda] brings the libraries of CUDA that it needs, and [cudnn] adds cuDNN to them.
# Really:   [cuda] names nvrtc, runtime, cufft and curand, and [cudnn] names cuDNN alone. cuBLAS comes as a requirement
#           of cuDNN's wheel, and the package preloads it for CUDA: with [cuda] and a cuDNN from elsewhere (conda, the
#           system) there is none.
# Matters:  images of containers with cuDNN in them: the provider does not load, and models run on the processor.
# Remedy:   install both extras, or name nvidia-cublas beside [cuda].
set -euo pipefail
"${PYTHON:-python3.11}" - <<'PY'
import io
import json
import os
import re
import sys
import urllib.request
import zipfile
from email import message_from_bytes

INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")


def fetch(url: str, accept: str = "*/*") -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept})) as answer:
        return answer.read()


class Remote(io.RawIOBase):
    """A file behind an address, read in ranges: of a wheel of 300 MB a few kB are wanted."""

    def __init__(self, url: str) -> None:
        self.url, self.at = url, 0
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD")) as answer:
            self.size = int(answer.headers["Content-Length"])

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset + (0, self.at, self.size)[whence]
        return self.at

    def readinto(self, buffer) -> int:
        count = min(len(buffer), self.size - self.at)
        if count <= 0:
            return 0
        wanted = {"Range": f"bytes={self.at}-{self.at + count - 1}"}
        with urllib.request.urlopen(urllib.request.Request(self.url, headers=wanted)) as answer:
            data = answer.read(count)
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)


def read(url: str, name: str) -> bytes:
    """Return one file of a wheel."""
    with zipfile.ZipFile(io.BufferedReader(Remote(url), 1 << 16)) as wheel:
        return wheel.read(name)


def address(project: str, version: str) -> str:
    """Return where the index has the wheel for Linux (PEP 691)."""
    page = json.loads(fetch(f"{INDEX}/{project}/", "application/vnd.pypi.simple.v1+json"))
    wheel = re.compile(f"{project.replace('-', '_')}-{re.escape(version)}-(cp311-cp311|py3-none)-manylinux.*x86_64.whl")
    return next(file["url"] for file in page["files"] if wheel.fullmatch(file["filename"]))


def required(project: str, version: str, extra: str | None = None) -> list[str]:
    """Return the projects that it requires, for an extra or without one."""
    name = f"{project.replace('-', '_')}-{version}.dist-info/METADATA"
    lines = message_from_bytes(read(address(project, version), name)).get_all("Requires-Dist") or []
    marker = f'extra == "{extra}"'
    wanted = [line for line in lines if (marker in line.replace("'", '"') if extra else "extra" not in line)]
    return sorted(re.split(r"[^A-Za-z0-9_-]", line, maxsplit=1)[0] for line in wanted)


def expect(what: str, seen: object, known: object) -> None:
    print(f"{what}: {seen}")
    if seen != known:
        sys.exit(f"CHANGED: {what} was {known}")


runtime, cudnn = ("onnxruntime-gpu", "1.31.1"), ("nvidia-cudnn-cu13", "9.24.0.43")
parts = ["nvidia-cuda-nvrtc", "nvidia-cuda-runtime", "nvidia-cufft", "nvidia-curand"]
expect("onnxruntime-gpu 1.31.1 [cuda]", required(*runtime, "cuda"), parts)
expect("onnxruntime-gpu 1.31.1 [cudnn]", required(*runtime, "cudnn"), ["nvidia-cudnn-cu13"])
program = read(address(*runtime), "onnxruntime/__init__.py").decode()
expect("the package itself preloads cuBLAS for CUDA", "libcublasLt.so" in program, True)
expect("nvidia-cudnn-cu13 9.24.0.43", required(*cudnn), ["nvidia-cublas"])
PY
echo "as known"
