"""The way into a Ray cluster; Ray is an extra, and nothing else of the program knows it."""

from __future__ import annotations

import importlib
import logging
import os
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dtk_tui.errors import DtkError, UsageError
from dtk_tui.text import one_line

_REACH_S = 5.0
#: Nothing is told to Ray's makers.
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0"}


def require_ray() -> None:
    """Raise DtkError where the extra is not installed; Ray, which reads the environment as it loads, is not loaded."""
    if find_spec("ray") is None:
        raise DtkError(
            "A cluster needs an extra.",
            "pip install 'dtk-tui[cluster]' on each of its machines. Without it: dtk worker run on each of them.",
        )


def load_ray() -> Any:
    """Return the module; raises DtkError where the extra is not installed."""
    require_ray()
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    return importlib.import_module("ray")


def local_environment(folder: Path) -> dict[str, str]:
    """Return what makes Ray keep to the loopback interface of this machine, and to those who can read the token there.

    Ray replaces 127.0.0.1 by the address of the machine where it believes that other machines may join.
    """
    return {
        **_QUIET,
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(folder / "token"),
        "RAY_enable_metrics_collection": "false",
        "RAY_agent_register_timeout_ms": "120000",
    }


def connect(address: str, library: str, folder: Path | None = None) -> Any:
    """Join a cluster and return the module ``ray``; ``ray.shutdown`` leaves it.

    Args:
        address: host and port of the head, e.g. ``10.0.0.5:6379``.
        library: which library the workers are of; those of others are not seen.
        folder: of a cluster on this machine alone.

    Raises:
        DtkError: the extra is missing, nobody answers there, or this machine is none of the cluster.
    """
    shown = one_line(address, 200)
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise UsageError(f"{shown} is no address of a cluster.", "It is host and port of its head: 10.0.0.5:6379")
    require_ray()
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH_S).close()
    except OSError as error:
        raise DtkError(
            f"No cluster answers at {shown}.",
            f"{error.strerror or error}. ray start --head starts one, and says its address; see also: ray status.",
        ) from error
    if folder is not None:
        os.environ.update(local_environment(folder))
    ray = load_ray()
    here = {} if folder is None else {"_node_ip_address": "127.0.0.1"}
    try:
        ray.init(
            address=address, namespace=f"dtk-{library}", log_to_driver=False, logging_level=logging.CRITICAL, **here
        )
    except Exception as error:  # Ray has no common class for these: versions, tokens, a machine outside
        raise DtkError(
            f"The cluster at {shown} cannot be joined.",
            f"{one_line(str(error), 500)} This command runs on a machine of the cluster (ray start --address={shown}),"
            " with the same Ray and the same token.",
        ) from error
    return ray
