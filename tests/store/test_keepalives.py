"""What tells a connection that the way to its server is gone."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from dtk_tui.store.database import Database
from dtk_tui.store.server import programs
from tests.helpers.tcp_proxy import TcpProxy, tcp_proxy

LIMITS = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3", "tcp_user_timeout": "60000"}
_OPTIONS = {  # some systems lack the last
    name: getattr(socket, option)
    for name, option in zip(LIMITS, ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT"), strict=True)
    if hasattr(socket, option)
}


@pytest.fixture
def proxy(database_url: str) -> Iterator[TcpProxy]:
    """A way over TCP to a library."""
    with tcp_proxy(database_url) as way:
        yield way


def _in_force(conn: psycopg.Connection[tuple[object, ...]]) -> dict[str, str]:
    with socket.socket(fileno=os.dup(conn.fileno())) as end:
        assert end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        return {name: str(end.getsockopt(socket.IPPROTO_TCP, option)) for name, option in _OPTIONS.items()}


def test_every_connection_over_tcp_notices_within_a_minute_that_nobody_is_there(proxy: TcpProxy) -> None:
    expected = {name: LIMITS[name] for name in _OPTIONS}
    db = Database(proxy.conninfo, None)
    db._prepare()
    try:
        with db.connection() as first, db.connection() as pooled, db.listener("a_channel") as listener:
            assert [_in_force(conn) for conn in (first, pooled, listener)] == [expected] * 3
    finally:
        db.close()


def test_what_the_connection_string_says_holds(proxy: TcpProxy) -> None:
    db = Database(make_conninfo(proxy.conninfo, keepalives_idle=7, tcp_user_timeout=9000), None)
    with db.listener() as listener:
        said = listener.info.get_parameters()
    assert {name: said[name] for name in LIMITS} == {**LIMITS, "keepalives_idle": "7", "tcp_user_timeout": "9000"}


@pytest.mark.parametrize("is_named", ["by the connection string", "by the environment"])
def test_what_the_service_file_says_holds(
    proxy: TcpProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_named: str
) -> None:
    services = tmp_path / "services"
    parts = conninfo_to_dict(proxy.conninfo) | {"keepalives_count": "5", "tcp_user_timeout": "0"}
    services.write_text("[dtk]\n" + "".join(f"{name}={value}\n" for name, value in parts.items()))
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    url = "service=dtk"
    if is_named == "by the environment":
        monkeypatch.setenv("PGSERVICE", "dtk")
        url = "application_name=dtk"
    with Database(url, None).listener() as listener:
        said = listener.info.get_parameters()
    assert {name: said[name] for name in LIMITS} == {**LIMITS, "keepalives_count": "5", "tcp_user_timeout": "0"}


def test_a_program_of_postgresql_is_told_as_well(proxy: TcpProxy) -> None:
    conninfo = Database(proxy.conninfo, None).conninfo()
    command = [*programs.client("psql", conninfo), "-X", "-At", "-c", "SELECT current_database()"]
    assert conninfo_to_dict(command[1].removeprefix("--dbname=")) == LIMITS
    done = subprocess.run(command, env=programs.environment(conninfo), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == conninfo_to_dict(proxy.conninfo)["dbname"]
