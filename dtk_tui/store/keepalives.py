"""How soon a connection learns that its server, or the way to it, is gone: TCP by itself waits for hours."""

from __future__ import annotations

import os

from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import PGconn

#: In a minute: of a connection that rests, after half a minute, by three questions that nobody answers; of one that
#: has sent something, by nobody having acknowledged it (in milliseconds); a server that takes nothing of a COPY for so
#: long counts as gone, too, though its system answers. libpq leaves a Unix socket out.
_LIMITS = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}


def with_keepalives(conninfo: str) -> str:
    """Add to a connection string what neither it nor its service says of this."""
    said = _said(conninfo)
    return make_conninfo(conninfo, **{name: value for name, value in _LIMITS.items() if name not in said})


def keepalives_of(conninfo: str) -> str:
    """Return what a connection string says of this, and nothing else; empty where it says nothing."""
    return make_conninfo("", **{name: value for name, value in conninfo_to_dict(conninfo).items() if name in _LIMITS})


def _said(conninfo: str) -> set[str]:
    parts = conninfo_to_dict(conninfo)
    if "service" not in parts and "PGSERVICE" not in os.environ:
        return set(parts)
    # libpq alone knows where service files lie and what stands in them, and tells it of a connection only: of this
    # one, to a socket that cannot be.
    nowhere = PGconn.connect_start(make_conninfo(conninfo, host="/", hostaddr="", port="").encode())
    try:
        return {option.keyword.decode() for option in nowhere.info if option.val is not None}
    finally:
        nowhere.finish()
