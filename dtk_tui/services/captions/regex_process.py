"""Regular expressions of people on texts of strangers, in a subprocess, so that one without an end can be ended.

The other side of the pipe is this module run as a program: a line of JSON gives the pattern and its replacement, each
further line a list of texts; a line of JSON answers each. A small file tells at which text it is.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from dtk_tui.domain.captions import MAX_LENGTH
from dtk_tui.errors import DtkError, UsageError

#: Time for one call of ``replace``; ordinary expressions take milliseconds.
_LONGEST_S = 10.0
_PLACE_BYTES = 8


class RegexTimeoutError(Exception):
    """The expression took too long; ``place`` is that of the text among those given."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


class RegexTooLongError(Exception):
    """What the expression makes of a text is too long; ``place`` is that of the text among those given."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


class RegexProcess:
    """A regular expression of Python's ``re`` with its replacement, at work in a process of its own.

    Raises:
        UsageError: the expression or the replacement is not understood, or takes too long to be read.
    """

    def __init__(self, pattern: str, replacement: str, longest_s: float = _LONGEST_S) -> None:
        self._longest_s = longest_s
        self._place = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (closed with the process)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dtk_tui.services.captions.regex_process", str(self._place.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=[self._place.fileno()],
            start_new_session=True,  # keys and signals meant for the program do not reach it
        )
        try:
            # Starting Python takes its time on a busy machine.
            answer = self._ask([pattern, replacement], longest_s + 20)
        except BaseException:
            self.close()
            raise
        if answer is None:
            self.close()
            raise UsageError("The regular expression cannot be read: it takes too long.", "Write a simpler one.")
        if answer[0] is not None:
            self.close()
            raise UsageError(f"The regular expression is not understood: {answer[0]}.", "It is one of Python's re.")

    def replace(self, texts: Sequence[str]) -> list[str]:
        """Return texts after the replacement.

        Raises:
            RegexTimeoutError: the expression takes too long on one of them; the process has ended.
            RegexTooLongError: one of them would be longer than captions may be.
        """
        answers = self._ask(list(texts), self._longest_s)
        if answers is None:
            raise RegexTimeoutError(int.from_bytes(os.pread(self._place.fileno(), _PLACE_BYTES, 0), "little"))
        if None in answers:
            raise RegexTooLongError(answers.index(None))
        return answers

    def _ask(self, message: list[str], longest_s: float) -> list[Any] | None:
        """Return the answer, or None when it does not come in time or ``kill`` was called."""
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise TypeError("the process of a regular expression has pipes")
        timer = threading.Timer(longest_s, process.kill)
        timer.daemon = True
        timer.start()
        line = b""
        try:
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            pass
        finally:
            timer.cancel()
        if line.endswith(b"\n"):
            answer: list[Any] = json.loads(line)
            return answer
        if process.wait() != -signal.SIGKILL:
            raise DtkError("The process of the regular expression ended.", f"Its status is {process.returncode}.")
        return None

    def kill(self) -> None:
        """Let the call that is under way in another thread end."""
        self._process.kill()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._place.close()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass

    def __enter__(self) -> RegexProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _replaced(pattern: re.Pattern[str], replacement: str, text: str) -> str | None:
    """Return a text after the replacement, or None when it is too long; it is measured before its parts are joined."""
    parts: list[str] = []
    size = end = 0
    for match in pattern.finditer(text):
        part = match.expand(replacement) if "\\" in replacement else replacement
        parts += (text[end : match.start()], part)
        size += match.start() - end + len(part)
        if size > MAX_LENGTH:
            return None
        end = match.end()
    parts.append(text[end:])
    return None if size + len(text) - end > MAX_LENGTH else "".join(parts)


def _check_replacement(pattern: re.Pattern[str], replacement: str) -> None:
    """Raise re.error or IndexError for a replacement that names groups which the pattern does not have."""
    names = {number: name for name, number in pattern.groupindex.items()}
    groups = [f"(?P<{names[n]}>)" if n in names else "()" for n in range(1, pattern.groups + 1)]
    re.compile("".join(groups)).sub(replacement, "")


def main() -> None:
    """Answer what is asked on standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "wb")
    told = int(sys.argv[1])

    def answer(values: list[str | None]) -> None:
        out.write(json.dumps(values).encode() + b"\n")
        out.flush()

    lines = iter(sys.stdin.buffer)
    pattern_text, replacement = json.loads(next(lines))
    try:
        pattern = re.compile(pattern_text)
        _check_replacement(pattern, replacement)
    except (re.error, RecursionError, OverflowError, MemoryError, IndexError) as error:
        answer([str(error) or type(error).__name__])
        return
    answer([None])
    for line in lines:
        answers: list[str | None] = []
        for place, text in enumerate(json.loads(line)):
            os.pwrite(told, place.to_bytes(_PLACE_BYTES, "little"), 0)
            answers.append(_replaced(pattern, replacement, text))
            if answers[-1] is None:
                break
        answer(answers)


if __name__ == "__main__":
    main()
