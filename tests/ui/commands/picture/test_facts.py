"""The pages of facts of one image, copying them, and opening it in another program."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from PIL.PngImagePlugin import PngInfo

from dtk_tui.config import Config
from dtk_tui.services.scan import scanner
from dtk_tui.settings import PreviewSettings, Settings
from dtk_tui.store.database import Database
from dtk_tui.ui.dialogs import Menu
from dtk_tui.ui.widgets.picture_pages import tree_signs
from tests.helpers.metadata.comfy_graphs import base, node
from tests.helpers.pictures import picture
from tests.helpers.running_app import NARROW, WIDE, Running, library_app

_HOSTILE = "[@click=app.quit]q[/] \x1b[31m \x07"


def test_branches_of_a_tree() -> None:
    assert tree_signs([0, 1, 2, 2, 1, 0]) == ["", "\u251c ", "\u2502 \u251c ", "\u2502 \u2514 ", "\u2514 ", ""]
    assert len(tree_signs([100])[0]) == 32


@pytest.fixture
def made(db: Database, config: Config, tmp_path: Path) -> Path:
    """Two pictures of one ComfyUI graph, and one that says nothing of itself."""
    root = tmp_path / "outputs"
    root.mkdir()
    info = PngInfo()
    info.add_text(
        "prompt", json.dumps(base(**{"6": node("CLIPTextEncode", text=f"a castle {_HOSTILE}", clip=["4", 1])}))
    )
    picture(1).save(root / "1.png", pnginfo=info)
    picture(1).save(root / "2.png", pnginfo=info)
    picture(3).save(root / "plain.png")
    scanner.scan(db, config, [str(root)])
    with db.connection() as conn:
        conn.execute("UPDATE image SET created_at = '2025-01-01'::timestamptz - id * interval '1 hour'")
    return root


def plain(config: Config, **preview: str) -> Config:
    """Settings by which no picture is drawn."""
    return Config(config.paths, Settings(preview=PreviewSettings(protocol="off", **preview)))


async def at(run: Running, name: str) -> None:
    """Go to an image by its name."""
    table = run.main.table
    await run.until(lambda: table.current_row is not None)
    await run.press("home")
    for _ in range(3):
        await run.until(lambda: table.current_row is not None)
        row = table.current_row
        if row is not None and row.file_name == name:
            return
        await run.press("down")
    raise AssertionError(name)


async def test_pages(db: Database, config: Config, made: Path) -> None:
    async with library_app(db, plain(config), WIDE) as run:
        await at(run, "1.png")
        await run.press("alt+5")
        await run.shows("SaveImage")
        await run.shows("\u2514 images VAEDecode  8")
        await run.shows("7 nodes")
        await run.press("alt+6")
        await run.shows("2 images of the same")
        await run.press("alt+7")
        await run.shows("Nothing was done to this image yet")
        await run.press("8")
        await run.shows("(none \u2192 8)")
        await run.press("t")
        await run.shows("tag waits")
        await at(run, "plain.png")
        await run.press("alt+5")
        await run.shows("No workflow of ComfyUI")
        await run.press("alt+6")
        await run.shows("No other image")
        assert "\x1b" not in run.text()


async def test_copies(db: Database, config: Config, made: Path) -> None:
    async with library_app(db, plain(config), NARROW) as run:

        async def copied(*keys: str) -> str:
            run.app._clipboard = ""
            await run.press("y")
            await run.until(lambda: isinstance(run.app.screen, Menu))
            await run.press(*keys)
            await run.until(lambda: run.app.screen is run.main and run.told)
            return run.app.clipboard

        await at(run, "1.png")
        assert await copied("s") == "42"
        assert await copied("f") == str(made / "1.png")
        assert await copied("n") == "blurry"
        assert await copied("p") == "a castle [@click=app.quit]q[/] [31m "
        await run.shows("control characters are left out")
        whole = await copied("i")
        assert whole.startswith("a castle") and "Steps: 20, Sampler: euler" in whole and "Seed: 42" in whole
        await run.press("a")
        await run.shows("3 selected")
        assert await copied("s") == "42\n42"
        await run.shows("Copied of 2 images: Seed.")
        await run.press("escape")
        await at(run, "plain.png")
        assert await copied("s") == ""
        await run.shows("Seed: there is none.")


async def test_who_copies_is_told_where_tmux_keeps_it(
    db: Database, config: Config, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "tmux").write_text("#!/bin/sh\necho external\n")
    (programs / "tmux").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TMUX", "a socket")
    async with library_app(db, plain(config), NARROW) as run:
        await at(run, "1.png")
        await run.press("y")
        await run.until(lambda: isinstance(run.app.screen, Menu))
        await run.press("i")
        await run.shows(
            "All of it, as infotext: tmux keeps it from your terminal. In a shell: tmux set -s set-clipboard on"
        )
        assert not any("Copied" in told for told in run.told)


async def test_what_is_too_long_is_refused(db: Database, config: Config, made: Path) -> None:
    with db.connection() as conn:
        conn.execute("UPDATE prompt SET text = repeat('word ', 20000) WHERE text LIKE 'a castle%'")
    async with library_app(db, plain(config), NARROW) as run:
        await at(run, "1.png")
        await run.press("y")
        await run.until(lambda: isinstance(run.app.screen, Menu))
        await run.press("p")
        await run.shows("too much for the clipboard")
        assert run.app.clipboard == ""


async def test_another_program(db: Database, config: Config, made: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    async with library_app(db, plain(config, open_with=f"cp {{path}} '{there}'"), NARROW) as run:
        await at(run, "1.png")
        await run.press("o")
        await run.shows("Opened in cp: 1 image.")
        await run.until(lambda: (there / "1.png").exists())
    async with library_app(db, plain(config, open_with="no-such-program"), NARROW) as run:
        await at(run, "1.png")
        await run.press("o")
        await run.shows("There is no program")
        await run.press("enter")
        await run.until(lambda: run.app.screen is run.main)
