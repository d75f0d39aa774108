"""Which new files vanished images may be, by size, time and name: what is worth a look at the content."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from dtk_tui.services.scan.scan_run import HeldFiles
from dtk_tui.store.library.images import join_path
from dtk_tui.store.scan.relocation import VanishedImage


class NewFile(NamedTuple):
    """A file that the library has no row for; ``folder`` is the path of its folder with a slash at the end."""

    folder_id: int
    folder: str
    file_name: str
    file_size: int
    mtime_ns: int

    @property
    def path(self) -> str:
        """The absolute path."""
        return self.folder + self.file_name


Pair = tuple[VanishedImage, NewFile]
_One = TypeVar("_One", VanishedImage, NewFile)
_Key = Callable[[VanishedImage | NewFile], Hashable]


class NewFiles:
    """The new files of a scan; each is given to one image."""

    def __init__(self, held: HeldFiles) -> None:
        self._files: list[NewFile] = []
        for number, (path, files) in held.items():
            folder = join_path(path, "")
            self._files += [NewFile(number, folder, *file) for file in files]
        self._by_key: dict[_Key, dict[Hashable, list[NewFile]]] = {}
        self._given: set[NewFile] = set()

    def take(self, images: Sequence[VanishedImage]) -> list[Pair]:
        """Return images and the files that may be theirs.

        Those of one size and time: the ones that kept their names, then those that are alone. Of the others those that
        are the only ones of one size and name, since a copy has a time of its own.
        """
        pairs: list[Pair] = []
        left = list(images)
        for key in (_size_time_name, _size_time, _size_name):
            if not left:
                break
            if key not in self._by_key:
                self._by_key[key] = _group(key, (file for file in self._files if file not in self._given))
            found = self._only_ones(_group(key, left), self._by_key[key])
            pairs += found
            taken = {image.id for image, _ in found}
            left = [image for image in left if image.id not in taken]
        return pairs

    def _only_ones(
        self, images: dict[Hashable, list[VanishedImage]], files: dict[Hashable, list[NewFile]]
    ) -> list[Pair]:
        found: list[Pair] = []
        for key, some in images.items():
            if len(some) == 1:
                others = [file for file in files.get(key, ()) if file not in self._given]
                if len(others) == 1:
                    found.append((some[0], others[0]))
                    self._given.add(others[0])
        return found


def _group(key: _Key, some: Iterable[_One]) -> dict[Hashable, list[_One]]:
    result: dict[Hashable, list[_One]] = defaultdict(list)
    for one in some:
        result[key(one)].append(one)
    return result


def _size_time_name(one: VanishedImage | NewFile) -> Hashable:
    return one.file_size, one.mtime_ns, one.file_name


def _size_time(one: VanishedImage | NewFile) -> Hashable:
    return one.file_size, one.mtime_ns


def _size_name(one: VanishedImage | NewFile) -> Hashable:
    return one.file_size, one.file_name
