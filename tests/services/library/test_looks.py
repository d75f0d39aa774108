"""Words that find pictures by what they show: a model with two towers in one space."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dtk_tui.config import Config, load
from dtk_tui.domain.job import Kind
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.library.search import rows_of, search, similar
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.store.database import Database
from tests.helpers.architectures.plain import plain_joint_towers
from tests.helpers.pictures import infotext
from tests.helpers.running_worker import EVERYTHING, worker

_COLOURS = {"red": (230, 20, 30), "green": (10, 220, 30), "blue": (20, 30, 230), "dark-red": (120, 10, 10)}


@pytest.fixture
def configured(config: Config, quick_models: Path, tmp_path: Path) -> Callable[[str], Config]:
    """Give a config with these image embedders, and a models folder that holds a pair of towers."""
    models = tmp_path / "models"
    models.mkdir()
    for model in quick_models.iterdir():
        (models / model.name).symlink_to(model)
    plain_joint_towers(models)

    def of(names: str) -> Config:
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        (home / "config.toml").write_text(f"[models]\nimage_embedders = [{names}]\n")
        environ = {"HOME": str(tmp_path), "DTK_HOME": str(home), "DTK_MODELS": str(models)}
        return load(environ | {"DTK_DATABASE_URL": config.database_url or ""})

    return of


def _library(folder: Path) -> Path:
    """Write a picture a colour; only that of green and dark red have a prompt."""
    folder.mkdir()
    for name, colour in _COLOURS.items():
        info = PngInfo()
        if name in ("green", "dark-red"):
            info.add_itxt("parameters", infotext(f"a {name} thing", 1))
        Image.new("RGB", (64, 64), colour).save(folder / f"{name}.png", pnginfo=info)
    return folder


def _found(db: Database, config: Config, line: str) -> list[str]:
    return [Path(path).stem for _, _, path in rows_of(db, search(db, config, line))]


def test_words_find_pictures_without_a_prompt(
    db: Database, configured: Callable[[str], Config], tmp_path: Path
) -> None:
    plain = configured('"dinov2-small"')
    scan(db, plain, [str(_library(tmp_path / "library"))])
    with pytest.raises(DtkError, match="looks: needs a model of pictures and words, and the config names none") as none:
        search(db, plain, "looks: a red thing")
    assert "siglip-base" in none.value.detail and "clip-h-joint" in none.value.detail
    # One line of the config takes another model in.
    config = configured('"dinov2-small", "clip-h-joint"')
    with pytest.raises(DtkError, match="looks: needs embeddings by clip-h-joint, and there are none yet"):
        search(db, config, "looks: a red thing")
    enqueue(db, config, EVERYTHING, [Kind.EMBED])
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()

    assert _found(db, config, 'looks: "a red fox in snow"') == ["red", "dark-red"]
    for colour in ("green", "blue"):
        assert _found(db, config, f"looks: something {colour}")[0] == colour
    assert _found(db, plain, "looks@clip-h-joint: something blue")[0] == "blue", "named, it need not be in the config"
    # Filters hold exactly, and free text ranks beside it.
    assert _found(db, config, "looks: red nometa:true") == ["red", "blue"]
    assert set(_found(db, config, "thing looks: red")) == {"green", "dark-red"}
    assert _found(db, config, f"like@clip-h-joint:{tmp_path / 'library' / 'red.png'}")[0] == "dark-red"
    assert _found(db, config, "looks: red looks: blue path: contains blue") == ["blue"]
    assert similar(db, config, str(tmp_path / "library" / "red.png"), 3), "the default of like: stays what it was"

    with pytest.raises(UsageError, match="needs a model of pictures and words, and dinov2-small is none"):
        search(db, config, "looks@dinov2-small: red")
    with pytest.raises(UsageError, match="There is no model named nosuch"):
        search(db, config, "looks@nosuch: red")
