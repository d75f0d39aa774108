"""A Ray node of a cluster on this machine alone, run as a program: ``python -m dtk_tui.services.cluster.local_node``.

Ray's command line starts no second node on the loopback interface, so this starts one as Ray's own test clusters do.
The node ends when this program does, and this program when one of the node's processes does.
"""

from __future__ import annotations

import argparse
import importlib
import json
import signal
import socket
import sys
import time
from contextlib import ExitStack
from typing import Any

_LOOK_S = 0.5
_OBJECTS_BYTES = 80_000_000
_PORTS = (
    "gcs_server_port", "dashboard_agent_listen_port", "metrics_agent_port", "metrics_export_port",
    "runtime_env_agent_port",
)  # fmt: skip


def main() -> int:
    """Run a node until it is ended; print where its head is, and its id, once it is up."""
    parser = argparse.ArgumentParser(prog="local_node", allow_abbrev=False)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--gpus", type=int, required=True)
    parser.add_argument("--address")
    given = parser.parse_args()
    node = _start(given.folder, given.gpus, given.address)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(json.dumps({"address": node.gcs_address, "node": node.node_id}), flush=True)  # noqa: T201
    while not node.dead_processes():
        time.sleep(_LOOK_S)
    node.kill_all_processes(check_alive=False)
    return 1


def _start(folder: str, gpus: int, address: str | None) -> Any:
    node = importlib.import_module("ray._private.node")
    parameter = importlib.import_module("ray._private.parameter")
    ports = _free_ports(len(_PORTS))
    parameters = parameter.RayParams(
        node_ip_address="127.0.0.1",
        num_cpus=1,
        num_gpus=gpus,
        object_store_memory=_OBJECTS_BYTES,
        include_dashboard=False,
        include_log_monitor=False,
        no_monitor=True,
        min_worker_port=0,
        max_worker_port=0,
        temp_dir=folder if address is None else None,
        gcs_address=address,
        **{name: port for name, port in zip(_PORTS, ports, strict=True) if address is None or name != _PORTS[0]},
    )
    return node.Node(parameters, head=address is None, shutdown_at_exit=True, spawn_reaper=True)


def _free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on: a node that chooses its own waits for files that say which, seconds long."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]


if __name__ == "__main__":
    sys.exit(main())
