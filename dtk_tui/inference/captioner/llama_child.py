"""A llama.cpp server in a process of its own, run as a program: ``python -m dtk_tui.inference.captioner.llama_child``.

With ``--run PROGRAM`` it starts that llama-server and hands its flags on; without, it serves by a package, with flags
of the same names: ``--package xllamacpp``, or ``llama-cpp-python``. Either way the server ends when this program does,
and this program ends when its standard input does: a parent that was killed leaves nothing behind.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

_LOOK_S = 1.0
_PR_SET_PDEATHSIG = 1
#: Servers that stop when nobody refers to them.
_alive: list[Any] = []


def main() -> int:
    """Serve until standard input ends; return the exit status of the server."""
    parent = os.getppid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # keys of the terminal are meant for the app
    _die_with_parent()
    if sys.argv[1:2] == ["--run"]:
        return _run_program(sys.argv[2:], parent)
    _watch(parent, lambda: os._exit(0))
    return _serve(sys.argv[1:])


def _die_with_parent() -> None:
    """Ask Linux for SIGKILL when the parent dies; elsewhere the end of standard input has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _watch(parent: int, end: Callable[[], None]) -> None:
    """Call ``end`` when standard input ends or the parent is another one, on a thread."""

    def look() -> None:
        while os.getppid() == parent:
            readable, _, _ = select.select([0], [], [], _LOOK_S)
            if readable and not os.read(0, 4096):
                break
        end()

    threading.Thread(target=look, daemon=True).start()


def _run_program(command: list[str], parent: int) -> int:
    if os.getppid() != parent:
        return 0
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent) as process:  # noqa: PLW1509
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        _watch(parent, process.kill)
        status = process.wait()
    return status if status >= 0 else 128 - status


def _serve(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="llama_child", allow_abbrev=False)
    parser.add_argument("--package", choices=("xllamacpp", "llama-cpp-python"), default="xllamacpp")
    parser.add_argument("-m", dest="model", required=True)
    parser.add_argument("--mmproj", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("-c", dest="context", type=int, required=True)
    parser.add_argument("-np", dest="slots", type=int, required=True)
    parser.add_argument("-ngl", dest="gpu_layers", type=int)
    parser.add_argument("--cache-ram", type=int, required=True)
    parser.add_argument("-a", dest="alias", required=True)
    given = parser.parse_args(arguments)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    server = _serve_xllamacpp(given) if given.package == "xllamacpp" else _serve_llama_cpp_python(given)
    print(f"listening on {server}", flush=True)  # noqa: T201
    while not ended.wait(_LOOK_S):
        pass
    os._exit(0)  # letting go of the server would wait for every request under way


def _serve_xllamacpp(given: argparse.Namespace) -> str:
    """Start the server, which loads its model while it listens; return where it does."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = given.model
    params.mmproj.path = given.mmproj
    params.hostnames = [given.host]
    params.port = given.port
    params.n_ctx = given.context
    params.n_parallel = given.slots
    if given.gpu_layers is not None:
        params.n_gpu_layers = given.gpu_layers
    params.cache_ram_mib = given.cache_ram
    params.model_alias = {given.alias}
    params.api_keys = [os.environ["LLAMA_API_KEY"]]
    params.ui = False
    _alive.append(xllamacpp.Server(params))  # /health answers 503 until the model is loaded
    return str(_alive[-1].listening_address)


def _serve_llama_cpp_python(given: argparse.Namespace) -> str:
    """Start the server and load the model, which others wait for; return where it listens."""
    from dtk_tui.inference.captioner import package_server

    context = given.context // given.slots
    load = partial(package_server.load, given.model, given.mmproj, context, given.gpu_layers)
    key = os.environ["LLAMA_API_KEY"]
    try:
        server = package_server.serve(given.host, given.port, key=key, alias=given.alias, load=load)
    except (OSError, ValueError) as error:
        sys.exit(f"{error}")
    return f"http://{given.host}:{server.server_address[1]}"


if __name__ == "__main__":
    sys.exit(main())
