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
from dtk_tui.settings import Settings, faults

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


def test_every_setting_has_a_help_and_a_kind() -> None:
    assert [one.key for one in settings() if not one.help] == []
    assert {one.kind for one in settings()} <= {"text", "yes or no", "whole number", "number", "list", "table"}
    sections = (getattr(Settings(), name) for name in Settings.__struct_fields__)
    assert len(settings()) == sum(len(getattr(section, "__struct_fields__", ("",))) for section in sections)


def test_what_follows_from_another_setting_is_shown_as_it_holds(tmp_path: Path) -> None:
    paths = paths_of(tmp_path, '[models]\ntext_embedders = ["siglip-base-text", "minilm-l6-v2"]\n')
    assert values.state_of(paths, "models.text_embedder").shown == "siglip-base-text"
    listed = values.listed(paths_of(tmp_path, '[models]\nimage_embedder = "siglip-base"\n'))
    found = {state.info.key: (state.shown, state.origin) for state in listed}
    assert found["models.image_embedders"] == (["siglip-base"], "default")
    assert found["models.text_embedder"] == ("minilm-l6-v2", "default")


def test_one_key_is_a_setting_of_its_own(tmp_path: Path) -> None:
    paths = paths_of(tmp_path, '[keys]\n"main.search" = "f3"\n"app.queue" = 5\n', DTK_KEYS__MAIN_SORT="f4")
    found = {name: values.state_of(paths, f"keys.{name}") for name in ("main.search", "main.sort", "main.view")}
    assert {name: (one.shown, one.origin, one.fault) for name, one in found.items()} == {
        "main.search": ("f3", "file", ""), "main.sort": ("f4", "environment", ""), "main.view": (None, "default", ""),
    }  # fmt: skip
    assert values.state_of(paths, "keys.app.queue").fault
    assert values.state_of(paths, "keys").shown == {"main.search": "f3", "app.queue": 5, "main.sort": "f4"}
    assert values.set_value(paths, "keys.main.view", "f6").words == "f6"
    assert values.set_value(paths, "keys.main.view", None).shown is None


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
        ("hooks.work_ended", "tell-me pictures 'two words'"),
        ("hooks.work_ended", "'/opt/my tools/tell-me'"),
        ("hooks.work_ended", "sh -c 'tell a, b'"),
        ("hooks.often_failed", '["a,b", "c"]'),
        ("hooks.often_failed", '["tell", "a\\nb"]'),
    ):
        state = values.set_value(paths, key, text)
        assert (state.words, values.set_value(paths, key, state.words).value) == (text, state.value)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("tell-me pictures", ["tell-me", "pictures"]),
        ('sh -c "tell a, b"', ["sh", "-c", "tell a, b"]),
        ("tell-me, pictures", ["tell-me", "pictures"]),
        ('["tell me", "x"]', ["tell me", "x"]),
        ("it's, so", ["it's", "so"]),
    ],
)
def test_a_command_is_typed_as_in_a_shell_or_as_a_list(text: str, command: list[str]) -> None:
    assert typed(("hooks", "work_ended"), text) == command
    assert typed(("captions", "options"), "one two") == ["one two"]


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
