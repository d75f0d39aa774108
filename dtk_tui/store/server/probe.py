"""Asks a PostgreSQL server on a Unix socket whether it takes connections, within milliseconds and without libpq.

The messages are those of "Message Formats" in PostgreSQL's documentation of its frontend/backend protocol, version 3.0.
"""

from __future__ import annotations

import socket
import struct
from enum import Enum, auto
from pathlib import Path

from dtk_tui.errors import DtkError

_TIMEOUT_S = 2.0
_LENGTH = 4
_VERSION_3_0 = 196608
_TERMINATE = b"X\0\0\0\4"
_STARTING_OR_STOPPING = "57P03"


class Answer(Enum):
    """What a server said."""

    READY = auto()
    NOT_YET = auto()
    """Somebody listens, but starts, recovers or stops."""
    NONE = auto()
    """Nobody listens."""


def ask(socket_file: Path, user: str, database: str) -> Answer:
    """Open a session and close it again.

    Raises:
        DtkError: the socket may not be used by this user.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_TIMEOUT_S)
            try:
                connection.connect(str(socket_file))
            except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
                return Answer.NONE
            connection.sendall(_startup_message(user, database))
            return _read_answer(connection)
    except PermissionError as error:
        raise DtkError(f"The database server at {socket_file.parent} belongs to another user.", str(error)) from error
    except OSError:
        # A full backlog, a timeout or a connection cut short: alive, but not to be used at this moment.
        return Answer.NOT_YET


def _startup_message(user: str, database: str) -> bytes:
    pairs = ("user", user, "database", database, "application_name", "dtk")
    body = struct.pack("!I", _VERSION_3_0) + b"".join(text.encode() + b"\0" for text in pairs) + b"\0"
    return struct.pack("!I", len(body) + _LENGTH) + body


def _read_answer(connection: socket.socket) -> Answer:
    while True:
        kind = _read(connection, 1)
        body = _read(connection, struct.unpack("!I", _read(connection, _LENGTH))[0] - _LENGTH)
        if kind == b"E":
            # Any other refusal (no such database, too many connections) comes from a server that works.
            codes = [field[1:].decode() for field in body.split(b"\0") if field[:1] == b"C"]
            return Answer.NOT_YET if _STARTING_OR_STOPPING in codes else Answer.READY
        if kind == b"Z":
            connection.sendall(_TERMINATE)
            return Answer.READY


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionResetError("the server closed the connection")
        data += part
    return data
