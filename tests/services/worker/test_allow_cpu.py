"""A worker that was given GPUs does not quietly work on the processor."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import pytest

from dtk_tui.config import load
from dtk_tui.domain.events import ProblemReported
from dtk_tui.errors import DtkError
from dtk_tui.inference.devices.provider import CPU, CUDA, Device, Placement
from dtk_tui.services.worker.handlers import registry
from dtk_tui.services.worker.handlers.base import Resources
from dtk_tui.store.database import Database
from tests.helpers.plain_handler import DigestHandler
from tests.helpers.running_worker import worker


@pytest.mark.parametrize(
    ("setting", "provider", "runs"),
    [
        ("devices = [0]", CPU, False),
        ("devices = [0]\nallow_cpu = true", CPU, True),
        ("devices = [0]", CUDA, True),
        ("", CPU, True),
    ],
)
def test_only_the_processor_where_gpus_are_named(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, provider: str, runs: bool
) -> None:
    closed = []

    class Placed(DigestHandler):
        placement = Placement(provider, "The driver is too old.")

        def close(self) -> None:
            closed.append(True)

    monkeypatch.setattr(registry, "HANDLERS", (Placed,))
    (tmp_path / "config.toml").write_text(f"[worker]\n{setting}\n")
    config = load({"HOME": str(tmp_path), "DTK_HOME": str(tmp_path)})
    with worker(db, config) as (engine, news):
        if runs:
            engine.wait_until_empty()
            assert engine.provider == provider
            return
        with pytest.raises(DtkError, match=r"only loaded on CPUExecutionProvider.*driver is too old.*allow_cpu"):
            engine.wait_until_empty()
        assert closed == [True]
        assert any(isinstance(event, ProblemReported) for event in news.events)


def test_each_gpu_of_the_config_gets_models_of_its_own_by_the_providers_of_the_config(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = []

    class Placed(DigestHandler):
        placement = Placement(CUDA)

        @classmethod
        def open(cls, resources: Resources) -> Self:
            devices.append(resources.device)
            return super().open(resources)

    monkeypatch.setattr(registry, "HANDLERS", (Placed,))
    (tmp_path / "config.toml").write_text('[worker]\ndevices = [2, 0]\nproviders = ["tensorrt", "cuda"]\n')
    config = load({"HOME": str(tmp_path), "DTK_HOME": str(tmp_path)})
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
    assert devices == [Device(2, ("tensorrt", "cuda")), Device(0, ("tensorrt", "cuda"))]
