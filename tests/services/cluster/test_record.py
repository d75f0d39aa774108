"""The file that says on which cluster a library's workers are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dtk_tui.services.cluster import record
from dtk_tui.services.cluster.record import LocalNode, Record


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    for one in (
        Record("10.0.0.5:6379"),
        Record("127.0.0.1:5", Path("/folder"), (LocalNode(1, "a"), LocalNode(2, "b", (0, 3)))),
    ):
        record.write(tmp_path / "state" / "cluster.json", one)
        assert record.read(tmp_path / "state" / "cluster.json") == one


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"address": "a", "folder": null, "nodes": [{"pid": 1}]}'])
def test_a_file_that_is_none_of_these_is_no_record(tmp_path: Path, text: str) -> None:
    (tmp_path / "cluster.json").write_text(text)
    assert record.read(tmp_path / "cluster.json") is None
    assert record.read(tmp_path / "none.json") is None


def test_another_program_with_the_number_of_a_node_is_not_touched(tmp_path: Path) -> None:
    folder = tmp_path / "dtk-ray-x"
    folder.mkdir()
    mine = Record("127.0.0.1:5", folder, (LocalNode(os.getpid(), "a"),))
    assert not record.is_running(mine.nodes[0], mine)
    record.end(mine, mine.nodes)
    assert not folder.exists()
