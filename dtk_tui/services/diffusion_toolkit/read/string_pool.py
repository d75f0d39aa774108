"""String pools: texts and folders that many rows share are sent once, under a key that all readers know."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from hashlib import blake2b, md5
from itertools import islice

from dtk_tui.services.diffusion_toolkit import paths
from dtk_tui.services.diffusion_toolkit.read.csv import is_plain, line
from dtk_tui.services.diffusion_toolkit.read.text_index import TextIndex
from dtk_tui.store.text_codec import to_db

#: What the cache of whole texts may hold; behind it is a map of their digests.
_CACHE_BYTES = 128 * 1024 * 1024
_NO_TEXT = (b"", b"", 0)
#: Texts that are sent in one transaction.
_TEXTS_PER_SEND = 1000


#: The text index has so many of the latest texts; it is rebuilt when the pool grew by such a part of it.
_INDEXED_TEXTS = 32_768
_INDEXED_BYTES = 32 * 1024 * 1024
_REBUILD_PART = 8


@dataclass(slots=True)
class Unsent:
    """CSV lines that no table has yet: texts as (key, text), folders as (key, path, start in the source)."""

    texts: list[bytes] = field(default_factory=list)
    folders: list[bytes] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.texts or self.folders)

    def take(self) -> Unsent:
        """Take some of them out, so that several readers share what is to be sent."""
        taken = Unsent(self.texts[:_TEXTS_PER_SEND], self.folders)
        self.texts, self.folders = self.texts[_TEXTS_PER_SEND:], []
        return taken


class StringPool:
    """The pool of the texts and folders that were met so far; used by all readers at once.

    Args:
        next_text: gives the key of a new text.
        next_folder: gives the key of a folder by its path in the library; two paths of the source may be one there.
        send: writes lines for good.
    """

    def __init__(
        self, mapping: paths.Mapping, next_text: Callable[[], int], next_folder: Callable[[str], int],
        send: Callable[[Unsent], None],
    ) -> None:  # fmt: skip
        self._mapping = mapping
        self._next_text = next_text
        self._next_folder = next_folder
        self._send = send
        #: (key, MD5 in hexadecimal, key) by text as it stands in the source; only texts that are stored as they stand.
        self.texts: dict[bytes | None, tuple[bytes, bytes, int]] = {None: _NO_TEXT}
        #: (key, path as stored) by the folder's path in the source with the separator behind it.
        self.folders: dict[bytes, tuple[bytes, bytes]] = {}
        self._keys: dict[bytes, bytes] = {}
        self._held = 0
        self._unsent = Unsent()
        self._index = TextIndex([], [], 0)
        self._lock = threading.Lock()
        self._sending: set[Future[None]] = set()

    def add_stored(self, texts: Iterable[tuple[int, str]]) -> None:
        """Add texts that were sent before, given as (key, text as stored)."""
        for key, text in texts:
            self._keys[_key_digest(text.encode())] = b"%d" % key

    def key_of_text(self, text: bytes | None) -> tuple[bytes, bytes, int] | None:
        """Return (key, MD5, key) of a text that is not in ``texts``; None when it cannot be sent as it is."""
        if text is None:
            return _NO_TEXT
        if not is_plain(text):
            return None
        with self._lock:
            known = self.texts.get(text)
            if known is None:
                key = self._assign_key(text)
                known = key, md5(text, usedforsecurity=False).hexdigest().encode(), int(key)
                if self._held > _CACHE_BYTES:
                    self.texts.clear()
                    self.texts[None] = _NO_TEXT
                    self._held = 0
                self.texts[text] = known
                self._held += len(text) + 250
            return known

    def text_index(self) -> TextIndex:
        """Return an index of the texts that were met last."""
        known = len(self.texts)
        with self._lock:
            if not self._index.of <= known < self._index.of + self._index.of // _REBUILD_PART + 1000:
                texts: list[bytes] = []
                room = _INDEXED_BYTES
                for text in islice(reversed(self.texts), _INDEXED_TEXTS):
                    if text is not None and (room := room - len(text)) > 0:
                        texts.append(text)
                self._index = TextIndex(texts, [self.texts[text][2] for text in texts], known)
            return self._index

    def key_of_stored(self, stored: str) -> bytes:
        """Return the key of a text in the form in which it is stored."""
        with self._lock:
            return self._assign_key(stored.encode())

    def _assign_key(self, stored: bytes) -> bytes:
        short = _key_digest(stored)
        key = self._keys.get(short)
        if key is None:
            key = self._keys[short] = b"%d" % self._next_text()
            self._unsent.texts.append(b"%b,'%b'" % (key, stored.replace(b"'", b"''")))
        return key

    def mismatched_keys(self, texts: Iterable[tuple[int, str]]) -> list[int]:
        """Return the keys of stored texts, given as (key, text as stored), that differ from what was sent."""
        return [key for key, text in texts if self._keys.get(_key_digest(text.encode())) != b"%d" % key]

    def key_of_folder(self, start: bytes) -> tuple[bytes, bytes]:
        """Return (key, path as stored) of a folder, given with the separator that follows it."""
        with self._lock:
            known = self.folders.get(start)
            if known is None:
                source = start.decode("utf-8", "surrogateescape")
                target = paths.split(self._mapping.apply(source + "x"))[0]
                key = self._next_folder(target)
                known = self.folders[start] = b"%d" % key, to_db(target).encode()
                self._unsent.folders.append(line((key, target, source)))
            return known

    def flush(self) -> None:
        """Send whatever was given a key before, so that rows with these keys may follow.

        Raises:
            DtkError: that failed, here or in another reader that was about to write a part of it.
        """
        while True:
            with self._lock:
                unsent, mine = self._unsent.take(), Future[None]()
                if not unsent:
                    before = list(self._sending)
                    break
                self._sending.add(mine)
            try:
                self._send(unsent)
            except BaseException as error:
                # What was not written stays in the way of all rows that follow.
                mine.set_exception(error)
                raise
            mine.set_result(None)
            with self._lock:
                self._sending.discard(mine)
        for other in before:
            other.result()


def _key_digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=16).digest()
