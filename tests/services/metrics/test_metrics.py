"""The numbers for Prometheus: what they are, and who gets them."""

from __future__ import annotations

import json
import re
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from dtk_tui.domain.job import WorkerState
from dtk_tui.errors import DtkError
from dtk_tui.services.metrics.collector import LibraryCollector
from dtk_tui.services.metrics.server import key_in, metrics_server
from dtk_tui.store.database import Database
from dtk_tui.store.queue import workers
from tests.helpers.full_library import fill
from tests.helpers.paths import REPOSITORY

_KEY = "k" * 32


@pytest.fixture
def address(db: Database) -> Iterator[str]:
    """Where the numbers of a library with rows are served."""
    with db.connection() as conn:
        fill(conn)
        workers.register(conn, "host", 1, WorkerState.RUNNING, 60.0)
    with metrics_server(db, 0, _KEY) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/metrics"
        server.shutdown()
        thread.join()


def test_the_numbers_are_those_of_the_library(address: str, db: Database) -> None:
    answer = httpx.get(address, headers={"Authorization": f"Bearer {_KEY}"})
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert found["dtk_up",] == 1 and found["dtk_database_bytes",] > 1e6
    assert found["dtk_library_images",] == 400 and found["dtk_library_prompts",] == 50
    assert found["dtk_library_vectors", "dinov2-small"] == 400
    assert found["dtk_queue_jobs", "pending", "tag"] + found["dtk_queue_failed_jobs",] == 2
    assert found["dtk_workers", "running"] == 1
    assert ("dtk_worker_jobs_total", "1", "done", "host") in found
    dashboard = (REPOSITORY / "docs" / "grafana.json").read_text()
    assert json.loads(dashboard)["panels"]
    asked = set(re.findall(r"\bdtk_[a-z_]+", dashboard))
    assert asked and asked <= set(re.findall(r"^# TYPE (dtk_\w+)", answer.text, re.MULTILINE))


def test_only_who_has_the_key_gets_them(address: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": _KEY}):
        refused = httpx.get(address, headers=headers)
        assert (refused.status_code, refused.text) == (401, "")


def test_a_database_that_is_away_is_told() -> None:
    with metrics_server(Database("host=/nowhere dbname=none", None), 0, _KEY) as server:

        class Away(Database):
            def connection(self) -> object:  # type: ignore[override]
                raise DtkError("The database cannot be reached.")

        (up,) = LibraryCollector(Away("", None)).collect()
        assert (up.name, up.samples[0].value) == ("dtk_up", 0)
        with pytest.raises(DtkError, match="cannot be opened"):
            metrics_server(Database("", None), server.server_port, _KEY)


def test_the_key_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "state" / "metrics.key"
    key = key_in(file)
    assert len(key) == 32 and key_in(file) == key and stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("short")
    with pytest.raises(DtkError, match="holds no key"):
        key_in(file)
