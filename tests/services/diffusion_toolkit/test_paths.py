"""Paths of Windows, shares and POSIX: taken apart, put together, mapped."""

from __future__ import annotations

import pytest

from dtk_tui.errors import UsageError
from dtk_tui.services.diffusion_toolkit.paths import Mapping, join, parent, parse_map, split, strip_separators
from dtk_tui.services.diffusion_toolkit.saved_searches import translate


@pytest.mark.parametrize(
    ("path", "folder", "name"),
    [
        ("D:\\AI\\x.png", "D:\\AI", "x.png"),
        ("D:\\x.png", "D:\\", "x.png"),
        ("D:/AI/outputs\\mixed/sep.png", "D:/AI/outputs\\mixed", "sep.png"),
        ("\\\\NAS\\share\\x.png", "\\\\NAS\\share", "x.png"),
        ("\\\\?\\D:\\a\\x.png", "\\\\?\\D:\\a", "x.png"),
        ("/home/u/back\\slash.png", "/home/u", "back\\slash.png"),
        ("/x.png", "/", "x.png"),
        ("x.png", "", "x.png"),
        ("D:\\AI\\", "D:\\AI", ""),
    ],
)
def test_a_path_is_taken_apart_and_put_together(path: str, folder: str, name: str) -> None:
    assert split(path) == (folder, name)
    if name and "mixed" not in path:
        assert join(folder, name) == path


@pytest.mark.parametrize(
    ("folder", "above"),
    [
        ("D:\\AI\\a", "D:\\AI"),
        ("D:\\AI", "D:\\"),
        ("D:\\", None),
        ("\\\\NAS\\share\\a", "\\\\NAS\\share"),
        ("\\\\NAS\\share", None),
        ("/home", "/"),
        ("/", None),
        ("", None),
    ],
)
def test_a_folder_has_one_above_it(folder: str, above: str | None) -> None:
    assert parent(folder) == above


@pytest.mark.parametrize(
    ("path", "bare"), [("D:\\AI\\\\", "D:\\AI"), ("D:\\", "D:\\"), ("/a/b/", "/a/b"), ("/", "/"), ("E:/x/", "E:/x")]
)
def test_separators_at_the_end_go_but_a_root_keeps_its_own(path: str, bare: str) -> None:
    assert strip_separators(path) == bare


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("D:\\AI\\out\\x.png", "/mnt/ai/out/x.png"),
        ("d:/ai/OUT\\x.png", "/mnt/ai/OUT/x.png"),
        ("\\\\?\\D:\\AI\\x.png", "/mnt/ai/x.png"),
        ("D:\\AI\\special\\x.png", "/fast/x.png"),
        ("D:\\AIR\\x.png", "D:\\AIR\\x.png"),
        ("D:\\AI", "/mnt/ai"),
        ("\\\\nas-01\\SHARE\\x.png", "Z:\\nas\\x.png"),
        ("/old/x.png", "/new/x.png"),
        ("/OLD/x.png", "/OLD/x.png"),
    ],
)
def test_the_longest_prefix_is_mapped(path: str, target: str) -> None:
    pairs = [("D:\\AI", "/mnt/ai"), ("d:/ai/special/", "/fast/"), ("\\\\NAS-01\\share", "Z:\\nas"), ("/old", "/new")]
    assert Mapping(pairs).apply(path) == target


@pytest.mark.parametrize("text", ["", "a", "=b", "a="])
def test_a_map_without_two_sides_is_bad_usage(text: str) -> None:
    with pytest.raises(UsageError):
        parse_map(text)


def test_a_map_leads_to_a_whole_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert parse_map("D:\\AI=~/ai") == ("D:\\AI", "/home/somebody/ai")
    assert parse_map("D:=Z:\\ai") == ("D:", "Z:\\ai")
    with pytest.raises(UsageError, match="not a whole path"):
        parse_map("D:=pictures")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"Query": "castle, steps: 20", "SearchNodes": false}', "castle, steps: 20"),
        ('{"Query": "fox", "Filter": {"UsePrompt": false, "Prompt": null}, "AlbumIds": []}', "fox"),
        ('{"Query": "fox", "AlbumIds": [3]}', None),
        ('{"Query": "steps: many"}', None),
        ("{not json", None),
        ("[]", None),
        (None, None),
    ],
)
def test_a_saved_query_is_translated_or_says_why_not(text: str | None, line: str | None) -> None:
    query, problem = translate(text)
    assert query == line
    assert (problem is None) == (line is not None)


def test_a_long_path_of_a_share_is_mapped_as_the_short_one() -> None:
    mapping = Mapping([("\\\\nas\\share", "/nas")])
    assert (
        mapping.apply("\\\\?\\UNC\\nas\\share\\a\\b.png") == mapping.apply("\\\\NAS\\share\\a\\b.png") == "/nas/a/b.png"
    )


def test_a_letter_that_becomes_two_in_lower_case_does_not_hinder_a_map() -> None:
    mapping = Mapping([("D:\\AI", "/mnt/ai"), ("E:\\İzmir", "/mnt/izmir")])
    assert mapping.apply("d:\\ai\\İstanbul\\a.png") == "/mnt/ai/İstanbul/a.png"
    assert mapping.apply("E:\\İzmir\\b.png") == "/mnt/izmir/b.png"
