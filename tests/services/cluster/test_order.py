"""What a worker on another node is told, and what it makes of it there."""

from __future__ import annotations

from pathlib import Path

from msgspec import structs

from dtk_tui.config import load
from dtk_tui.services.cluster.order import config_of, order_of

_HERE = """
[database]
password_command = "cat /run/secrets/dtk"
[models]
taggers = ["joytag", "wd-vit-v3"]
folder = "/data/models"
[worker]
batch_size = 8
lease_s = 30.5
devices = [3]
allow_cpu = true
[paths]
map = { "/library" = "/mnt/library" }
[tags.thresholds]
joytag = { "1girl" = 0.5, 'a "b"' = 0.25 }
[captions]
key_env = "CAPTION_KEY"
devices = [2]
[captions.templates]
short = "Say it \\"é\\"\\nin a word."
[hooks]
"""


def _home(folder: Path, text: str) -> dict[str, str]:
    folder.mkdir()
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return {"HOME": str(folder), "DTK_HOME": str(folder)}


def test_a_host_without_a_config_works_as_the_one_that_asked(tmp_path: Path) -> None:
    secrets = {"DTK_DATABASE_URL": "postgresql://dtk@db/dtk", "PGPASSWORD": "p", "CAPTION_KEY": "k", "HF_TOKEN": "h"}
    here = load(_home(tmp_path / "here", _HERE) | secrets)
    order = order_of(here, is_here=False)
    assert sorted(order.environ) == [
        "CAPTION_KEY", "DTK_DATABASE_URL", "DTK_DATABASE__PASSWORD_COMMAND", "PGPASSWORD",
    ]  # fmt: skip
    assert "postgresql" not in repr(order)

    there = config_of(order, 1, _home(tmp_path / "there", ""))
    assert there.database_url == "postgresql://dtk@db/dtk"
    assert there.settings.database.password_command == "cat /run/secrets/dtk"
    assert there.settings.captions == structs.replace(here.settings.captions, devices=(1,))
    assert there.settings.tags == here.settings.tags
    assert there.settings.models.taggers == here.settings.models.taggers
    assert (there.settings.worker.batch_size, there.settings.worker.lease_s) == (8, 30.5)
    assert there.settings.worker.devices == (1,), "the GPU that Ray gave it"
    assert there.settings.models.folder is None and there.settings.paths.map == {}, "matters of each host"


def test_what_a_host_says_goes_before_but_for_the_database(tmp_path: Path) -> None:
    here = load(_home(tmp_path / "here", _HERE) | {"DTK_DATABASE_URL": "postgresql://dtk@db/dtk"})
    own = '[database]\nurl = "postgresql://other/x"\n[worker]\nbatch_size = 2\n[paths]\nmap = {"/library" = "/nas"}\n'
    host = _home(tmp_path / "there", own) | {"DTK_WORKER__LEASE_S": "10"}
    there = config_of(order_of(here, is_here=False), None, host)
    assert there.database_url == "postgresql://dtk@db/dtk"
    assert (there.settings.worker.batch_size, there.settings.worker.lease_s) == (2, 10.0)
    assert there.local_path("/library/a.png") == "/nas/a.png"
    assert there.settings.worker.devices is None


def test_places_are_told_on_the_same_machine_alone(tmp_path: Path) -> None:
    here = load(_home(tmp_path / "here", "") | {"PGPASSFILE": "/secret"})
    assert order_of(here, is_here=False).environ == {}
    assert order_of(here, is_here=True).environ == {"DTK_HOME": str(tmp_path / "here"), "PGPASSFILE": "/secret"}
