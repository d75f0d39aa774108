"""A file is there whole or as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dtk_tui import atomic_file
from dtk_tui.atomic_file import write_whole


def test_a_file_gets_its_content_and_permissions(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    write_whole(path, b"first")
    write_whole(path, b"second", 0o644)
    assert path.read_bytes() == b"second" and path.stat().st_mode & 0o777 == 0o644
    assert os.listdir(tmp_path) == ["kept"]


def test_a_link_is_replaced_and_what_it_names_stays(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"of somebody")
    path = tmp_path / "kept"
    path.symlink_to(tmp_path / "other")
    write_whole(str(path), b"ours")
    assert not path.is_symlink() and (tmp_path / "other").read_bytes() == b"of somebody"


def test_what_fails_leaves_the_old_content_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kept"
    write_whole(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_file.os, "fchmod", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["kept"]
