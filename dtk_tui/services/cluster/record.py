"""Which cluster a library is on, in a file of its state, and the nodes that were started for it on this machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_hex

from dtk_tui.atomic_file import write_whole
from dtk_tui.errors import DtkError
from dtk_tui.services.cluster.connection import local_environment, require_ray
from dtk_tui.text import one_line

_END_S = 30.0
#: Ray gives its own parts 15 s to start, which a busy machine does not always meet.
_TRIES = 6
#: What Ray and a worker need of the environment; a worker is told the rest apart, where no list of processes shows it.
_KEPT = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH",
    "CUDA_HOME", "XDG_RUNTIME_DIR",
)  # fmt: skip
_KEPT_BEGINS = ("LC_", "NVIDIA_", "OMP_", "PYTHON")


@dataclass(frozen=True)
class LocalNode:
    """A node on this machine: the program that holds it, Ray's id, and the numbers of its GPUs."""

    pid: int
    node: str
    gpus: tuple[int, ...] = ()


@dataclass(frozen=True)
class Record:
    """A cluster.

    Attributes:
        address: of its head.
        folder: of Ray's files, for a cluster that ``up --local`` started; None for any other.
        nodes: those of that cluster, the head first.
    """

    address: str
    folder: Path | None = None
    nodes: tuple[LocalNode, ...] = ()


def read(file: Path) -> Record | None:
    """Return what stands in the file; None where there is none, or not one of these."""
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        folder = Path(raw["folder"]) if raw["folder"] else None
        nodes = tuple(LocalNode(one["pid"], one["node"], tuple(one["gpus"])) for one in raw["nodes"])
        return Record(raw["address"], folder, nodes)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(file: Path, record: Record) -> None:
    """Write the file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    raw = asdict(record) | {"folder": str(record.folder) if record.folder else None}
    write_whole(file, json.dumps(raw).encode())


def grown(file: Path, number: int, gpus: Sequence[int]) -> Record:
    """Return a cluster on this machine with at least so many nodes; those that are missing are started.

    Args:
        gpus: the numbers of the GPUs; those that no node has are dealt out to the new ones.

    Raises:
        DtkError: Ray does not start here, or the library has its workers on another cluster.
    """
    require_ray()
    record = read(file)
    if record is not None and record.folder is None:
        raise DtkError(
            f"The workers of this library are on the cluster at {one_line(record.address, 200)}.",
            "End them first with: dtk cluster down",
        )
    if record is not None:
        alive = tuple(node for node in record.nodes if is_running(node, record))
        if not alive or alive[0] != record.nodes[0]:  # without its head a cluster is none
            end(record, alive)
            record = None
        else:
            record = Record(record.address, record.folder, alive)
    folder = Path(tempfile.mkdtemp(prefix="dtk-ray-")) if record is None else record.folder
    assert folder is not None
    if record is None:
        write_whole(folder / "token", token_hex(32).encode())
    nodes = list(record.nodes if record else ())
    address = record.address if record else None
    while len(nodes) < number:
        held = {gpu for node in nodes for gpu in node.gpus}
        mine = tuple(gpu for gpu in gpus if gpu not in held)[:: number - len(nodes)]
        address, node = _start(folder, address, mine)
        nodes.append(node)
        record = Record(address, folder, tuple(nodes))
        write(file, record)
    assert record is not None
    return record


def _start(folder: Path, address: str | None, gpus: tuple[int, ...]) -> tuple[str, LocalNode]:
    """Start a node; the first is the head."""
    command = [sys.executable, "-m", "dtk_tui.services.cluster.local_node", f"--folder={folder}", f"--gpus={len(gpus)}"]
    if address is not None:
        command.append(f"--address={address}")
    environ = {
        name: text for name, text in os.environ.items() if name in _KEPT or name.startswith(_KEPT_BEGINS)
    } | local_environment(folder)
    environ["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, gpus))
    log = folder / "nodes.log"
    for _ in range(_TRIES):
        with log.open("ab") as told:
            process = subprocess.Popen(
                command,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=told,
                start_new_session=True,
            )
        assert process.stdout is not None
        with suppress(ValueError):
            up = json.loads(process.stdout.readline())
            return str(up["address"]), LocalNode(process.pid, str(up["node"]), gpus)
        process.wait()
    words = log.read_text(errors="replace").strip().rpartition("\n")[2]
    if address is None:
        shutil.rmtree(folder, ignore_errors=True)
    raise DtkError("Ray does not start a node on this machine.", one_line(words, 500))


def is_running(node: LocalNode, record: Record) -> bool:
    """Say whether the program of a node runs: its number may long be that of another."""
    told = subprocess.run(
        ["ps", "-o", "args=", "-p", str(node.pid)], capture_output=True, text=True, check=False
    ).stdout
    return f"--folder={record.folder}" in told


def end(record: Record, nodes: Sequence[LocalNode]) -> None:
    """End nodes of a cluster on this machine, and with the last one remove what Ray wrote."""
    running = [node for node in nodes if is_running(node, record)]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for node in running:
            with suppress(ProcessLookupError):
                os.kill(node.pid, number)
        until = time.monotonic() + _END_S
        while running and time.monotonic() < until:
            time.sleep(0.1)
            running = [node for node in running if is_running(node, record)]
    if record.folder is not None and not any(is_running(node, record) for node in record.nodes):
        shutil.rmtree(record.folder, ignore_errors=True)
