"""What a command loads: nothing that it does not need."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.loaded_modules import HEAVY, modules_after, unwanted

SCREEN = ("textual", "rich", "dtk_tui.ui")
#: What listing the commands does without beside that.
WORK = ("dtk_tui.config", "dtk_tui.services", "dtk_tui.store", "psycopg", "pydantic", "dtk_tui.cli.queue")
#: What ``dtk status`` does without beside that: it counts, by one connection, and shows no image, job or event.
COUNTED = (
    "dtk_tui.domain.captions", "dtk_tui.domain.events", "dtk_tui.domain.library", "dtk_tui.domain.queue",
    "dtk_tui.domain.looks", "dtk_tui.domain.thresholds", "dtk_tui.services.library.thresholds",
    "dtk_tui.store.library.images", "dtk_tui.store.queue.jobs", "psycopg_pool", "typer", "pydantic", "tomllib",
)  # fmt: skip

_COMMAND = """
import json, sys
sys.argv = ['dtk', *{arguments!r}]
from dtk_tui.cli import run
run()
print()
print(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize("arguments", [["status"], ["status", "--json"], ["queue", "add", "--all"], ["worker", "stop"]])
def test_a_light_command_loads_no_other_command_and_nothing_heavy(
    arguments: list[str], database_url: str, tmp_path: Path
) -> None:
    modules = modules_after(_COMMAND.format(arguments=arguments), tmp_path, DTK_DATABASE_URL=database_url)
    needed = {"numpy"} if arguments[0] == "queue" else set[str]()
    assert unwanted(modules, {*HEAVY, *SCREEN} - needed) == []
    shared = {"open_library", "output", "quick"}
    parsed = {"application", "options", "program", "program.entry", "program.group", "program.table"}
    named = {"queue": {"queue"}, "worker": {"worker", "install", "install.service", "status"}}
    files = {module.removeprefix("dtk_tui.cli.") for module in modules if module.startswith("dtk_tui.cli.")}
    assert files == shared | ({"status"} if arguments[0] == "status" else parsed | named[arguments[0]])


def test_the_status_loads_only_what_counts(database_url: str, tmp_path: Path) -> None:
    modules = modules_after(_COMMAND.format(arguments=["status"]), tmp_path, DTK_DATABASE_URL=database_url)
    assert unwanted(modules, COUNTED) == []


@pytest.mark.parametrize("text", ["", "[scan]\nwatch = false\n[worker]\ndevices = [0]\n"])
def test_settings_are_read_without_what_explains_them(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    script = f"""
import json, sys
from dtk_tui.config import load
assert load({{"DTK_HOME": {str(tmp_path)!r}}}).settings.scan.watch is {not text}
print(json.dumps(list(sys.modules)))
"""
    assert unwanted(modules_after(script, tmp_path), {"pydantic", "pathspec", "dtk_tui.setting_faults"}) == []


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_the_help_loads_no_command(arguments: list[str], tmp_path: Path) -> None:
    modules = modules_after(_COMMAND.format(arguments=arguments), tmp_path)
    assert unwanted(modules, (*HEAVY, *SCREEN, *WORK)) == []


@pytest.mark.parametrize("arguments", [["guide"], ["guide", "captions"]])
def test_a_page_of_the_guide_that_is_not_drawn_loads_nothing_that_draws(arguments: list[str], tmp_path: Path) -> None:
    modules = modules_after(_COMMAND.format(arguments=arguments), tmp_path)
    assert unwanted(modules, {*HEAVY, *SCREEN, *WORK, "markdown_it"} - {"pydantic"}) == []


def test_a_completion_loads_no_command(tmp_path: Path) -> None:
    words = {"COMP_WORDS": "dtk sta", "COMP_CWORD": "1", "_DTK_COMPLETE": "complete_bash"}
    modules = modules_after(_COMMAND.format(arguments=[]), tmp_path, **words)
    # Typer takes values by pydantic, also those of a line that is completed.
    assert unwanted(modules, {*HEAVY, *SCREEN, *WORK} - {"pydantic"}) == []


def test_a_search_for_words_loads_no_model(database_url: str, tmp_path: Path) -> None:
    modules = modules_after(_COMMAND.format(arguments=["search", "castle"]), tmp_path, DTK_DATABASE_URL=database_url)
    needed = {"numpy", "dtk_tui.services.library.search"}
    assert unwanted(modules, {*HEAVY, *SCREEN} - needed) == []
