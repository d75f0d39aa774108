"""The libraries of CUDA and cuDNN that this ONNX Runtime needs: which can be loaded, and what brings the rest."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from dtk_tui.inference.devices.provider import INSTALL, preload_cuda

#: libcufft and libcurand count by themselves: CUDA 12 has cuFFT 11, CUDA 13 cuFFT 12 (the libraries' own names).
_CUFFT = {11: 10, 12: 11, 13: 12}
DRIVER = "libcuda.so.1"


def built_for() -> tuple[str, str]:
    """Return ONNX Runtime's version, and the version of CUDA that it was built for, empty where for none."""
    import onnxruntime

    return str(onnxruntime.__version__), str(getattr(onnxruntime, "cuda_version", "") or "")


def install_command() -> str:
    """Return what brings all libraries in the versions that this ONNX Runtime needs."""
    return INSTALL.format(built_for()[0])


def needed(cuda: str) -> tuple[str, ...]:
    """Return the names of the libraries on Linux; for the driver see ``DRIVER``.

    Args:
        cuda: a version like "13.0".
    """
    major = int(cuda.partition(".")[0])
    return (
        f"libcudart.so.{major}",
        f"libcublasLt.so.{major}",
        f"libcublas.so.{major}",
        f"libcufft.so.{_CUFFT.get(major, major - 1)}",
        "libcurand.so.10",
        f"libnvrtc.so.{major}",
        "libcudnn.so.9",
    )


def missing(names: tuple[str, ...], load: Callable[[str], object] = ctypes.CDLL) -> list[str]:
    """Return those that cannot be loaded, neither from the system nor from the wheels of NVIDIA.

    Args:
        load: loads a library by its name; raises OSError.
    """
    preload_cuda()
    found = []
    for name in names:
        try:
            load(name)
        except OSError:
            found.append(name)
    return found
