"""Where the password of a server may stand: the environment, .pgpass, a service file, a command."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from dtk_tui.config import load
from dtk_tui.errors import DtkError
from dtk_tui.store.database import Database
from dtk_tui.store.password import PasswordCommand


@pytest.fixture
def guarded_url(database_url: str) -> str:
    """Connection string of a user whom the server asks for a password, without it."""
    parts = conninfo_to_dict(database_url)
    rules = Path(str(parts["host"])) / "pg_hba.conf"
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("CREATE ROLE guarded LOGIN SUPERUSER PASSWORD 'right'")
        rules.write_text("local all guarded scram-sha-256\n" + rules.read_text())
        conn.execute("SELECT pg_reload_conf()")
    return make_conninfo(database_url, user="guarded")


def _open(home: Path, url: str, text: str = "") -> None:
    (home / "config.toml").write_text(text, encoding="utf-8")
    Database.open(load({"HOME": str(home), "DTK_HOME": str(home), "DTK_DATABASE_URL": url})).close()


@pytest.mark.own_server
def test_a_password_has_many_places(guarded_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGPASSWORD", "PGPASSFILE", "PGSERVICEFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(DtkError, match="refused the user or the password"):
        _open(tmp_path, guarded_url)
    command = '[database]\npassword_command = "echo right; echo more"\n'
    _open(tmp_path, guarded_url, command)
    with pytest.raises(DtkError, match="refused the user or the password") as caught:
        _open(tmp_path, guarded_url, command.replace("right", "wr0ng"))
    assert "wr0ng" not in str(caught.value)

    with monkeypatch.context() as patch:
        patch.setenv("PGPASSWORD", "right")
        _open(tmp_path, guarded_url)

    parts = conninfo_to_dict(guarded_url)
    passwords = tmp_path / "passwords"
    passwords.write_text("*:*:*:guarded:right\n")
    passwords.chmod(0o600)
    services = tmp_path / "services"
    services.write_text("[dtk]\n" + "".join(f"{name}={value}\n" for name, value in parts.items()))
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    with pytest.raises(DtkError, match="refused the user or the password"):
        _open(tmp_path, "service=dtk")
    with monkeypatch.context() as patch:
        patch.setenv("PGPASSFILE", str(passwords))
        _open(tmp_path, "service=dtk")
    with pytest.raises(DtkError, match="service that the connection string names is not known"):
        _open(tmp_path, "service=another")


def test_a_command_is_asked_once_and_again_after_a_refusal(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    command = PasswordCommand(f"echo x >> '{counter}'; wc -l < '{counter}'")
    for _ in range(2):
        assert conninfo_to_dict(command.added_to("dbname=a"))["password"].strip() == "1"
    command.forget()
    assert conninfo_to_dict(command.added_to("dbname=a"))["password"].strip() == "2"
    assert command.added_to("dbname=a password=own") == "dbname=a password=own"


@pytest.mark.parametrize("command", ["exit 1", "true", "echo; echo hidden", "printf 'a\\000b'", "echo no >&2; exit 3"])
def test_a_command_without_a_password_is_told(command: str) -> None:
    with pytest.raises(DtkError, match="gives no password") as caught:
        PasswordCommand(command).added_to("dbname=a")
    assert "hidden" not in str(caught.value)
