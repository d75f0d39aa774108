"""The real llama.cpp with a tiny model: captions, its cache, and that it is never left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import convert, json
from PIL import Image

from dtk_tui.errors import ModelError
from dtk_tui.inference.captioner import picture
from dtk_tui.inference.captioner.base import Question, RefusedRequestError, Sampling, ServerDiedError, UnavailableError
from dtk_tui.inference.captioner.connection import check_connection
from dtk_tui.inference.captioner.llama_server import LlamaCaptioner
from dtk_tui.settings import CaptionSettings
from tests.helpers.processes import children_of, is_running, wait_for_end

SAMPLING = Sampling(max_tokens=64)
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


def _settings(pair: tuple[Path, Path], **more: object) -> CaptionSettings:
    given = {"model": str(pair[0]), "projector": str(pair[1]), "slots": 2, "context": 1024, "timeout_s": 60} | more
    return convert(given, CaptionSettings)


@pytest.fixture(scope="module")
def captioner(llava_pair: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaCaptioner]:
    started = LlamaCaptioner(_settings(llava_pair), tmp_path_factory.mktemp("log") / "logs" / "captioner.log")
    yield started
    started.close()


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("picture") / "picture.webp"
    Image.effect_mandelbrot((320, 200), (-2, -1.5, 1, 1.5), 50).convert("RGB").save(file, lossless=True)
    return picture.encode(str(file), (56, 56))


def test_it_captions_and_has_the_picture_in_its_cache_for_the_next_question(
    captioner: LlamaCaptioner, encoded: bytes
) -> None:
    assert captioner.picture_size() == (56, 56), "as the projector says"
    questions = [
        Question(f"Write {what}.", "You caption.", SAMPLING, seed) for seed, what in enumerate(("this", "that"))
    ]
    first, second = (captioner.ask(encoded, question, slot=1) for question in questions)
    assert first.text.strip()[0].isalpha()
    assert second.cached_tokens >= 16 + 10 > first.cached_tokens, "the picture is 16 tokens"
    assert first.prompt_tokens > second.prompt_tokens - second.cached_tokens
    pieces: list[str] = []
    streamed = captioner.ask(encoded, questions[1], slot=1, on_text=pieces.append)
    assert "".join(pieces) == streamed.text and len(pieces) > 1
    assert streamed.tokens > 0 and streamed.cached_tokens > 0, "they stand in a chunk without choices"


def test_a_stream_is_stopped_by_who_reads_it(captioner: LlamaCaptioner, encoded: bytes) -> None:
    class EnoughError(Exception):
        pass

    def stop(piece: str) -> None:
        raise EnoughError

    question = Question("Write a lot.", "", Sampling(max_tokens=900))
    with pytest.raises(EnoughError):
        captioner.ask(encoded, question, slot=0, on_text=stop)
    assert captioner.ask(encoded, Question("Write.", "", SAMPLING), slot=0).tokens > 0, "the slot is free again"


def test_its_refusals_are_about_the_request(captioner: LlamaCaptioner, encoded: bytes) -> None:
    with pytest.raises(RefusedRequestError, match="Failed to load image"):
        captioner.ask(b"no picture", Question("Write.", "", SAMPLING), slot=0)
    with pytest.raises(RefusedRequestError, match="exceeds the available context"):
        captioner.ask(encoded, Question("x" * 9000, "", SAMPLING), slot=0)


def test_the_connection_test_sees_that_the_model_has_eyes(captioner: LlamaCaptioner) -> None:
    report = check_connection(captioner)
    assert (report.ok, report.models, report.vision) == (True, ["joycaption"], True), report.detail


def test_a_crash_is_noticed_and_the_server_started_again(
    llava_pair: tuple[Path, Path], tmp_path: Path, encoded: bytes
) -> None:
    asked = LlamaCaptioner(_settings(llava_pair), tmp_path / "captioner.log")
    question = Question("Write.", "", SAMPLING)
    try:
        asked.ask(encoded, question, slot=0)
        (pid,) = asked.pids
        os.kill(pid, signal.SIGSTOP)  # so that it is surely at work when it dies
        threading.Timer(3.0, os.kill, (pid, signal.SIGKILL)).start()  # the request is there long before
        with pytest.raises(ServerDiedError, match="signal 9") as caught:
            asked.ask(encoded, question, slot=0)
        assert caught.value.retry_after_s is not None and 0 < caught.value.retry_after_s <= 1
        with pytest.raises(UnavailableError, match="is started again"):
            asked.ask(encoded, question, slot=0)
        threading.Event().wait(caught.value.retry_after_s)
        assert asked.ask(encoded, question, slot=0).tokens > 0
        (second,) = asked.pids
    finally:
        asked.close()
    assert not is_running(second) and asked.pids == []
    with pytest.raises(UnavailableError, match="stopped"):
        asked.ask(encoded, question)


@LINUX
def test_each_device_has_a_server_that_sees_no_other(
    llava_pair: tuple[Path, Path], tmp_path: Path, encoded: bytes
) -> None:
    asked = LlamaCaptioner(_settings(llava_pair, devices=[1, 0], gpu_layers=0), tmp_path / "captioner.log")
    assert asked.slots == 4
    try:
        for slot in range(asked.slots):
            assert asked.ask(encoded, Question("Write.", "", SAMPLING), slot=slot).tokens > 0
        seen = [Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") for pid in asked.pids]
        assert [b"CUDA_VISIBLE_DEVICES=1" in seen[0], b"CUDA_VISIBLE_DEVICES=0" in seen[1], len(seen)] == [
            True,
            True,
            2,
        ]
    finally:
        asked.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["captioner-1.log", "captioner.log"]


def test_it_outlives_the_thread_that_started_it(llava_pair: tuple[Path, Path], tmp_path: Path, encoded: bytes) -> None:
    asked = LlamaCaptioner(_settings(llava_pair), tmp_path / "captioner.log")
    try:
        thread = threading.Thread(target=asked.open)
        thread.start()
        thread.join()
        (pid,) = asked.pids
        assert asked.ask(encoded, Question("Write.", "", SAMPLING), slot=0).tokens > 0
        assert asked.pids == [pid]
    finally:
        asked.close()


def test_what_keeps_it_from_starting_is_told_in_its_own_words(llava_pair: tuple[Path, Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(llava_pair[0].read_bytes()[:300_000])
    asked = LlamaCaptioner(_settings((broken, llava_pair[1])), tmp_path / "captioner.log")
    with pytest.raises(UnavailableError, match=r"(?s)cannot start.*tensor.*captioner\.log") as caught:
        asked.open()
    assert caught.value.retry_after_s is None
    asked.close()
    assert "tensor" in (tmp_path / "captioner.log").read_text()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model": None}, "No model"),
        ({"projector": None}, "No projector"),
        ({"model": "/no/such.gguf"}, "is not there"),
        ({"server": "/no/such/llama-server"}, "no program"),
    ],
)
def test_a_config_that_is_not_enough_says_what_is_missing(
    llava_pair: tuple[Path, Path], tmp_path: Path, settings: dict[str, str], words: str
) -> None:
    with pytest.raises(ModelError, match=words):
        LlamaCaptioner(_settings(llava_pair, **settings), tmp_path / "captioner.log")


def test_files_that_are_exchanged_are_told_apart(llava_pair: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no projector"):
        LlamaCaptioner(_settings((llava_pair[1], llava_pair[0])), tmp_path / "captioner.log")
    (tmp_path / "page.gguf").write_text("<html>404</html>" * 10)
    with pytest.raises(ModelError, match="no GGUF file"):
        LlamaCaptioner(_settings((tmp_path / "page.gguf", llava_pair[1])), tmp_path / "captioner.log")


def test_more_memory_than_there_is_is_not_taken(llava_pair: tuple[Path, Path], tmp_path: Path) -> None:
    asked = LlamaCaptioner(
        _settings(llava_pair, context=1_000_000, slots=256, gpu_layers=0), tmp_path / "captioner.log"
    )
    with pytest.raises(UnavailableError, match="needs 122"):
        asked.open()


PARENT = """
import sys, time, msgspec
from pathlib import Path
from dtk_tui.settings import CaptionSettings
from dtk_tui.inference.captioner.llama_server import LlamaCaptioner
asked = LlamaCaptioner(msgspec.json.decode(sys.argv[1], type=CaptionSettings), Path(sys.argv[2]))
asked.open()
print(asked.pids[0], flush=True)
time.sleep(600)
"""
#: A llama-server on PATH: flags and HTTP are those of the real one, which is behind it.
PROGRAM = """#!/bin/sh
exec {python} -c 'import sys; from dtk_tui.inference.captioner.llama_child import _serve
sys.argv.remove("--no-webui")
sys.exit(_serve(sys.argv[1:]))' "$@"
"""


@LINUX
@pytest.mark.parametrize("program", [False, True], ids=["the package's server", "a llama-server"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_no_server_is_left_when_its_parent_is_killed(
    llava_pair: tuple[Path, Path], tmp_path: Path, program: bool, number: signal.Signals
) -> None:
    more = {}
    if program:
        file = tmp_path / "llama-server"
        file.write_text(PROGRAM.format(python=sys.executable))
        file.chmod(0o755)
        more["server"] = str(file)
    settings = json.encode(_settings(llava_pair, **more)).decode()
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, settings, str(tmp_path / "captioner.log")], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        family = [child, *children_of(child)]
        assert len(family) == 1 + program
        parent.send_signal(number)
        parent.wait(30)
    for pid in family:
        wait_for_end(pid)


def test_a_llama_server_goes_before_the_packages_own(
    llava_pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoded: bytes
) -> None:
    file = tmp_path / "llama-server"
    file.write_text(PROGRAM.format(python=sys.executable))
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert shutil.which("llama-server") == str(file)
    asked = LlamaCaptioner(_settings(llava_pair), tmp_path / "captioner.log")
    try:
        assert asked.ask(encoded, Question("Write.", "", SAMPLING), slot=0).tokens > 0
        (pid,) = asked.pids
        (server,) = children_of(pid)
        os.kill(pid, signal.SIGKILL)
        wait_for_end(server)
    finally:
        asked.close()
