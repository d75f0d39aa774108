"""What the embedded PostgreSQL is told at its start, sized to the machine."""

from __future__ import annotations

import os
from pathlib import Path

MIB = 1024 * 1024
GIB = 1024 * MIB

_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - only its size is read

_TEXT = """\
# Written by dtk at every start of the server: changes made here are lost.
# To change a setting for good: dtk db psql -c "ALTER SYSTEM SET name = value", then restart the server.
listen_addresses = ''
port = 5432
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = {shared_buffers}MB
effective_cache_size = {effective_cache_size}MB
work_mem = 32MB
maintenance_work_mem = {maintenance_work_mem}MB
huge_pages = try
dynamic_shared_memory_type = {dynamic_shared_memory_type}
max_worker_processes = {max_worker_processes}
max_parallel_maintenance_workers = {max_parallel_maintenance_workers}
max_locks_per_transaction = 128
jit = off
random_page_cost = 1.1
# The backup of an embedded server is a dump, so WAL that only replication needs is not written: index builds and
# loads into new tables go straight to their files.
wal_level = minimal
max_wal_senders = 0
wal_compression = pglz
max_wal_size = 4GB
min_wal_size = 256MB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
# The queue table turns over quickly.
autovacuum_naptime = 15s
autovacuum_vacuum_cost_limit = 2000
# The query of a client that was killed ends.
client_connection_check_interval = 5s
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
datestyle = 'iso, ymd'
# Prompts are the user's own: failing statements are not copied into the log.
logging_collector = off
log_destination = 'stderr'
log_line_prefix = '%m [%p] '
log_min_error_statement = panic
log_checkpoints = off
log_autovacuum_min_duration = -1
"""
# What was in memory when the server stopped is read again behind the first searches, and not page by page by these.
_PREWARM = """\
shared_preload_libraries = 'pg_prewarm'
pg_prewarm.autoprewarm_interval = 30min
"""


def settings_text(
    memory: int | None = None, cpus: int | None = None, shared_memory: int | None = None, *, prewarms: bool
) -> str:
    """Return the text of ``dtk.conf``.

    Args:
        prewarms: whether this PostgreSQL has the module pg_prewarm.
        memory: bytes of memory to size by; None asks the machine.
        cpus: number of processors; None asks the machine.
        shared_memory: size of /dev/shm in bytes, 0 where there is none; None asks the machine.
    """
    memory = usable_memory() if memory is None else memory
    cpus = (os.cpu_count() or 1) if cpus is None else cpus
    shared_memory = shared_memory_size() if shared_memory is None else shared_memory
    maintenance = _maintenance(memory)
    workers = _clamp(cpus // 2, 2, 7)
    text = _TEXT + _PREWARM if prewarms else _TEXT
    return text.format(
        shared_buffers=_clamp(memory // 8, 128 * MIB, 4 * GIB) // MIB,
        effective_cache_size=max(memory // 2, 256 * MIB) // MIB,
        maintenance_work_mem=maintenance // MIB,
        # Containers often have 64 MB of /dev/shm.
        dynamic_shared_memory_type="posix" if shared_memory >= needed_shared_memory(memory) else "mmap",
        max_worker_processes=max(8, workers + 4),
        max_parallel_maintenance_workers=workers,
    )


def usable_memory() -> int:
    """Return the bytes of memory this process may use: of the machine, or of its container if that is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in _CGROUP_LIMITS:
        try:
            limit = path.read_text().strip()
        except OSError:
            continue
        if limit.isdigit():
            total = min(total, int(limit))
    return total


def needed_shared_memory(memory: int | None = None) -> int:
    """Return the bytes of /dev/shm that the server needs, for a parallel index build keeps maintenance_work_mem of it.

    Args:
        memory: as for ``settings_text``.
    """
    return _maintenance(usable_memory() if memory is None else memory) + 256 * MIB


def shared_memory_size() -> int:
    """Return the size of /dev/shm in bytes, 0 where there is none."""
    try:
        status = os.statvfs(_SHARED_MEMORY)
    except OSError:
        # macOS has no such folder and no such limit.
        return GIB * 64 if not Path("/proc").is_dir() else 0
    return status.f_frsize * status.f_blocks


def _maintenance(memory: int) -> int:
    return _clamp(memory // 16, 64 * MIB, GIB)


def _clamp(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))
