"""An open file whose reads are bounded in number and size, so that a hostile one costs little."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import struct

HEAD_BYTES = 64 * 1024
TAIL_BYTES = 16 * 1024
READ_BUDGET_BYTES = 96 * 1024 * 1024
READS_LIMIT = 150_000


class DamagedError(Exception):
    """A container that cannot be read further; the message is a sentence for a person."""


class BoundedFile:
    """Positioned reads on an open file, with the head kept and number and sum of the reads bounded.

    Args:
        fd: an open file descriptor; it stays the caller's to close.
        size: file size in bytes.
    """

    __slots__ = ("_budget", "_reads", "_tail", "_tail_start", "fd", "head", "size")

    def __init__(self, fd: int, size: int) -> None:
        self.fd = fd
        self.size = size
        # Just as much memory as a small file needs; some special files have content and no size.
        self.head = os.pread(fd, min(size, HEAD_BYTES) or HEAD_BYTES, 0)
        self._budget = READ_BUDGET_BYTES
        self._reads = READS_LIMIT
        self._tail_start = max(size - TAIL_BYTES, 0)
        self._tail: bytes | None = None

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes at ``offset``: fewer at the end of the file, none outside it."""
        self._reads -= 1
        if self._reads < 0:
            raise DamagedError("The file has too many parts.")
        end = offset + length
        if end <= len(self.head):
            return self.head[offset:end]
        if offset < 0 or length <= 0 or offset >= self.size:
            return b""
        if self._tail is not None and offset >= self._tail_start:
            start = offset - self._tail_start
            return self._tail[start : start + length]
        length = min(length, self.size - offset)
        self._budget -= length
        if self._budget < 0:
            raise DamagedError("The file holds more metadata than can be read.")
        parts = []
        while length > 0:
            part = os.pread(self.fd, length, offset)
            if not part:
                break
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    @property
    def tail(self) -> bytes:
        """The last 16 KiB (less in a smaller file)."""
        if self._tail is None:
            if self.size <= len(self.head):
                self._tail = self.head[self._tail_start :]
            else:
                self._tail = os.pread(self.fd, TAIL_BYTES, self._tail_start)
        return self._tail

    def fingerprint(self) -> bytes:
        """Return 16 bytes of BLAKE2b over size, first 16 KiB and last 16 KiB: the same after a move or a rename."""
        return _fingerprint(self.size, self.head[:TAIL_BYTES], self.tail)


def fingerprint_of(path: str) -> bytes:
    """Return ``BoundedFile.fingerprint`` of the file at a path; reads no more than it needs.

    Raises:
        OSError: it cannot be read, or is none.
        ValueError: the path is none.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe would wait for somebody who writes
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        size = status.st_size
        head = os.pread(fd, min(size, TAIL_BYTES), 0)
        tail = head if size <= TAIL_BYTES else os.pread(fd, TAIL_BYTES, size - TAIL_BYTES)
        return _fingerprint(size, head, tail)
    finally:
        os.close(fd)


def _fingerprint(size: int, head: bytes, tail: bytes) -> bytes:
    digest = hashlib.blake2b(struct.pack("<Q", size) + head, digest_size=16)
    digest.update(tail)
    return digest.digest()
