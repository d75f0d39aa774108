"""What runs without the parser does what the parser would have called."""

from __future__ import annotations

import json

import pytest

from dtk_tui.cli.app import open_app
from dtk_tui.cli.application import application
from dtk_tui.cli.quick import find_quick


@pytest.mark.parametrize("arguments", [["status"], ["status", "--json"]])
def test_the_status_is_the_same_with_and_without_the_parser(
    arguments: list[str], database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DTK_DATABASE_URL", database_url)
    quick = find_quick(arguments)
    assert quick is not None
    quick()
    without = capsys.readouterr().out
    application(arguments, standalone_mode=False)
    assert capsys.readouterr().out == without
    assert without.startswith("Worker ") or json.loads(without)["queue"]["pending"] == 0


def test_no_argument_opens_the_app_and_all_else_is_parsed() -> None:
    assert find_quick([]) is open_app
    for arguments in (["status", "-h"], ["status", "--json", "x"], ["--set", "display.theme=light"], ["stat"], [""]):
        assert find_quick(arguments) is None


def test_a_shell_that_asks_what_could_stand_there_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_DTK_COMPLETE", "complete_bash")
    assert find_quick([]) is None
