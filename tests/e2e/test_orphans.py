"""A thousand FINALs go: their ORIGs are queued in the same transactions, found meanwhile, and embedded themselves."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import Dtk
from tests.helpers import small_pngs
from tests.helpers.idle_models import idle_models
from tests.helpers.paths import REPOSITORY

pytestmark = pytest.mark.usefixtures("starter_models")

PAIRS = 1000
#: Jobs of ORIGs, and whether each was written by the transaction that took its FINAL away.
_QUEUED = """
SELECT count(*), count(*) FILTER (WHERE job.xmin = final.xmin)
  FROM job
  JOIN image orig ON orig.id = job.image_id AND orig.is_embedding_representative
  JOIN folder ON folder.id = orig.folder_id AND folder.name = 'orig'
  JOIN image final ON final.metadata_hash = orig.metadata_hash AND final.id <> orig.id
 WHERE job.kind = 2 AND job.state = 'pending' AND final.unavailable
"""
_DONE = """
SELECT count(*), bool_and(folder.name = 'orig') FROM job_log
  JOIN image ON image.id = image_id JOIN folder ON folder.id = folder_id WHERE outcome = 'done'
"""


def test_the_origs_of_a_thousand_deleted_finals_are_queued_and_found(dtk: Dtk, tmp_path: Path) -> None:
    real = Path(os.environ.get("DTK_MODELS") or REPOSITORY / "models")
    dtk.environ["DTK_MODELS"] = str(idle_models(tmp_path / "models", real))
    library = dtk.home.parent / "library"
    origs = small_pngs.write(library / "orig", range(PAIRS), side=32)
    finals = small_pngs.write(library / "final", range(PAIRS), side=64)
    dtk.run("db", "start")
    dtk.run("scan", str(library))
    queued = dtk.json("queue", "add", "--all", "--kind", "embed")
    assert (queued["queued"], queued["spared"]) == (PAIRS, PAIRS)
    dtk.run("worker", "run", "--until-empty")
    assert dtk.look("show", str(origs[3]))["group"]["representative"] == dtk.look("show", str(finals[3]))["id"]
    assert dtk.look("status")["library"]["vectors"]["dinov2-small"] == PAIRS

    shutil.rmtree(library / "final")
    dtk.run("scan", str(library))
    assert dtk.ask(_QUEUED) == [(PAIRS, PAIRS)], "every ORIG, by the transaction in which its FINAL went"
    assert dtk.looks("similar", str(origs[3])), "it is found by what its group had"
    assert dtk.json("library", "prune", "--yes")["pruned"] == PAIRS
    status = dtk.look("status")
    assert status["queue"]["by_kind"] == {"embed": PAIRS} and status["library"]["images"] == PAIRS

    dtk.ask("DELETE FROM job_log")
    dtk.run("worker", "run", "--until-empty")
    assert dtk.ask(_DONE) == [(PAIRS, True)]
    assert dtk.look("status")["library"]["vectors"] == {"dinov2-small": PAIRS, "minilm-l6-v2": 37}
    paths = {str(path) for path in origs}
    like = [hit["path"] for hit in dtk.looks("search", f"like:{dtk.look('show', str(origs[3]))['id']}", "--limit", "9")]
    assert like and set(like) <= paths
    assert {hit["path"] for hit in dtk.looks("search", "about: subject 5", "--limit", "2000")} <= paths
