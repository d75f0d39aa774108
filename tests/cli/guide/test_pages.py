"""The pages of the guide: in a checkout and in a wheel, by name and by word, and what names or links to them."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from dtk_tui import shipped
from dtk_tui.cli.guide.pages import Page, find, listed
from dtk_tui.errors import UsageError
from tests.helpers.paths import REPOSITORY

GUIDE = REPOSITORY / "docs" / "guide"
_NAMED = re.compile(r"dtk guide ([a-z][a-z-]*)")
_LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


def test_all_pages_of_the_folder_are_listed_with_their_titles() -> None:
    pages = listed()
    assert {page.name for page in pages} == {file.stem for file in GUIDE.iterdir()}
    assert [page.name for page in pages] == sorted(page.name for page in pages)
    for page in pages:
        assert page.text.startswith(f"# {page.title}\n\n"), page.name


def test_a_wheel_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    parts = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for source, target in parts.items():
        if (REPOSITORY / source).is_dir():
            shutil.copytree(REPOSITORY / source, tmp_path / target)
    here = listed()
    monkeypatch.setattr(shipped, "_PACKAGE", tmp_path / "dtk_tui")
    assert listed() == here


@pytest.mark.parametrize(
    "name", ["../../README", "/etc/passwd", "../guide/captions", "captions.md", "Captions", ".", ""]
)
def test_only_the_names_of_the_list_are_opened(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        find(listed(), name)
    assert refused.value.title == f"The guide has no page '{name}'."


def test_an_unknown_page_is_told_with_what_may_have_been_meant() -> None:
    with pytest.raises(UsageError) as refused:
        find(listed(), "captoins")
    assert refused.value.detail == "Did you mean captions, caption-answers? All pages: dtk guide"


def test_a_word_is_told_with_the_pages_that_have_it() -> None:
    texts = {
        "a": "an odd word",
        "b": "Odd\nwords, odd words",
        "c": "odd. words",
        "d": "melodd word",
        "odds": "odd word",
    }
    pages = [Page(name, name, text) for name, text in texts.items()]
    with pytest.raises(UsageError) as refused:
        find(pages, "ODD  word")
    assert refused.value.detail == "The word stands in b, a, odds. All pages: dtk guide"
    with pytest.raises(UsageError) as refused:
        find(pages, "odd")
    assert refused.value.detail == "Did you mean odds? The word stands in b, a, c. All pages: dtk guide"
    with pytest.raises(UsageError) as refused:
        find(listed(), "the")
    assert re.fullmatch(r"The word stands in [\w-]+(, [\w-]+){4} and \d+ more\. .*", refused.value.detail)
    for hostile in ("(", "\\", "\x1b[2J", "\udce9", "x" * 200_000):
        with pytest.raises(UsageError) as refused:
            find(listed(), hostile)
        assert len(refused.value.title) < 100 and "\x1b" not in refused.value.title


def test_every_page_that_the_program_or_the_docs_name_is_there() -> None:
    names = {page.name for page in listed()}
    sources = [*(REPOSITORY / "dtk_tui").rglob("*.py"), *GUIDE.iterdir(), REPOSITORY / "README.md"]
    sources += [REPOSITORY / "config.toml", REPOSITORY / "CHANGELOG.md"]
    texts = {file: file.read_text(encoding="utf-8") for file in sources}
    named = {name for text in texts.values() for name in _NAMED.findall(text)}
    assert "captions" in named and named - names == set()
    assert [file for file, text in texts.items() if file.suffix == ".py" and "docs/guide/" in text] == [], (
        "an installed program has no docs folder: dtk guide PAGE shows a page"
    )


def test_every_link_between_pages_leads_to_one() -> None:
    for page in listed():
        linked = {target.removesuffix(".md") for target in _LINK.findall(page.text) if "/" not in target}
        assert linked <= {one.name for one in listed()}, page.name


def test_nothing_of_a_page_is_lost_when_it_is_drawn() -> None:
    """Cells that a table has no heading for are dropped, as web pages drop them, and so is HTML."""
    for page in listed():
        columns = 0
        for line in page.text.splitlines():
            cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
            assert cells in (0, columns) or not columns, f"{page.name}: {line}"
            columns = cells
        tokens = [one for token in MarkdownIt().parse(page.text) for one in (token, *(token.children or ()))]
        lost = [token.content for token in tokens if token.type in ("html_inline", "html_block")]
        assert [text for text in lost if not text.startswith("<!--")] == [], page.name
