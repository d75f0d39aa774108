"""Pixels of the fast decoder beside Pillow's, bit by bit, and what other decoders would give.

DTK_BENCH_FILES files (default 10,000) are made: PNGs of every colour type, depth, filter and interlacing with chunks of
all kinds beside the pixels; PNGs, JPEGs and WebPs as programs write them; a tenth of them broken. For each the pixels
on two grounds, what it looks like, or why it cannot be decoded must be what they are without the fast decoder.

Then a table of decoders that were taken or were not: how many of the same files they decode as Pillow does, and how
fast they decode a picture of 1024 px, in pictures a second of processor time.
"""

from __future__ import annotations

import io
import os
import struct
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from workload import painting

from dtk_tui.errors import DtkError
from dtk_tui.inference.image_decoder import decode_picture
from dtk_tui.inference.pixels import fast_decoder
from tests.helpers.raw_pngs import DEPTHS, chunk, raw_png, transparency

FILES = int(os.environ.get("DTK_BENCH_FILES", "10000"))
_BROKEN = 0.1


def _turned(turn: int) -> bytes:
    return b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([turn]) + b"\0\0\0\0\0\0\0"


def _beside(chance: np.random.Generator) -> bytes:
    """Return a chunk that may stand beside pixels."""
    kinds = [
        chunk(b"tEXt", b"parameters\0" + chance.bytes(40).hex().encode()),
        chunk(b"iTXt", b"workflow\0\0\0\0\0" + b"{}" * 50),
        chunk(b"zTXt", b"prompt\0\0" + zlib.compress(b"a" * 500)),
        chunk(b"gAMA", struct.pack(">I", int(chance.integers(1, 200_000)))),
        chunk(b"cHRM", chance.bytes(32)),
        chunk(b"sRGB", b"\1"),
        chunk(b"pHYs", bytes(9)),
        chunk(b"eXIf", _turned(int(chance.integers(1, 9)))),
        chunk(b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="3"/>'),
        chunk(b"iCCP", b"p\0\0" + zlib.compress(chance.bytes(300))),
        chunk(b"tIME", bytes(7)),
        chunk(b"sBIT", b"\5\5\5"),
        chunk(b"caBX", chance.bytes(60)),
    ]
    return kinds[int(chance.integers(0, len(kinds)))]


def _random_png(chance: np.random.Generator, seed: int) -> bytes:
    colour = int(chance.choice(list(DEPTHS)))
    depth = int(chance.choice(DEPTHS[colour]))
    size = (int(chance.integers(1, 200)), int(chance.integers(1, 200)))
    before = [_beside(chance) for _ in range(int(chance.integers(0, 3)))]
    if colour not in (4, 6) and chance.random() < 0.2:
        before.insert(0, transparency(colour, depth, seed))
    after = [_beside(chance) for _ in range(int(chance.integers(0, 4)) // 3)]
    interlaced, pieces = bool(chance.random() < 0.2), int(chance.integers(1, 9))
    return raw_png(colour, depth, size, interlaced=interlaced, before=before, after=after, pieces=pieces, seed=seed)


def _drawn(chance: np.random.Generator, seed: int, modes: tuple[str, ...]) -> Image.Image:
    size = (int(chance.integers(8, 300)), int(chance.integers(8, 300)))
    picture = painting(seed, (max(16, size[0]), max(16, size[1]))).crop((0, 0, *size))
    mode = str(chance.choice(modes))
    if mode in ("RGBA", "LA"):
        picture = picture.convert(mode)
        picture.putalpha(Image.linear_gradient("L").resize(size))
        return picture
    return picture.convert(mode)


def _written(chance: np.random.Generator, seed: int) -> tuple[str, bytes]:
    """Return a file as a program writes it, and of which kind it is."""
    out = io.BytesIO()
    kind = str(chance.choice(["PNG", "JPEG", "WEBP"]))
    if kind == "PNG":
        picture = _drawn(chance, seed, ("RGB", "RGB", "RGBA", "L", "LA", "P", "1"))
        info = PngInfo()
        info.add_text("parameters", "a castle, Steps: 20")
        picture.save(out, kind, pnginfo=info, compress_level=int(chance.integers(0, 10)))
    elif kind == "JPEG":
        picture = _drawn(chance, seed, ("RGB", "RGB", "L", "CMYK"))
        options: dict[str, object] = {"exif": b"Exif\0\0" + _turned(6)} if chance.random() < 0.2 else {}
        options |= {"subsampling": int(chance.integers(0, 3))} if picture.mode == "RGB" else {}
        quality, progressive = int(chance.integers(5, 101)), bool(chance.random() < 0.3)
        picture.save(out, kind, quality=quality, progressive=progressive, **options)
    else:
        picture = _drawn(chance, seed, ("RGB", "RGB", "RGBA"))
        animated = chance.random() < 0.1
        frames = (
            {"save_all": True, "append_images": [picture.transpose(Image.Transpose.ROTATE_180)]} if animated else {}
        )
        picture.save(
            out, kind, quality=int(chance.integers(5, 101)), lossless=bool(chance.random() < 0.3), method=2, **frames
        )
    return kind, out.getvalue()


def files() -> Iterator[tuple[str, bytes]]:
    """Yield kind and content of each file, the same ones at every run."""
    for seed in range(FILES):
        chance = np.random.default_rng(seed)
        kind, data = ("PNG, any kind", _random_png(chance, seed)) if seed % 2 else _written(chance, seed)
        if chance.random() < _BROKEN:
            kind, broken = f"{kind}, broken", bytearray(data)
            if chance.random() < 0.5:
                del broken[int(chance.integers(8, len(broken))) :]
            else:
                broken[int(chance.integers(8, len(broken)))] ^= 1 << int(chance.integers(0, 8))
            data = bytes(broken)
        yield kind, data


def seen(path: str) -> object:
    """Return what the program sees of a file, or why it sees nothing."""
    try:
        picture = decode_picture(path)
        return picture.on().size, picture.on().tobytes(), picture.on((9, 99, 199)).tobytes(), picture.look
    except DtkError as error:
        return type(error), error.title, error.detail


def compare(folder: Path) -> int:
    """Compare all files and print a table; return how many differ."""
    path = str(folder / "picture")
    number: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    differ: Counter[str] = Counter()
    for place, (kind, data) in enumerate(files()):
        Path(path).write_bytes(data)
        ours = seen(path)
        number[kind] += 1
        taken[kind] += fast_decoder.decode(path) is not None
        with patch.object(fast_decoder, "decode", return_value=None):
            pillows = seen(path)
        failed[kind] += isinstance(pillows, tuple) and len(pillows) == 3
        if ours != pillows:
            differ[kind] += 1
            print(f"file {place} ({kind}) differs")
    print(f"{'kind':<24}{'files':>8}{'fast':>8}{'refused':>9}{'differ':>8}")
    for kind in sorted(number):
        print(f"{kind:<24}{number[kind]:>8}{taken[kind]:>8}{failed[kind]:>9}{differ[kind]:>8}")
    print(f"{'all':<24}{number.total():>8}{taken.total():>8}{failed.total():>9}{differ.total():>8}")
    return differ.total()


Decoder = Callable[[bytes], Image.Image]


def _pillow(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        return picture


def _by(codec: Callable[[bytes], np.ndarray]) -> Decoder:
    """Return a decoder whose pixels Pillow scales afterwards, as the program needs them."""
    return lambda data: Image.fromarray(codec(data))


def candidates() -> dict[str, dict[str, Decoder]]:
    """Return decoders by format and name; Pillow's own first."""
    import imagecodecs

    return {
        "PNG": {"Pillow": _pillow, "spng": _by(imagecodecs.spng_decode), "libpng": _by(imagecodecs.png_decode)},
        "JPEG": {"Pillow": _pillow, "libjpeg-turbo": _by(imagecodecs.jpeg8_decode)},
        "WEBP": {"Pillow": _pillow, "libwebp": _by(imagecodecs.webp_decode)},
    }


def _equal(decode: Decoder, data: bytes, expected: Image.Image) -> bool:
    try:
        found = decode(data)
        return (found.mode, found.size, found.tobytes()) == (expected.mode, expected.size, expected.tobytes())
    except Exception:  # a decoder that cannot read a file is not equal
        return False


def measure() -> None:
    """Print how many of the sound files each decoder gives as Pillow does, and how fast each is."""
    sound = [(kind, data) for kind, data in files() if "broken" not in kind]
    print(f"\n{'decoder':<24}{'equal':>8}{'of':>8}{'1024 px a second':>20}{'to Pillow':>11}")
    for kind, decoders in candidates().items():
        mine = [(data, _pillow(data)) for name, data in sound if name.startswith(kind)][:500]
        out = io.BytesIO()
        painting(1, (1024, 1024)).save(out, kind)
        first = 0.0
        for name, decode in decoders.items():
            same = sum(_equal(decode, data, expected) for data, expected in mine)
            begun = time.process_time()
            for _ in range(20):
                decode(out.getvalue())
            rate = 20 / (time.process_time() - begun)
            first = first or rate
            print(f"{kind + ' ' + name:<24}{same:>8}{len(mine):>8}{rate:>20.1f}{rate / first:>11.2f}")


def main() -> None:
    """Compare, then measure."""
    with TemporaryDirectory(prefix="dtk-bench-") as folder:
        differ = compare(Path(folder))
    measure()
    if differ:
        raise SystemExit(f"{differ} files differ")


if __name__ == "__main__":
    main()
