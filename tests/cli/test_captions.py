"""dtk caption types and test, as scripts see them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dtk_tui.cli.application import application
from dtk_tui.errors import DtkError
from tests.helpers.fault_server import fault_server, http, said


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of dtk for a config file."""
    monkeypatch.setenv("DTK_HOME", str(tmp_path))
    return tmp_path


def test_the_types_are_the_models_and_ones_own(home: Path) -> None:
    (home / "config.toml").write_text('[captions]\ntype = "mine"\ntemplates = { mine = "Say [red]one[/] word." }\n')
    done = CliRunner().invoke(application, ["caption", "types", "--json"])
    types = [json.loads(line) for line in done.stdout.splitlines()]
    assert [kind["name"] for kind in types][:2] == ["mine", "descriptive"] and len(types) == 13
    assert [kind["name"] for kind in types if kind["is_default"]] == ["mine"]
    plain = CliRunner().invoke(application, ["caption", "types"]).stdout
    assert "Say [red]one[/] word." in plain and "lighting\tInclude information about lighting." in plain


def test_the_test_says_whether_captions_can_be_made(home: Path) -> None:
    with fault_server(http(said("A circle."))) as server:
        seeing = json.dumps(said("Red.") | {"usage": {"prompt_tokens": 600}})
        blind = json.dumps(said("I see no image.") | {"usage": {"prompt_tokens": 30}})
        models = http({"data": [{"id": "joy"}, {"id": "other"}, "odd"]})
        has_eyes = True

        def choose(body: dict[str, object]) -> object:
            if not body:
                return models
            return http(seeing if has_eyes and "image_url" in json.dumps(body) else blind)

        server.choose = choose  # type: ignore[assignment]
        (home / "config.toml").write_text(f'[captions]\nbackend = "openai"\nbase_url = "{server.url}"\nmodel = "joy"\n')
        done = CliRunner().invoke(application, ["caption", "test", "--json"])
        assert done.exit_code == 0
        assert json.loads(done.stdout) | {"detail": ""} == {
            "ok": True, "models": ["joy", "other"], "vision": True, "detail": "",
        }  # fmt: skip
        has_eyes = False
        done = CliRunner().invoke(application, ["caption", "test", "--json"])
        report = json.loads(done.stdout)
        assert (done.exit_code, report["ok"], report["vision"]) == (1, False, False)
        assert "vision" in report["detail"]
        server.choose = lambda body: http({"error": {"message": "Incorrect key \x1b[31m"}}, 401)
        with pytest.raises(DtkError, match="refuses the key"):
            CliRunner().invoke(application, ["caption", "test"], catch_exceptions=False)


def test_without_a_captioner_it_says_what_is_missing(home: Path) -> None:
    done = CliRunner().invoke(application, ["caption", "test", "--json"])
    report = json.loads(done.stdout)
    assert (done.exit_code, report["ok"], report["models"], report["vision"]) == (1, False, [], None)
    assert "Set model in [captions]" in report["detail"]
