"""Bringing the workers of a library up on a cluster, more or fewer of them, and down again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from dtk_tui.config import Config
from dtk_tui.domain.job import WorkerState
from dtk_tui.domain.stats import WorkerInfo
from dtk_tui.errors import DtkError
from dtk_tui.inference.devices.provider import gpu_report
from dtk_tui.services.cluster import record as records
from dtk_tui.services.cluster.connection import connect
from dtk_tui.services.cluster.order import order_of
from dtk_tui.services.cluster.places import Node, Place, missing, nodes_of, places_in
from dtk_tui.services.cluster.record import Record
from dtk_tui.services.cluster.worker import ClusterWorker, Report
from dtk_tui.store.database import Database
from dtk_tui.store.maintenance import identity, is_for_this_machine
from dtk_tui.store.queue import workers

#: How long an answer of a worker is waited for, also before it is given up, its start, and its end, in seconds.
_ANSWER_S, _PATIENT_S, _START_S, _DRAIN_S = 5.0, 20.0, 120.0, 120.0
_LOOK_S = 0.5


@dataclass(frozen=True)
class Worker:
    """A worker of a cluster.

    Attributes:
        node: Ray's id of its node; None while it has none, or does not answer.
        devices: ``cuda:0``, or ``cpu``.
        state: as in ``dtk status``; ``starting`` before it is registered, ``lost`` when its lease has lapsed,
            ``waiting`` when Ray has no room for it now, or it does not answer.
        jobs_per_s: what it does now, all kinds together.
        problem: why it does not work.
    """

    node: str | None
    devices: tuple[str, ...]
    state: str
    jobs_per_s: float
    problem: str | None = None


@dataclass(frozen=True)
class Overview:
    """A cluster as it is: its nodes that are alive, and the workers of the library."""

    address: str
    nodes: tuple[Node, ...]
    workers: tuple[Worker, ...]


class _Cluster:
    """A connection to a cluster, and the workers of a library there: named actors, which outlive the connection."""

    def __init__(self, ray: Any) -> None:
        self.ray = ray

    @property
    def nodes(self) -> tuple[Node, ...]:
        return nodes_of(self.ray.nodes())

    def actors(self) -> dict[str, Any]:
        """Return all workers by their names."""
        found = {}
        for name in self.ray.util.list_named_actors():
            try:
                found[name] = self.ray.get_actor(name)
            except ValueError:
                continue  # it has ended meanwhile
        return found

    def reports(self, actors: Mapping[str, Any], within_s: float = _ANSWER_S) -> dict[str, Report]:
        """Return what those say that answer in time."""
        asked = {actor.report.remote(): name for name, actor in actors.items()}
        if not asked:
            return {}
        ready, _ = self.ray.wait(list(asked), num_returns=len(asked), timeout=within_s)
        found = {}
        for one in ready:
            try:
                found[asked[one]] = self.ray.get(one)
            except self.ray.exceptions.RayError:
                continue  # it is restarted, or has died
        return found

    def place(self, place: Place, order: Any) -> str:
        """Start a worker, on the node that it is meant for if that has room, and return its name."""
        strategy = self.ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(place.node, soft=True)
        name = f"worker-{uuid4().hex}"
        self.ray.remote(ClusterWorker).options(
            name=name,
            lifetime="detached",
            max_restarts=-1,
            max_concurrency=4,
            num_cpus=place.cpus,
            num_gpus=place.gpus,
            scheduling_strategy=strategy,
        ).remote(order)
        return name

    def drain(self, actors: Mapping[str, Any], answering: Mapping[str, Report]) -> None:
        """End workers; those that answer give back what they hold first, the others lose it with their leases."""
        ends = [actor.drain.remote() for name, actor in actors.items() if name in answering]
        if ends:
            self.ray.wait(ends, num_returns=len(ends), timeout=_DRAIN_S)
        for actor in actors.values():
            self.ray.kill(actor, no_restart=True)


def record_file(config: Config) -> Path:
    """Return the file that says on which cluster the workers of a library are."""
    return config.paths.state / "cluster.json"


def up(
    db: Database, config: Config, *, address: str | None, local: int | None, tell: Callable[[str], None]
) -> Overview:
    """Bring as many workers up as the cluster has places, and end those that have none any more.

    Args:
        address: of a cluster; None takes the one of last time, else what RAY_ADDRESS names.
        local: start, or keep, so many nodes on this machine instead.
        tell: gets sentences on what is going on.

    Raises:
        DtkError: there is no cluster, or its nodes do not reach the database.
    """
    if db.is_read_only or config.followed_file is not None:
        raise DtkError("This library only shows another program's: there is nothing to work on.", "")
    file = record_file(config)
    gpus = range(len(gpu_report()))
    record = _record_for(file, address) if local is None else records.grown(file, local, gpus)
    with _joined(db, record) as cluster:
        surplus = record.nodes[local:] if local is not None else ()
        leaving = {node.node for node in surplus}
        nodes = [node for node in cluster.nodes if node.id not in leaving]
        is_here = all(node.is_here for node in nodes)
        if not is_here:
            check_reachable(db, nodes)
        places = places_in(nodes)
        _end_surplus(cluster, places, tell)
        order = order_of(config, is_here=is_here)
        free = missing(places, [report.node for report in cluster.reports(cluster.actors()).values()])
        for place in free:
            cluster.place(place, order)
        kept = tuple(node for node in record.nodes if node not in surplus)
        records.write(file, Record(record.address, record.folder, kept))
        records.end(Record(record.address, record.folder, record.nodes), surplus)
        _wait(cluster, len(places))
        return _overview(db, cluster, record.address, nodes)


def status(db: Database, config: Config) -> Overview:
    """Return how the cluster of a library is; raises DtkError where there is none."""
    record = _known(config)
    with _joined(db, record) as cluster:
        return _overview(db, cluster, record.address, cluster.nodes)


def down(db: Database, config: Config) -> int:
    """End all workers of a library, and the nodes that ``up --local`` started; return how many workers there were.

    Raises:
        DtkError: there is no cluster, or nobody answers where it was.
    """
    record, number = _known(config), 0
    try:
        with _joined(db, record) as cluster:
            actors = cluster.actors()
            number = len(actors)
            cluster.drain(actors, cluster.reports(actors))
    except DtkError:
        if record.folder is None:
            raise
    records.end(record, record.nodes)
    record_file(config).unlink(missing_ok=True)
    return number


def _known(config: Config) -> Record:
    record = records.read(record_file(config))
    if record is None:
        raise DtkError(
            "This library has no workers on a cluster.",
            "dtk cluster up --address HOST:6379 brings them up on one, dtk cluster up --local 2 on this machine.",
        )
    if record.folder is not None and not (record.nodes and records.is_running(record.nodes[0], record)):
        records.end(record, record.nodes)
        record_file(config).unlink(missing_ok=True)
        raise DtkError("The cluster on this machine has ended.", "dtk cluster up --local 2 starts it anew.")
    return record


def _record_for(file: Path, address: str | None) -> Record:
    """Return the cluster that is named, else that of last time, else that of the environment."""
    before = records.read(file)
    wanted = address or (None if before else os.environ.get("RAY_ADDRESS"))
    if before is not None and wanted in (None, before.address):
        if before.folder is not None and wanted is None:
            return records.grown(file, max(1, len(before.nodes)), range(len(gpu_report())))
        return before
    if before is not None:
        raise DtkError(
            f"The workers of this library are on the cluster at {before.address}.",
            "End them first with: dtk cluster down",
        )
    if wanted is None:
        raise DtkError(
            "No cluster is named.",
            "dtk cluster up --address HOST:6379 names one (ray start --head starts it), dtk cluster up --local 2 makes"
            " one on this machine.",
        )
    return Record(wanted)


@contextmanager
def _joined(db: Database, record: Record) -> Iterator[_Cluster]:
    with db.connection() as conn:
        library = identity(conn)
    ray = connect(record.address, library, record.folder)
    try:
        yield _Cluster(ray)
    finally:
        ray.shutdown()


def check_reachable(db: Database, nodes: Sequence[Node]) -> None:
    """Refuse a database that only this machine can connect to."""
    with db.connection() as conn:
        if not is_for_this_machine(conn):
            return
    others = ", ".join(sorted({node.host for node in nodes if not node.is_here}))
    raise DtkError(
        f"The database of this library cannot be reached from {others}.",
        "It listens on this machine alone. Move the library to a server that listens on the network, by its name there:"
        " dtk db move --to postgresql://dtk@HOST/dtk",
    )


def _end_surplus(cluster: _Cluster, places: Sequence[Place], tell: Callable[[str], None]) -> None:
    """End the workers beyond the places, and those that do not answer, which others replace."""
    actors = cluster.actors()
    reports = cluster.reports(actors, _PATIENT_S)
    left = [place.node for place in places]
    surplus = {}
    for name, report in reports.items():
        if report.node in left:
            left.remove(report.node)
        else:
            surplus[name] = actors[name]
    silent = {name: actor for name, actor in actors.items() if name not in reports}
    if surplus:
        tell(f"Ending {len(surplus)} of {len(actors)} workers; each gives back what it holds ...")
    cluster.drain({**surplus, **silent}, reports)


def _wait(cluster: _Cluster, number: int) -> None:
    """Wait until so many workers are registered or say why they are not; not for ever, as Ray may have no room."""
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        reports = cluster.reports(cluster.actors()).values()
        if sum(report.worker is not None or report.problem is not None for report in reports) >= number:
            return
        time.sleep(_LOOK_S)


def _overview(db: Database, cluster: _Cluster, address: str, nodes: Sequence[Node]) -> Overview:
    actors = cluster.actors()
    reports = cluster.reports(actors)
    with db.connection() as conn:
        known = {one.id: one for one in workers.all_workers(conn)}
    found = [_worker(reports.get(name), known) for name in actors]
    return Overview(address, tuple(nodes), tuple(sorted(found, key=lambda one: (one.node or "~", one.devices))))


def _worker(report: Report | None, known: Mapping[int, WorkerInfo]) -> Worker:
    if report is None:
        return Worker(None, (), "waiting", 0.0)
    info = known.get(report.worker or 0)
    if info is None:
        return Worker(report.node, report.devices, "starting", 0.0, report.problem)
    if not info.alive:
        return Worker(report.node, report.devices, "lost", 0.0, info.stats.trouble)
    speed = sum(info.stats.speed.values(), 0.0) if info.state == WorkerState.RUNNING else 0.0
    return Worker(report.node, report.devices, str(info.state), round(speed, 3), info.stats.trouble)
