"""Reading metadata against merely reading the same headers, over generated small PNG, JPEG and WebP files.

The floor opens a file and reads its first 64 KiB and last 16 KiB; the second floor also takes their digest, which
every scan needs as the fingerprint. The files are in the page cache: on a disk, all columns come closer together.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dtk_tui.metadata.bounded_file import HEAD_BYTES, TAIL_BYTES, BoundedFile
from dtk_tui.metadata.reader import read_file

FILES_PER_KIND = int(os.environ.get("DTK_BENCH_FILES", "2000"))
ROUNDS = 3
_NOTHING_BESIDE: frozenset[str] = frozenset()
INFOTEXT = (
    "masterpiece, best quality, 1girl, solo, looking at viewer, detailed background, {0}, <lora:detail:0.8>\n"
    "Negative prompt: lowres, bad anatomy, bad hands, text, error, worst quality, low quality\n"
    "Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: {0}, Size: 832x1216, "
    "Model hash: 45a21ea00a, Model: someModel_v160, Clip skip: 2, Version: v1.10.1"
)
GRAPH = (
    '{{"3": {{"inputs": {{"seed": {0}, "steps": 20, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal", '
    '"denoise": 1.0, "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}}, '
    '"class_type": "KSampler"}}, "4": {{"inputs": {{"ckpt_name": "v1-5.safetensors"}}, "class_type": '
    '"CheckpointLoaderSimple"}}, "5": {{"inputs": {{"width": 512, "height": 512, "batch_size": 1}}, "class_type": '
    '"EmptyLatentImage"}}, "6": {{"inputs": {{"text": "a prompt {0}", "clip": ["4", 1]}}, "class_type": '
    '"CLIPTextEncode"}}, "7": {{"inputs": {{"text": "bad hands", "clip": ["4", 1]}}, "class_type": "CLIPTextEncode"}}, '
    '"8": {{"inputs": {{"samples": ["3", 0], "vae": ["4", 2]}}, "class_type": "VAEDecode"}}, "9": {{"inputs": '
    '{{"filename_prefix": "ComfyUI", "images": ["8", 0]}}, "class_type": "SaveImage"}}}}'
)


def generate(folder: Path) -> dict[str, list[str]]:
    """Write small real files as AUTOMATIC1111 and ComfyUI write them; return the paths by kind."""
    noise = Image.frombytes("RGB", (192, 192), os.urandom(192 * 192 * 3))
    kinds: dict[str, list[str]] = {"PNG a1111": [], "PNG ComfyUI": [], "JPEG a1111": [], "WebP a1111": []}
    for index in range(FILES_PER_KIND):
        text = INFOTEXT.format(index)
        for kind, paths in kinds.items():
            name, _, program = kind.partition(" ")
            path = folder / f"{program}-{index:06d}.{name.lower()}"
            if name == "PNG":
                info = PngInfo()
                info.add_text(
                    "parameters" if program == "a1111" else "prompt",
                    text if program == "a1111" else GRAPH.format(index),
                )
                noise.save(path, "PNG", pnginfo=info, compress_level=1)
            else:
                exif = Image.Exif()
                exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + text.encode("utf-16-be")
                noise.save(path, "JPEG" if name == "JPEG" else "WEBP", exif=exif, quality=80)
            paths.append(str(path))
    return kinds


def bare(path: str) -> None:
    """Open a file and read the same head and tail, nothing more."""
    fd = os.open(path, os.O_RDONLY)
    try:
        size = os.fstat(fd).st_size
        os.pread(fd, HEAD_BYTES, 0)
        if size > HEAD_BYTES:
            os.pread(fd, TAIL_BYTES, size - TAIL_BYTES)
    finally:
        os.close(fd)


def digested(path: str) -> None:
    """The same, and the digest of what was read."""
    fd = os.open(path, os.O_RDONLY)
    try:
        BoundedFile(fd, os.fstat(fd).st_size).fingerprint()
    finally:
        os.close(fd)


def whole(path: str) -> None:
    """Read a file's metadata as a scan does."""
    read_file(path, _NOTHING_BESIDE)


def work_through(job: tuple[Callable[[str], None], list[str]]) -> None:
    """Do one job of a pool."""
    work, paths = job
    for path in paths:
        work(path)


def files_per_second(work: Callable[[str], None], paths: list[str], pool: Executor | None = None) -> float:
    """Return the best of a few rounds over ``paths``, alone or on a pool of two processes."""
    best = 0.0
    for _ in range(ROUNDS):
        began = time.perf_counter()
        if pool is None:
            work_through((work, paths))
        else:
            list(pool.map(work_through, [(work, paths[start : start + 125]) for start in range(0, len(paths), 125)]))
        best = max(best, len(paths) / (time.perf_counter() - began))
    return best


def main() -> int:
    """Print one table: files a second of the floors and of the reader, and ratios of one run."""
    print(
        f"{'files':<14}{'bare/s':>9}{'+digest/s':>11}{'read/s':>9}{'2 proc/s':>10}"
        f"{'read:bare':>11}{'2 proc:digest':>15}"
    )
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(2) as pool:
        for kind, paths in generate(Path(folder)).items():
            floor, digest = files_per_second(bare, paths), files_per_second(digested, paths)
            speed, pooled = files_per_second(whole, paths), files_per_second(whole, paths, pool)
            ratios = f"{speed / floor:>11.2f}{pooled / digest:>15.2f}"
            print(f"{kind:<14}{floor:>9,.0f}{digest:>11,.0f}{speed:>9,.0f}{pooled:>10,.0f}{ratios}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
