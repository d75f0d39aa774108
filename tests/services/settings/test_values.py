"""What settings are, what is wrong with them, and setting others in a file that people wrote."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtk_tui.config import AppPaths
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.settings import values
from dtk_tui.services.settings.file import changed_text
from dtk_tui.services.settings.schema import Effect, settings
from dtk_tui.setting_sources import typed, with_value
from dtk_tui.settings import Settings, checked, faults

_WHOLE, _NUMBER, _LIST = "a whole number belongs here", "a number belongs here", "a list belongs here"
#: Key, value as TOML, and what is said of it.
WRONG = (
    ("worker.batch_size", '"many"', _WHOLE),
    ("worker.batch_size", "1.5", _WHOLE),
    ("worker.batch_size", "0", "too small; 1 is the least"),
    ("worker.batch_size", "5000", "too large; 1024 is the most"),
    ("worker.batch_size", '"null"', "null is no value"),
    ("worker.devices", '"NULL"', "null is no value"),
    ("worker.decode_threads", "257", "too large; 256 is the most"),
    ("worker.max_retries", "-1", "too small; 0 is the least"),
    ("worker.max_retries", "[]", _WHOLE),
    ("worker.lease_s", '"long"', _NUMBER),
    ("worker.lease_s", "0.5", "too small; 1 is the least"),
    ("worker.read_s", "nan", "belongs here"),
    ("worker.read_s", "4000", "too large; 3600 is the most"),
    ("worker.devices", "0", _LIST),
    ("worker.devices", "[]", "the list is empty"),
    ("worker.devices", "[300]", "too large; 255 is the most"),
    ("worker.providers", '["metal"]', "one of these belongs here: tensorrt, cuda, cpu"),
    ("worker.providers", '"cuda"', _LIST),
    ("worker.allow_cpu", '"maybe"', "true or false belongs here"),
    ("worker.auto_pause", '"9-17"', "hours belong here"),
    ("worker.log_days", "0", "too small; 1 is the least"),
    ("scan.extensions", '["*.png"]', "write one like .png"),
    ("scan.extensions", "[]", "the list is empty"),
    ("scan.exclude", "[3]", "text belongs here"),
    ("scan.watch", "7", "true or false belongs here"),
    ("scan.processes", "0", "too small; 1 is the least"),
    ("search.nope", "nan", "there is no such setting"),
    ("paths.map", "nan", "a table belongs here"),
    ("search.timeout_s", "0", "too small; 0.1 is the least"),
    ("paths.map", '"/srv"', "a table belongs here"),
    ("paths.map", '{ "images" = "/mnt" }', "'images' is no absolute path"),
    ("preview.protocol", '"ascii"', "one of these belongs here: auto, kitty, sixel, halfblock, text, off"),
    ("preview.protocol", "1", "text belongs here"),
    ("tags.nsfw", '["explicit"]', "write one like explicit>=0.5"),
    ("tags.thresholds", "{ joytag = { general = 2.0 } }", "too large; 1 is the most"),
    ("tags.thresholds", "{ joytag = { general = 0.0 } }", "it must be more than 0"),
    ("models.taggers", '"joytag"', _LIST),
    ("models.text_embedder", "3", "text belongs here"),
    ("models.image_embedders", '["a", "a"]', "names a model twice"),
    ("captions.backend", '"gpt"', "one of these belongs here: llama, openai"),
    ("captions.base_url", '"localhost:8000"', "an address belongs here"),
    ("captions.temperature", "9", "too large; 5 is the most"),
    ("captions.top_p", "0", "it must be more than 0"),
    ("captions.length", '"epic"', "or a number of words belongs here"),
    ("captions.language", '"English!"', "in small letters"),
    ("captions.type", '""', "it is empty"),
    ("captions.templates", '{ "a/b" = "x" }', "is no name for a template"),
    ("captions.max_tokens", "true", "belongs here"),
    ("captions.colour", '"blue"', "there is no such setting"),
    ("keys.app.start", "5", "text belongs here"),
    ("gallery", "{ columns = 3 }", "there is no such setting"),
)

#: As people write them: comments, odd order, odd spaces, keys that nobody knows, several forms of tables.
ODD = """\
# my settings    (do not touch)

[worker]   # of this host
  batch_size=32            # was 64
# decode_threads = 8

max_retries   =   5


[gallery]
columns = 3    # another program's

[scan]
extensions = [
    ".png",  # most of them
    ".webp",
]
[captions]
system = '''
You see pictures.
'''
templates = { one = "Say {tags}" }   # mine
[preview]
protocol = "halfblock"
[keys]
"app.start" = "f5,ctrl+s"
"""


def paths_of(folder: Path, text: str | None = None, **environ: str) -> AppPaths:
    """Return the places of a library with a config."""
    if text is not None:
        (folder / "config.toml").write_text(text, encoding="utf-8")
    return AppPaths({"HOME": str(folder), "DTK_HOME": str(folder), **environ})


@pytest.mark.parametrize(("key", "value", "said"), WRONG, ids=lambda part: str(part)[:30])
def test_a_wrong_value_has_its_sentence(key: str, value: str, said: str) -> None:
    section, _, name = key.partition(".")
    quoted = f'"{name}"' if "." in name else name
    raw = tomllib.loads(f"[{section}]\n{quoted} = {value}\n" if name else f"{section} = {value}\n")
    found = faults(raw)
    assert list(found) and all(one.startswith(section) for one in found)
    assert any(said in sentence for sentence in found.values()), found


def test_each_of_several_faults_is_told_where_it_stands() -> None:
    found = faults(
        {
            "scan": {"exclude": ["a", 3, "b", 4], "watch": "maybe"},
            "tags": {"thresholds": {"joytag": {"general": 0.5, "rating": 7}, "other": 3}},
            "captions": {"templates": {"good": "x", "empty": ""}, "devices": [0, -1]},
            "models": {"taggers": ["a"], "text_embedders": ["a", "b", "a"]},
            "search": 3,
            "keys": {"app.start": "f5", "app.pause": ","},
            "gallery": {"columns": 3, "rows": 2},
        }
    )
    assert list(found) == [
        "scan.exclude.1", "scan.exclude.3", "scan.watch", "tags.thresholds.joytag.rating", "tags.thresholds.other",
        "captions.templates.empty", "captions.devices.1", "models", "search", "keys.app.pause", "gallery",
    ]  # fmt: skip
    assert found["search"] == "a section belongs here, with a setting a line"


def test_a_line_end_is_no_part_of_a_choice() -> None:
    for key, value in (("language", "english\n"), ("length", "any\n"), ("backend", "llama\n")):
        assert list(faults({"captions": {key: value}})) == [f"captions.{key}"]


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("worker.allow_cpu", "yes", True), ("worker.allow_cpu", "Off", False), ("worker.allow_cpu", "1", True),
        ("worker.batch_size", '"8"', 8), ("worker.lease_s", "5", 5.0), ("worker.devices", "0, 1", (0, 1)),
    ],
)  # fmt: skip
def test_what_means_a_value_is_taken_for_it(key: str, text: str, value: object) -> None:
    section, name = key.split(".")
    found = getattr(getattr(checked({section: {name: typed((section, name), text)}}), section), name)
    assert found == value and type(found) is type(value)


def test_many_faults_do_not_take_long_and_most_are_left_out() -> None:
    assert len(faults({"scan": {"exclude": [3] * 200_000}})) == 100


def test_every_setting_has_a_help_and_a_kind() -> None:
    assert [one.key for one in settings() if not one.help] == []
    assert {one.kind for one in settings()} <= {"text", "yes or no", "whole number", "number", "list", "table"}
    sections = (getattr(Settings(), name) for name in Settings.__struct_fields__)
    assert len(settings()) == sum(len(getattr(section, "__struct_fields__", ("",))) for section in sections)


def test_a_value_comes_from_the_default_the_file_or_the_environment(tmp_path: Path) -> None:
    paths = paths_of(tmp_path, ODD, DTK_DATABASE_URL="postgresql://me:secret@here/dtk")
    found = {state.info.key: state for state in values.listed(paths)}
    assert (found["worker.batch_size"].value, found["worker.batch_size"].origin) == (32, "file")
    assert (found["worker.lease_s"].value, found["worker.lease_s"].origin) == (60.0, "default")
    assert (found["keys"].value, found["keys"].origin) == ({"app.start": "f5,ctrl+s"}, "file")
    url = found["database.url"]
    assert (url.origin, url.shown) == ("environment", "(set)")


@pytest.mark.parametrize(
    ("key", "typed", "line", "changed"),
    [
        ("worker.batch_size", "64", "  batch_size=32            # was 64", "  batch_size=64            # was 64"),
        ("worker.max_retries", "0", "max_retries   =   5", "max_retries   =   0"),
        ("preview.protocol", "kitty", 'protocol = "halfblock"', 'protocol = "kitty"'),
        ("keys.app.start", "f9", '"app.start" = "f5,ctrl+s"', '"app.start" = "f9"'),
    ],
)
def test_a_file_comes_back_as_it_was_but_for_what_was_changed(
    tmp_path: Path, key: str, typed: str, line: str, changed: str
) -> None:
    paths = paths_of(tmp_path, ODD)
    values.set_value(paths, key, typed)
    assert paths.config_file.read_text(encoding="utf-8") == ODD.replace(line, changed)


def test_what_is_new_is_added_and_what_is_unset_goes(tmp_path: Path) -> None:
    paths = paths_of(tmp_path, ODD)
    values.set_value(paths, "worker.devices", "0,1")
    values.set_value(paths, "search.timeout_s", "5")
    values.set_value(paths, "captions.system", None)
    text = paths.config_file.read_text(encoding="utf-8")
    assert tomllib.loads(text)["worker"]["devices"] == [0, 1]
    assert tomllib.loads(text)["search"] == {"timeout_s": 5}
    assert "system" not in tomllib.loads(text)["captions"]
    kept = [line for line in ODD.splitlines() if line and "You see" not in line and "'''" not in line]
    assert [line for line in kept if line not in text.splitlines()] == []


def test_the_first_setting_makes_the_file(tmp_path: Path) -> None:
    paths = paths_of(tmp_path / "new")
    assert values.set_value(paths, "scan.watch", "false").value is False
    assert paths.config_file.read_text(encoding="utf-8") == "[scan]\nwatch = false\n"
    assert values.set_value(paths, "scan.watch", None).origin == "default"


def test_a_link_stays_one_and_rights_stay(tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    real.write_text("[scan]\nwatch = true\n", encoding="utf-8")
    real.chmod(0o600)
    (tmp_path / "config.toml").symlink_to(real)
    values.set_value(paths_of(tmp_path), "scan.watch", "false")
    assert (tmp_path / "config.toml").is_symlink()
    assert real.read_text(encoding="utf-8") == "[scan]\nwatch = false\n"
    assert real.stat().st_mode & 0o777 == 0o600
    assert sorted(one.name for one in tmp_path.iterdir()) == ["config.toml", "real.toml"]


@pytest.mark.parametrize(
    ("key", "typed", "said"),
    [
        ("worker.batch_size", "0", "1 is the least"),
        ("worker.batchsize", "3", "Did you mean worker.batch_size"),
        ("nonsense", "3", "config show"),
        ("preview.protocol", "ascii", "one of these"),
        ("models.text_embedders", "", "the list is empty"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_changes(tmp_path: Path, key: str, typed: str, said: str) -> None:
    paths = paths_of(tmp_path, ODD)
    with pytest.raises(UsageError) as caught:
        values.set_value(paths, key, typed)
    assert said in caught.value.detail
    assert paths.config_file.read_text(encoding="utf-8") == ODD


def test_a_setting_can_be_mended_beside_others_that_are_wrong(tmp_path: Path) -> None:
    paths = paths_of(tmp_path, "[worker]\nbatch_size = 0\nlog_days = 0\n[odd]\nkey = 1\n")
    assert list(values.check(paths)) == ["worker.batch_size", "worker.log_days", "odd"]
    values.set_value(paths, "worker.batch_size", "8")
    assert list(values.check(paths)) == ["worker.log_days", "odd"]
    assert values.fault_of(paths, "worker.log_days", "x") == "a whole number belongs here, like 4"


_PARTS = (
    "[worker]   # of this host\n  batch_size=32            # was 64\n# decode_threads = 8\n",
    "# of another program\n[gallery]\ncolumns = 3\nwhen = 2024-01-01T00:00:00Z\n",
    '\n\n[scan]\nextensions = [\n    ".png",  # most\n]\nprocesses    = 0x10\n',
    "# texts\n[captions]\nsystem = '''\nYou see.\n'''\n\n[captions.templates]\n# mine\none = \"Say {tags}\"\n\n",
    '[keys]\n"app.start" = "f5,ctrl+s" # both\n',
    "[paths]\nmap = { 'C:\\a' = \"/mnt/a\" }\n# the end of paths\n\n",
    "[search]\n",
)
_CHANGES = (
    ("worker.batch_size", "8"), ("worker.devices", "0,1"), ("scan.processes", "4"), ("scan.watch", "false"),
    ("search.timeout_s", "5"), ("captions.slots", "2"), ("keys.app.start", "f9"), ("keys.app.queue", "f3"),
    ("preview.protocol", "kitty"), ("database.url", "service=dtk"), ("paths.map", "{}"),
)  # fmt: skip


@given(st.permutations(_PARTS), st.integers(0, len(_PARTS)), st.sampled_from(_CHANGES), st.sampled_from(["\n", "\r\n"]))
def test_whatever_its_order_only_one_line_of_a_file_changes(
    parts: list[str], number: int, change: tuple[str, str], end: str
) -> None:
    text = "".join(parts[:number]).replace("\n", end)
    place, value = tuple(change[0].split(".", 1)), typed(tuple(change[0].split(".", 1)), change[1])
    expected = with_value(tomllib.loads(text), place, value)
    changed = changed_text(text, place, value, expected)
    assert changed is not None and tomllib.loads(changed) == expected
    before, after = text.split(end), changed.split(end)
    left = [line for line in difflib.ndiff(before, after) if line[0] in "+-" and line[2:].strip()]
    gone, new = ([line[2:] for line in left if line[0] == sign] for sign in "-+")
    assert len(gone) <= 1 and len(new) <= 2, left
    for line in gone:  # its comment and its place stay
        assert line.partition("#")[2] == new[0].partition("#")[2]
    # What stands above the head of a section belongs to it, and stays there.
    for head in ("# of another program", "# texts"):
        if head in before:
            assert after[after.index(head) + 1] == before[before.index(head) + 1]


@pytest.mark.parametrize(
    "text", ["[" * 5000, "a = [\n", "\x00", "[scan]\nwatch = " + "1" * 5000, "[a]\n[a]\n", "é = 1"]
)
def test_what_is_no_toml_has_a_sentence(tmp_path: Path, text: str) -> None:
    with pytest.raises(DtkError) as caught:
        values.listed(paths_of(tmp_path, text))
    assert "is not valid TOML" in caught.value.title


def test_a_password_closes_the_file_and_is_shown_nowhere(tmp_path: Path) -> None:
    paths = paths_of(tmp_path, "[scan]\nwatch = true\n")
    paths.config_file.chmod(0o644)
    for key, address in (
        ("database.url", "postgresql://me:hidden@here/dtk"),
        ("captions.base_url", "http://a:hidden@b"),
    ):
        state = values.set_value(paths, key, address)
        assert state.shown == "(set)" and state.value == address
        assert paths.config_file.stat().st_mode & 0o777 == 0o600
        assert "hidden" not in "".join(one.words for one in values.listed(paths))
    with pytest.raises(UsageError) as caught:
        values.set_value(paths, "captions.base_url", "postgres://a:hidden@b")
    assert "hidden" not in str(caught.value)


def test_a_value_comes_back_as_people_type_it(tmp_path: Path) -> None:
    paths = paths_of(tmp_path, "")
    for key, text in (
        ("worker.devices", "[0, 1]"),
        ("captions.options", "a, b c"),
        ("captions.options", '["a, b"]'),
        ("captions.options", '["1", " x"]'),
        ("paths.map", '{ "/a" = "/b" }'),
        ("captions.system", 'Say "hello"'),
        ("scan.watch", "false"),
    ):
        state = values.set_value(paths, key, text)
        assert (state.words, values.set_value(paths, key, state.words).value) == (text, state.value)


def test_when_a_change_holds_is_known_of_every_setting() -> None:
    effects = {one.key: one.effect for one in settings()}
    assert effects["keys"] is effects["search.timeout_s"] is effects["worker.auto_pause"] is Effect.NOW
    assert effects["models.taggers"] is effects["captions.model"] is Effect.MODELS
    assert effects["database.url"] is effects["preview.protocol"] is Effect.RESTART
    assert next(one for one in settings() if one.key == "preview.protocol").choices[:2] == ("auto", "kitty")


_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.text(alphabet=st.sampled_from("[]{}=\".,#\n\\'a1-_ \x00\u00e9"), max_size=60))
def test_no_text_is_a_fault_of_the_program(text: str) -> None:
    with TemporaryDirectory() as folder:
        try:
            values.listed(paths_of(Path(folder), "[scan]\nwatch = true\n" + text))
        except DtkError as error:
            assert "config.toml" in error.title


@given(st.sampled_from([one.key for one in settings()]), _VALUES)
def test_any_value_is_taken_or_has_a_sentence(key: str, value: Any) -> None:
    section, _, name = key.partition(".")
    found = faults({section: {name: value} if name else value})
    assert all(sentence and "\n" not in sentence for sentence in found.values())
