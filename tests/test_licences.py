"""docs/dev/licences.md lists the licence of every package that is installed with dtk; ``DTK_WRITE_GOLDEN=1`` writes it.

What stands there comes from the packages' own metadata. A package of another platform or Python may be listed that is
not installed here; one that is installed and not listed, or whose licence is another, fails the test.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PAGE = Path(__file__).parents[1] / "docs" / "dev" / "licences.md"
_ROW = re.compile(r"^\| ([\w.-]+) \| (.+?) \|$", re.MULTILINE)
_BEGIN = "<!-- packages: written by tests/test_licences.py -->"
#: By the names that SPDX gives, for those whose metadata says it in words.
_SPDX = {
    "Apache": "Apache-2.0", "Apache 2.0": "Apache-2.0", "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause", "3-Clause BSD License": "BSD-3-Clause", "BSD License": "BSD-3-Clause",
    "BSD 2-Clause License": "BSD-2-Clause", "ISC License": "ISC", "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
}  # fmt: skip
#: Licences that ask nothing of who uses a package but to keep its notices.
_PERMISSIVE = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-CMU", "PSF-2.0", "Zlib",
}  # fmt: skip
#: Others, with the packages that have them and are explained on the page.
_EXPLAINED = {
    "certifi", "hypothesis", "pathspec", "pillow-jxl-plugin", "psycopg", "psycopg-binary", "psycopg-pool",
    "textual-image", "tqdm",
}  # fmt: skip


def _licence(name: str) -> str:
    """Return the licence of an installed package, by the names of SPDX where it gives one."""
    told = metadata.metadata(name)
    if expression := told.get("License-Expression"):
        return str(expression)
    classifiers = [line for line in told.get_all("Classifier") or () if line.startswith("License ::")]
    classified = [line.rpartition(" :: ")[2] for line in classifiers]
    known = [_SPDX[words] for words in (told.get("License") or "", *reversed(classified)) if words in _SPDX]
    return known[0] if known else str(told.get("License") or "").partition("\n")[0] or "unknown"


def _needed(requirements: Iterable[str], extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the packages that requirements name here, with their extras."""
    for line in requirements:
        one = Requirement(line)
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras):
            yield canonicalize_name(one.name), frozenset(one.extras)


def _installed_with(extras: frozenset[str]) -> set[str]:
    """Return the packages that are installed for dtk and these extras of it."""
    found: set[tuple[str, frozenset[str]]] = set()
    wanted = [("dtk-tui", extras)]
    while wanted:
        name, of = wanted.pop()
        if (name, of) in found:
            continue
        try:
            requirements = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # of an extra that nothing here needs
        found.add((name, of))
        wanted += _needed(requirements, of | {""})
    return {name for name, _ in found} - {"dtk-tui"}


def _listed(text: str) -> dict[str, str]:
    return {name: of for name, of in _ROW.findall(text.partition(_BEGIN)[2]) if name != "Package"}


def _table(names: Iterable[str], known: dict[str, str]) -> str:
    rows = "\n".join(f"| {name} | {known[name]} |" for name in sorted(names))
    return f"| Package | Licence |\n|---|---|\n{rows}\n"


@pytest.fixture(scope="module")
def page() -> str:
    """The page, written anew where that is asked for."""
    text = PAGE.read_text(encoding="utf-8")
    if os.environ.get("DTK_WRITE_GOLDEN"):
        program = _installed_with(frozenset())
        developing = _installed_with(frozenset({"dev"})) - program
        known = _listed(text) | {name: _licence(name) for name in program | developing}
        head = text.partition(_BEGIN)[0]
        text = (
            f"{head}{_BEGIN}\n\n### The program\n\n{_table(program, known)}\n"
            f"### Developing, and the extras video, jxl, heic and open-clip\n\n{_table(developing, known)}"
        )
        PAGE.write_text(text, encoding="utf-8")
    return text


def test_every_installed_package_is_listed_with_its_licence(page: str) -> None:
    listed = _listed(page)
    here = {name: _licence(name) for name in _installed_with(frozenset({"dev"}))}
    assert {name: licence for name, licence in here.items() if listed.get(name) != licence} == {}


def test_a_licence_that_asks_for_more_than_notices_is_explained(page: str) -> None:
    words = {name: set(re.findall(r"[\w.-]+", licence)) - {"AND", "OR"} for name, licence in _listed(page).items()}
    others = {name for name, licences in words.items() if licences - _PERMISSIVE}
    assert others == _EXPLAINED
    head = page.partition(_BEGIN)[0]
    assert [name for name in _EXPLAINED if name not in head] == []


def test_what_the_program_is_made_of_asks_nothing_of_who_uses_it() -> None:
    program = _installed_with(frozenset())
    assert [name for name in program if _licence(name).startswith(("GPL", "AGPL"))] == []
