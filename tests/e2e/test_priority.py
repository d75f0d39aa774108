""" "Now" really is now: with a thousand jobs in the queue and a worker in the middle of them."""

from __future__ import annotations

import signal
import time

import pytest

from tests.e2e.conftest import Dtk
from tests.helpers.pictures import write_many

pytestmark = pytest.mark.usefixtures("quick_models")


def _log(dtk: Dtk) -> list[int]:
    return [image for (image,) in dtk.ask("SELECT image_id FROM job_log ORDER BY id")]


def test_ten_images_now_before_a_thousand(dtk: Dtk) -> None:
    paths = write_many(dtk.home.parent / "library", 1000)
    dtk.run("db", "start")
    dtk.run("scan", str(dtk.home.parent / "library"))
    assert dtk.json("queue", "add", "--all", "--kind", "tag")["queued"] == 1000
    waiting = [job["image_id"] for job in dtk.lines("queue", "list", "--limit", "1000")]
    last_ten = waiting[-10:]

    worker = dtk.start("worker", "run")
    until = time.monotonic() + 300
    while not _log(dtk):
        assert time.monotonic() < until, "the worker never began"
        time.sleep(0.02)
    images = [part for number in last_ten for part in ("--image", str(number))]
    raised = dtk.json("queue", "add", "--kind", "tag", "--now", *images)
    asked_at = len(_log(dtk))
    assert raised["queued"] == 10
    while not set(last_ten) <= set(_log(dtk)):
        assert time.monotonic() < until, "they were never done"
        time.sleep(0.02)
    worker.send_signal(signal.SIGTERM)
    worker.wait(timeout=300)

    log = _log(dtk)
    others = [image for image in log[asked_at : log.index(last_ten[-1]) + 1] if image not in last_ten]
    assert len(others) <= 64, f"{len(others)} other images were finished between the request and its end"
    assert len(log) < len(paths), "the rest still waited"
