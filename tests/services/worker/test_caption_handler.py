"""Captions as a kind of work in the queue: with the real llama.cpp, and with an endpoint that does what a test says."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import convert, structs

from dtk_tui.config import Config
from dtk_tui.domain.events import ProblemReported
from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.inference.captioner import chat_client
from dtk_tui.inference.captioner.completion import picture_part
from dtk_tui.services import stats
from dtk_tui.services.captions import versions as captions
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.worker import claim, control, rests
from dtk_tui.services.worker.engine import Engine
from dtk_tui.services.worker.handlers import registry
from dtk_tui.services.worker.handlers.caption import CaptionHandler
from dtk_tui.services.worker.handlers.tag import TagHandler
from dtk_tui.settings import CaptionSettings
from dtk_tui.store.database import Database
from dtk_tui.store.queue import jobs
from tests.helpers.fault_server import Answer, FaultServer, fault_server, http, said
from tests.helpers.pictures import write_many
from tests.helpers.processes import is_running
from tests.helpers.running_worker import EVERYTHING, logged_jobs, one_value, wait_for_jobs, worker

pytestmark = pytest.mark.usefixtures("quick_models", "only_captions", "soon_again")


@pytest.fixture
def only_captions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker whose models load at once."""
    monkeypatch.setattr(registry, "HANDLERS", (CaptionHandler,))


@pytest.fixture
def soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses in which a test need not wait."""
    monkeypatch.setattr(jobs, "_RETRY_LATER", jobs._RETRY_LATER.replace("5 seconds", "50 milliseconds"))
    monkeypatch.setattr(rests, "_FIRST_S", 0.05)
    monkeypatch.setattr(claim, "_IDLE_S", 0.05)


def _library(db: Database, config: Config, folder: Path, number: int) -> list[int]:
    write_many(folder, number)
    scan(db, config, [str(folder)])
    with db.connection() as conn:
        return [row[0] for row in conn.execute("SELECT id FROM image ORDER BY id")]


def _with(config: Config, **settings: object) -> Config:
    update = {"captions": convert(settings, CaptionSettings)}
    return Config(config.paths, structs.replace(config.settings, **update))


def _llama(config: Config, pair: tuple[Path, Path], **more: object) -> Config:
    given = {"model": str(pair[0]), "projector": str(pair[1]), "slots": 3, "context": 1024, "max_tokens": 400}
    return _with(config, **given | {"timeout_s": 60, "gpu_layers": 0, "temperature": 1.0} | more)


def _endpoint(config: Config, server: FaultServer, **more: object) -> Config:
    return _with(config, **{"backend": "openai", "base_url": server.url, "model": "joy", "slots": 2} | more)


def _current(db: Database) -> dict[tuple[int, str], str]:
    sql = "SELECT image_id, type, text FROM current_caption JOIN caption USING (image_id, type) WHERE id = caption_id"
    with db.connection() as conn:
        return {(image, kind): text for image, kind, text in conn.execute(sql)}


def _errors(db: Database) -> list[str]:
    with db.connection() as conn:
        return [row[0] for row in conn.execute("SELECT error FROM job WHERE state = 'failed' ORDER BY id")]


def test_every_picture_gets_one_caption_of_each_type(
    db: Database, config: Config, tmp_path: Path, llava_pair: tuple[Path, Path]
) -> None:
    here = _llama(config, llava_pair)
    ids = _library(db, here, tmp_path / "library", 12)
    types = ["Descriptive", "midjourney"]
    done = enqueue(db, here, EVERYTHING, [Kind.CAPTION], caption_types=types)
    assert (done.queued, done.already_done, done.waiting) == (12, 0, 0)
    with worker(db, here) as (engine, news):
        engine.wait_until_empty()
        (pid,) = _pids(engine)
        report = stats.snapshot(db)
        control.pause(db)
        news.wait_for_state(WorkerState.PAUSED)
        assert is_running(pid), "a pause keeps the model in memory"
        control.stop(db)
        news.wait_for_state(WorkerState.STOPPED)
        assert not is_running(pid), "a stop gives its memory back"
    found = _current(db)
    assert sorted(found) == sorted((image, kind) for image in ids for kind in ("descriptive", "midjourney"))
    assert not _errors(db) and one_value(db, "SELECT count(*) FROM job") == 0
    assert report.failed == 0 and report.workers[0].stats.kinds == ("caption",)
    with db.connection() as conn:
        one = conn.execute("SELECT source, model, prompt_used, parameters FROM caption ORDER BY id LIMIT 1").fetchone()
    assert one is not None and one[0] == one[1] == "tiny-llava"
    assert one[2] == "Write a detailed description for this image."
    assert one[3]["temperature"] == 1.0 and one[3]["seed"] >= 0
    again = enqueue(db, here, EVERYTHING, [Kind.CAPTION], caption_types=types)
    assert (again.queued, again.already_done) == (0, 12)


def test_types_of_one_picture_are_asked_in_a_row_with_the_very_same_bytes(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bytes] = []
    monkeypatch.setattr(chat_client, "picture_part", lambda picture: made.append(picture) or picture_part(picture))
    with fault_server(http(said("A dog."))) as server:
        here = _endpoint(config, server, slots=1, templates={"mine": "Of {file_name}: {tags}"})
        _library(db, here, tmp_path / "library", 3)
        enqueue(db, here, EVERYTHING, [Kind.CAPTION], caption_types=["descriptive", "mine", "art-critic"])
        with worker(db, here) as (engine, _):
            engine.wait_until_empty()
    asked = [body["messages"][1]["content"] for body in server.bodies]
    urls = [content[0]["image_url"]["url"] for content in asked]
    assert len(urls) == 9
    assert urls == [url for url in dict.fromkeys(urls) for _ in range(3)]
    assert len(made) == 3, "the JSON of a picture is made once"
    assert asked[1][1]["text"].startswith("Of ") and asked[1][1]["text"].endswith(".png:")


def test_a_type_that_is_asked_for_while_a_picture_is_under_way_is_not_forgotten(
    db: Database, config: Config, tmp_path: Path
) -> None:
    gate = threading.Event()
    answer = http(said("A dog."))
    with fault_server(lambda connection: (gate.wait(60), answer(connection))[1]) as server:
        here = _endpoint(config, server)
        _library(db, here, tmp_path / "library", 1)
        enqueue(db, here, EVERYTHING, [Kind.CAPTION])
        with worker(db, here) as (engine, _):
            with server.came:
                assert server.came.wait_for(lambda: server.bodies, 60)
            assert enqueue(db, here, EVERYTHING, [Kind.CAPTION]).waiting == 1
            more = enqueue(db, here, EVERYTHING, [Kind.CAPTION], caption_types=["midjourney"])
            assert (more.queued, more.waiting) == (1, 0)
            gate.set()
            engine.wait_until_empty()
    assert sorted(kind for _, kind in _current(db)) == ["descriptive", "midjourney"]
    assert len(server.bodies) == 2, "nothing is asked twice"


@pytest.mark.parametrize(
    ("when_there", "texts", "requests"),
    [
        ("keep", {"model": "A dog.", "person": "Mine."}, 0),
        ("overwrite", {"model": "A cat.", "person": "Mine."}, 1),
        ("append", {"model": "A dog.\nA cat.", "person": "Mine.\nA cat."}, 2),
        ("refine", {"model": "A cat.", "person": "Mine."}, 1),
    ],
)
def test_what_becomes_of_captions_that_are_there(
    db: Database, config: Config, tmp_path: Path, when_there: str, texts: dict[str, str], requests: int
) -> None:
    with fault_server(http(said("A dog."))) as server:
        first = _endpoint(config, server)
        of_model, of_person = _library(db, first, tmp_path / "library", 2)
        enqueue(db, first, EVERYTHING, [Kind.CAPTION])
        with worker(db, first) as (engine, _):
            engine.wait_until_empty()
        with db.connection() as conn:
            captions.set_text(conn, of_person, "Mine.")
        server.bodies.clear()
        server.answer = http(said("A cat."))
        then = _endpoint(config, server, when_there=when_there)
        enqueue(db, then, EVERYTHING, [Kind.CAPTION])
        with worker(db, then) as (engine, _):
            engine.wait_until_empty()
    assert _current(db) == {
        (of_model, "descriptive"): texts["model"],
        (of_person, "descriptive"): texts["person"],
    }
    assert len(server.bodies) == requests
    if when_there == "refine":
        assert server.bodies[0]["messages"][1]["content"][1]["text"].endswith("correct the rest:\nA dog.")


BAD_IMAGE = http({"error": {"message": "Failed to load image", "code": 400}}, 400)
NO_KEY = http({"error": {"message": "Incorrect key", "code": "invalid_api_key"}}, 401)
BUSY = http("busy", 503, "text/plain")


@pytest.mark.parametrize(
    ("name", "answer", "requests"),
    [
        ("Failed to load image", BAD_IMAGE, 1),
        ("is empty", http(said("")), 3),
        ("thought until", http(said("", "length", reasoning_content="Hm.")), 1),
        ("CUDA error", http({"error": {"message": "CUDA error", "code": 500}}, 500), 4),
        ("dropped the connection", lambda connection: connection.close(), 4),
    ],
)
def test_what_is_the_pictures_fault_fails_with_its_reason(
    db: Database, config: Config, tmp_path: Path, name: str, answer: Callable[..., None], requests: int
) -> None:
    with fault_server(answer) as server:
        here = _endpoint(config, server)
        _library(db, here, tmp_path / "library", 1)
        enqueue(db, here, EVERYTHING, [Kind.CAPTION])
        with worker(db, here) as (engine, _):
            engine.wait_until_empty()
    assert [name in error for error in _errors(db)] == [True], _errors(db)
    assert len(server.bodies) == requests
    assert len({body["seed"] for body in server.bodies}) == requests, "another seed each time"
    assert _current(db) == {}


def test_a_type_that_fails_does_not_take_the_others_along(db: Database, config: Config, tmp_path: Path) -> None:
    good, bad = http(said("A dog.")), http(said(""))
    with fault_server(good) as server:
        server.choose = lambda body: bad if "MidJourney" in json.dumps(body) else good
        here = _endpoint(config, server, slots=1)
        _library(db, here, tmp_path / "library", 2)
        enqueue(db, here, EVERYTHING, [Kind.CAPTION], caption_types=["midjourney", "descriptive"])
        with worker(db, here) as (engine, _):
            engine.wait_until_empty()
    assert {kind for _, kind in _current(db)} == {"descriptive"} and len(_current(db)) == 2
    assert ["is empty" in error for error in _errors(db)] == [True, True]


@pytest.mark.parametrize(("answer", "words"), [(NO_KEY, "Incorrect key"), (http("", 404), "no such endpoint")])
def test_what_a_person_has_to_mend_pauses_the_kind_and_fails_nothing(
    db: Database, config: Config, tmp_path: Path, answer: Callable[..., None], words: str
) -> None:
    with fault_server(answer) as server:
        here = _endpoint(config, server)
        _library(db, here, tmp_path / "library", 30)
        enqueue(db, here, EVERYTHING, [Kind.CAPTION])
        with worker(db, here) as (engine, news):
            engine.wait_until_empty()
            told = [event for event in news.events if isinstance(event, ProblemReported)]
            assert [words in f"{event.title} {event.detail}" for event in told] == [True], "once"
            assert one_value(db, "SELECT count(*) FROM job WHERE state = 'pending' AND attempts = 0") == 30
            assert len(server.bodies) <= 2, "no more than were under way"
            news.wait_for(lambda _: words in (stats.snapshot(db).workers[0].stats.trouble or ""))
            server.answer = http(said("A dog."))
            control.pause(db)
            news.wait_for_state(WorkerState.PAUSED)
            control.start(db)  # a person says that it is mended
            news.wait_for_state(WorkerState.RUNNING)
            wait_for_jobs(engine, above=29)
    assert len(_current(db)) == 30


def test_a_server_that_has_no_time_is_asked_again_and_nothing_is_charged(
    db: Database, config: Config, tmp_path: Path
) -> None:
    with fault_server(BUSY) as server:
        here = _endpoint(config, server)
        _library(db, here, tmp_path / "library", 6)
        enqueue(db, here, EVERYTHING, [Kind.CAPTION])
        with worker(db, here) as (engine, _):
            with server.came:
                assert server.came.wait_for(lambda: len(server.bodies) >= 6, 60)
            assert one_value(db, "SELECT max(attempts) FROM job") == 0
            server.answer = http(said("A dog."))
            engine.wait_until_empty()
    assert len(_current(db)) == 6 and not _errors(db)


def test_one_picture_that_a_server_never_has_time_for_does_not_hold_up_the_rest(
    db: Database, config: Config, tmp_path: Path
) -> None:
    good, refused = http(said("A dog.")), threading.Event()
    with fault_server(BUSY) as server:
        here = _endpoint(config, server, templates={"mine": "{file_name}"}, type="mine")
        _library(db, here, tmp_path / "library", 30)
        with db.connection() as conn:
            (poison,) = conn.execute("SELECT file_name FROM image ORDER BY id LIMIT 1").fetchone() or ("",)

        def choose(body: dict[str, Any]) -> Answer:
            if poison in json.dumps(body):
                refused.set()
                return BUSY
            if body:  # the others are answered beside it, not before
                refused.wait(60)
            return good

        server.choose = choose
        enqueue(db, here, EVERYTHING, [Kind.CAPTION])
        with worker(db, here) as (engine, _):
            engine.wait_until_empty()
    assert len(_current(db)) == 29
    assert ["busy" in error for error in _errors(db)] == [True]


def test_the_last_picture_fails_where_the_server_has_time_for_a_plain_one(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_RETRY_LATER", jobs._RETRY_LATER.replace("50 milliseconds", "1 millisecond"))
    with fault_server(BUSY) as server:
        here = _endpoint(config, server, templates={"mine": "Caption it."}, type="mine")
        server.choose = lambda body: BUSY if "Caption it." in json.dumps(body) else http(said("Grey."))
        _library(db, here, tmp_path / "library", 1)
        enqueue(db, here, EVERYTHING, [Kind.CAPTION])
        with worker(db, here) as (engine, _):
            engine.wait_until_empty()
    assert ["busy" in error for error in _errors(db)] == [True]
    plain = [body for body in server.bodies if "Caption it." not in json.dumps(body)]
    assert len(plain) == 4, "it is asked so often as the job is tried"
    assert all("image_url" in json.dumps(body) and body["max_tokens"] <= 8 for body in plain)


def test_a_server_that_dies_is_started_again_and_every_picture_gets_its_caption(
    db: Database, config: Config, tmp_path: Path, llava_pair: tuple[Path, Path]
) -> None:
    here = _llama(config, llava_pair)
    ids = _library(db, here, tmp_path / "library", 60)
    enqueue(db, here, EVERYTHING, [Kind.CAPTION])
    with worker(db, here) as (engine, _):
        for above in (5, 20, 40):
            wait_for_jobs(engine, above=above)
            for pid in _pids(engine):
                os.kill(pid, signal.SIGKILL)
        engine.wait_until_empty()
    assert not _errors(db)
    assert sorted(image for image, _ in _current(db)) == ids
    assert sorted(logged_jobs(db)) == sorted(set(logged_jobs(db)))


def _pids(engine: Engine) -> list[int]:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        handler = engine._pipeline._devices[0][Kind.CAPTION] if engine._pipeline else None
        if isinstance(handler, CaptionHandler) and (found := handler._captioner.pids):  # type: ignore[attr-defined]
            return list(found)
        time.sleep(0.01)
    return []


@pytest.mark.parametrize("backend", ["llama", "openai"])
def test_stop_does_not_wait_for_an_answer(
    db: Database, config: Config, tmp_path: Path, llava_pair: tuple[Path, Path], backend: str
) -> None:
    with fault_server(lambda connection: server.released.wait(60) and None) as server:
        here = _endpoint(config, server)
        if backend == "llama":
            here = _llama(config, llava_pair, max_tokens=900)
        _library(db, here, tmp_path / "library", 8)
        enqueue(db, here, EVERYTHING, [Kind.CAPTION])
        with worker(db, here) as (engine, news):
            if backend == "llama":
                for pid in _pids(engine):
                    os.kill(pid, signal.SIGSTOP)  # loading, or answering: it does neither any more
            else:
                with server.came:
                    assert server.came.wait_for(lambda: len(server.bodies) == 2, 60)
            begun = time.monotonic()
        assert time.monotonic() - begun < 15
        assert one_value(db, "SELECT count(*) FROM job WHERE state = 'pending' AND attempts = 0") >= 2
        assert not [event for event in news.events if isinstance(event, ProblemReported)]


def test_nobody_hears_of_captions_who_has_not_set_them_up(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "HANDLERS", (TagHandler, CaptionHandler))
    with worker(db, config) as (engine, news):
        engine.wait_until_empty()
        assert not [event for event in news.events if isinstance(event, ProblemReported)]
    _library(db, config, tmp_path / "library", 1)
    enqueue(db, config, EVERYTHING, [Kind.CAPTION])
    with worker(db, config) as (engine, news):
        engine.wait_until_empty()
        assert [e.title for e in news.events if isinstance(e, ProblemReported)] == ["No captioner is set up."]
