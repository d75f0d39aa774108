"""Pulling from the hub, with its real client and real HTTP, but no network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

from dtk_tui.inference import model_files
from tests.helpers.model_downloads import DATA, SHA, Silent, serving

_HUB = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from dtk_tui.errors import ModelError
from dtk_tui.inference import model_files, pull
from dtk_tui.inference.model_spec import ModelFile
from tests.helpers.model_downloads import SHA, tiny_spec
cases = (("good", "weights.bin", SHA), ("wrong", "weights.bin", "0" * 64), ("gone", "missing.bin", None))
for name, origin, sha in cases:
    spec = tiny_spec(name=name, source="hub", repository="who/tiny", revision="abc",
                 files=(ModelFile("model.bin", origin=origin, sha256=sha),))
    try:
        result = [pull.pull(spec, Path(sys.argv[2])), model_files.verify(spec, Path(sys.argv[2]))[0].condition]
    except ModelError as error:
        result = [str(error)]
    print(json.dumps(result))
"""


COMMIT = "0123456789" * 4


class _Hub(Silent, BaseHTTPRequestHandler):
    """Answers like the hub for one file at one revision; the first answer breaks off in the middle."""

    broken = False
    tokens: ClassVar[set[str | None]] = set()
    read_from: ClassVar[set[str]] = set()

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        _Hub.tokens.add(self.headers.get("Authorization"))
        revision = self.path.removeprefix("/who/tiny/resolve/").removesuffix("/weights.bin")
        if revision not in ("abc", COMMIT):
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        wanted = self.headers.get("Range")
        first = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
        self.send_response(206 if wanted else 200)
        self.send_header("ETag", f'"{SHA}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(DATA) - first))
        self.end_headers()
        if body:
            _Hub.read_from.add(revision)
        if body and first == 0 and not _Hub.broken:
            _Hub.broken = True
            self.wfile.write(DATA[:500_000])
            self.close_connection = True
        elif body:
            self.wfile.write(DATA[first:])


def _run_hub(models: Path, endpoint: str, **more: str) -> list[list[Any]]:
    root = Path(__file__).resolve().parents[2]
    environ = {**os.environ, "HF_ENDPOINT": endpoint, "no_proxy": "127.0.0.1", "HF_HOME": str(models / "hf"), **more}
    out = subprocess.run(
        [sys.executable, "-c", _HUB, str(root), str(models)], env=environ, cwd=root, capture_output=True, text=True
    )
    assert out.returncode == 0, out.stderr
    return [json.loads(line) for line in out.stdout.splitlines()]


def test_the_hub_is_resumed_checked_and_its_refusals_are_told(tmp_path: Path) -> None:
    with serving(_Hub) as port:
        good, wrong, gone = _run_hub(tmp_path, f"http://127.0.0.1:{port}", HF_TOKEN="hf_secret")
    assert _Hub.broken
    assert _Hub.tokens == {"Bearer hf_secret"}
    assert _Hub.read_from == {COMMIT}, "all files are of the commit that the revision stood for at first"
    assert model_files.recorded_source(tmp_path / "good") == {"repository": "who/tiny", "revision": COMMIT}
    assert good == [True, "ok"]
    assert (tmp_path / "good" / "model.bin").read_bytes() == DATA
    assert "not what the manifest names" in wrong[0]
    assert "does not have who/tiny/missing.bin" in gone[0]
    assert not (tmp_path / "wrong").exists()
    assert not (tmp_path / "gone").exists()


def test_without_a_network_the_cache_of_the_hub_serves(tmp_path: Path) -> None:
    repository = tmp_path / "hf" / "hub" / "models--who--tiny"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "abc").write_text(COMMIT)
    snapshot = repository / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (snapshot / "weights.bin").write_bytes(DATA)
    good, wrong, gone = _run_hub(tmp_path, "http://127.0.0.1:9", HF_HUB_OFFLINE="1")
    assert good == [True, "ok"]
    assert (tmp_path / "good" / "model.bin").read_bytes() == DATA
    assert model_files.recorded_source(tmp_path / "good")["revision"] == COMMIT
    assert "not what the manifest names" in wrong[0]
    assert "cannot be reached for who/tiny/missing.bin" in gone[0]
    assert "HF_HUB_OFFLINE is set" in gone[0]
