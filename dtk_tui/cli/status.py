"""``dtk status``: what waits, who works, and how much there is."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dtk_tui.cli.open_library import library
from dtk_tui.cli.output import print_json, tell
from dtk_tui.domain.job import WorkerState
from dtk_tui.text import counted, display, duration

if TYPE_CHECKING:
    from dtk_tui.domain.stats import Stats

_SHARED = ("image shares the vector of its group", "images share the vector of their group")


def show_status(*, as_json: bool) -> None:
    """Show the queue, the workers and the library."""
    from dtk_tui.services.library.unfinished_tags import unfinished_tags
    from dtk_tui.services.stats import snapshot

    with library() as (db, _):
        stats, half_done = snapshot(db), unfinished_tags(db)
    if as_json:
        tags = [{"tagger": of.tagger, "left": of.left, "images": of.images} for of in half_done]
        print_json(status_json(stats) | {"tags_unfinished": tags})
        return
    queue, sizes = stats.queue, stats.library
    provider = f", {stats.provider}" if stats.provider else ""
    tell(f"Worker   {stats.state} ({len(stats.workers)} connected{provider})")
    if stats.awaited is not None:
        is_missing = not stats.workers and stats.awaited is WorkerState.RUNNING
        advice = "; start one with: dtk worker run" if is_missing else ""
        tell(f"         asked to be {stats.awaited}{advice}")
    kinds = "".join(f", {kind} {number:,}" for kind, number in queue.by_kind.items())
    tell(f"Queue    {queue.pending:,} waiting ({queue.priority:,} priority{kinds}), {queue.running:,} running")
    for folder in stats.away:
        waits = counted(folder.jobs, "job waits", "jobs wait")
        tell(display(f"Away     {folder.path} {folder.reason}: {waits} for it"))
    for sentence in stats.trouble:
        tell(display(f"Trouble  {sentence}"))
    tell(f"Done     {stats.processed:,} processed, {queue.failed:,} failed, ETA {duration(stats.eta_s or None)}")
    if stats.speed:
        tell(f"Speed    {', '.join(f'{kind} {rate:,.1f}/s' for kind, rate in stats.speed.items())}")
    if stats.output:
        tell(f"Output   {', '.join(f'{rate:,.1f} {word}/s' for word, rate in stats.output.items())}")
    if stats.cache_hit_rate is not None:
        tell(f"Cache    {stats.cache_hit_rate:.0%} of prompts needed no new embedding")
    vectors = "".join(f", {number:,} {name}" for name, number in sizes.vectors.items())
    tell(
        f"Library  {counted(sizes.images, 'image')}, {counted(sizes.representatives, 'representative')},"
        f" {counted(sizes.prompts, 'prompt')}"
    )
    if stats.spared_images:
        tell(f"Shared   {counted(stats.spared_images, *_SHARED)}")
    if vectors:
        tell(f"Vectors  {vectors[2:]}")
    for of in half_done:
        left = f"{of.left:,} of {counted(of.images, 'image')} go by the thresholds of before"
        tell(display(f"Tags     {of.tagger}: {left}; {of.command} makes them anew"))


def status_json(stats: Stats) -> dict[str, Any]:
    """Return the keys of ``dtk status --json``."""
    return {
        "worker": {
            "state": stats.state,
            "desired": stats.desired,
            "workers": [
                {
                    "id": worker.id,
                    "host": worker.host,
                    "pid": worker.pid,
                    "state": worker.state,
                    "heartbeat_at": worker.heartbeat_at.isoformat(),
                    "devices": list(worker.devices),
                    "stats": worker.stats.to_json(),
                }
                for worker in stats.workers
            ],
        },
        "queue": asdict(stats.queue),
        "processed": stats.processed,
        "failed": stats.failed,
        "cache_hit_rate": stats.cache_hit_rate,
        "spared": {"images": stats.spared_images, "prompts": stats.cache_hits},
        "speed": stats.speed,
        "output": stats.output,
        "eta_s": stats.eta_s,
        "library": asdict(stats.library),
        "provider": stats.provider,
        "away": [asdict(folder) for folder in stats.away],
        "trouble": stats.trouble,
        "gpus": list(stats.gpus),
    }
