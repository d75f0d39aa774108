"""String pools: texts and folders that many rows share are sent once, under a key that all readers know."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import count

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dtk_tui.services.diffusion_toolkit import paths
from dtk_tui.store.database import Database
from dtk_tui.store.diffusion_toolkit import folders, session, staging
from dtk_tui.store.text_codec import from_db

#: What the cache of whole texts may hold; behind it is a map of their digests.
_CACHE_BYTES = 128 * 1024 * 1024
_FOLDERS_AT_ONCE = 256


class StringPool:
    """The pool of the texts and folders that were met so far, those of an interrupted import too; used by all readers.

    Its keys are ids: those of folders that the library has, and of others what they get if nobody else is quicker.
    """

    def __init__(self, db: Database, mapping: paths.Mapping) -> None:
        self._db = db
        self._mapping = mapping
        #: Keys by text as it is stored, and by the folder's path in the source with the separator behind it.
        self._texts: dict[bytes, int] = {}
        self._folders: dict[bytes, int] = {}
        self._new_folders = self._reserve_folders()
        self._held = 0
        #: What no table has yet: texts as (key, text), folders as (key, path, start in the source).
        self._unsent_texts: list[tuple[int, bytes]] = []
        self._unsent_folders: list[tuple[int, str, str]] = []
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._failed: BaseException | None = None
        with db.connection() as conn:
            self._next_text = count(staging.largest_prompt_id(conn) + 1)
            self._known_folders = {path: row[0] for path, row in folders.library_folders(conn).items()}
            self._known_folders.update((path, key) for key, path, _ in folders.staged_paths(conn))
            self._keys = {_digest(text.encode()): key for key, text in staging.prompts(conn)}

    def keys_of(self, texts: pa.StringArray) -> npt.NDArray[np.int64]:
        """Return the keys of texts, in the form in which they are stored; 0 where there is none."""
        coded = texts.dictionary_encode()
        known = self._texts
        keys = [known.get(text) or self._key_of(text) for text in coded.dictionary.cast(pa.binary()).to_pylist()]
        found: npt.NDArray[np.int64] = np.array([*keys, 0], np.int64)[
            coded.indices.fill_null(len(keys)).to_numpy(zero_copy_only=False)
        ]
        return found

    def _key_of(self, text: bytes) -> int:
        digest = _digest(text)
        with self._lock:
            key = self._keys.get(digest)
            if key is None:
                key = self._keys[digest] = next(self._next_text)
                self._unsent_texts.append((key, text))
            if self._held > _CACHE_BYTES:
                self._texts.clear()
                self._held = 0
            self._texts[text] = key
            self._held += len(text) + 150
            return key

    def mismatched_keys(self, texts: Iterable[tuple[int, str]]) -> list[int]:
        """Return the keys of texts as stored, given with them, that differ from what was sent."""
        return [key for key, text in texts if self._keys.get(_digest(text.encode())) != key]

    def key_of_folder(self, start: bytes) -> int:
        """Return the key of a folder, given as stored with the separator that follows it."""
        with self._lock:
            key = self._folders.get(start)
            if key is None:
                source = from_db(start.decode())
                target = paths.split(self._mapping.apply(source + "x"))[0]
                # Two paths of the source may be one here.
                key = self._known_folders.get(target)
                if key is None:
                    key = self._known_folders[target] = next(self._new_folders)
                self._folders[start] = key
                self._unsent_folders.append((key, target, source))
            return key

    def _reserve_folders(self) -> Iterator[int]:
        """Yield ids for new folders."""
        while True:
            with self._db.connection() as conn:
                reserved = folders.reserve_ids(conn, _FOLDERS_AT_ONCE)
            yield from reserved

    def flush(self) -> None:
        """Send whatever was given a key before, so that rows with these keys may follow.

        Raises:
            DtkError: that failed, here or before: what was not sent stays in the way of all rows that follow.
        """
        with self._sending:
            if self._failed is not None:
                raise self._failed
            with self._lock:
                texts, self._unsent_texts = self._unsent_texts, []
                new_folders, self._unsent_folders = self._unsent_folders, []
            if not texts and not new_folders:
                return
            try:
                with self._db.connection() as conn:
                    session.commit_asynchronously(conn)
                    staging.add_prompts(conn, texts)
                    folders.stage_paths(conn, new_folders)
            except BaseException as error:
                self._failed = error
                raise


def _digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=16).digest()
