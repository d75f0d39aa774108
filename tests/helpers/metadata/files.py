"""Small files written byte by byte the way programs write them."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from dtk_tui.domain.parameters import FileReading
from dtk_tui.metadata.reader import read_file

INFOTEXT = (
    "a castle, (sunset:1.2) <lora:detail:0.8>\nby the sea\n"
    "Negative prompt: blurry,\nlowres\n"
    "Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 4179307297, Size: 832x1216, "
    "Model hash: 45a21ea00a, Model: someModel_v160, Clip skip: 2, Version: v1.10.1"
)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def text(key: str, value: str, encoding: str = "utf-8") -> bytes:
    return chunk(b"tEXt", key.encode() + b"\0" + value.encode(encoding))


def itxt(key: str, value: str, *, packed: bool = False) -> bytes:
    body = zlib.compress(value.encode()) if packed else value.encode()
    return chunk(b"iTXt", key.encode() + b"\0" + bytes([packed, 0]) + b"\0\0" + body)


def ztxt(key: str, value: str) -> bytes:
    return chunk(b"zTXt", key.encode() + b"\0\0" + zlib.compress(value.encode()))


def png(*before: bytes, after: tuple[bytes, ...] = (), size: tuple[int, int] = (8, 6)) -> bytes:
    width, height = size
    rows = b"".join(b"\0" + bytes(width * 3) for _ in range(height))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            *before,
            chunk(b"IDAT", zlib.compress(rows)),
            *after,
            chunk(b"IEND", b""),
        )
    )


def tiff(ifd0: dict[int, bytes], exif: dict[int, bytes] | None = None, order: str = ">", kind: int = 2) -> bytes:
    """A TIFF structure whose tags are all texts (UserComment and MakerNote of type UNDEFINED)."""
    entries = len(ifd0) + (exif is not None)
    blob = bytearray((b"MM\0*" if order == ">" else b"II*\0") + struct.pack(order + "I", 8))
    start = 8 + 2 + entries * 12 + 4
    inner_start = start + sum(len(value) + len(value) % 2 for value in ifd0.values() if len(value) > 4)

    def directory(tags: dict[int, bytes], data_at: int, extra: bytes = b"") -> tuple[bytes, bytes]:
        rows, data = b"", b""
        for tag, value in sorted(tags.items()):
            tag_kind = 7 if tag in (0x9286, 0x927C) else kind
            if len(value) <= 4:
                where = value.ljust(4, b"\0")
            else:
                where = struct.pack(order + "I", data_at + len(data))
                data += value + b"\0" * (len(value) % 2)
            rows += struct.pack(order + "HHI", tag, tag_kind, len(value)) + where
        count = len(tags) + bool(extra)
        return struct.pack(order + "H", count) + rows + extra + struct.pack(order + "I", 0), data

    pointer = struct.pack(order + "HHII", 0x8769, 4, 1, inner_start) if exif is not None else b""
    head, data = directory(ifd0, start, pointer)
    blob += head + data
    if exif is not None:
        inner, inner_data = directory(exif, inner_start + 2 + len(exif) * 12 + 4)
        blob += inner + inner_data
    return bytes(blob)


def user_comment(value: str, encoding: str = "utf-16-be") -> bytes:
    return tiff({}, {0x9286: b"UNICODE\0" + value.encode(encoding)})


def jpeg(exif: bytes | None = None, comment: bytes | None = None, xmp: str | None = None) -> bytes:
    def segment(marker: int, data: bytes) -> bytes:
        return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data

    parts = [b"\xff\xd8"]
    if exif is not None:
        parts.append(segment(0xE1, b"Exif\0\0" + exif))
    if xmp is not None:
        parts.append(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp.encode()))
    if comment is not None:
        parts.append(segment(0xFE, comment))
    parts.append(segment(0xC0, b"\x08\x00\x06\x00\x08\x01\x01\x11\x00"))
    parts.append(segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x12\x34\xff\xd9")
    return b"".join(parts)


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WEBP"
    for kind, data in chunks:
        body += kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp(exif: bytes | None = None, xmp: str | None = None) -> bytes:
    canvas = b"\x08\0\0\0" + (7).to_bytes(3, "little") + (5).to_bytes(3, "little")
    chunks = [(b"VP8X", canvas), (b"VP8 ", b"\0\0\0\x9d\x01\x2a\x08\0\x06\0")]
    if exif is not None:
        chunks.append((b"EXIF", exif))
    if xmp is not None:
        chunks.append((b"XMP ", xmp.encode()))
    return riff(*chunks)


def gif(comment: bytes) -> bytes:
    blocks = b"".join(
        bytes([len(comment[at : at + 255])]) + comment[at : at + 255] for at in range(0, len(comment), 255)
    )
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, 8, 6, 0) + b"\x02\x02\x4c\x01\0"
    return b"GIF89a" + struct.pack("<HHBBB", 8, 6, 0, 0, 0) + b"\x21\xfe" + blocks + b"\0" + image + b"\x3b"


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def mp4(tags: dict[str, str], *, quicktime_keys: bool = False) -> bytes:
    """A movie header with tags as ffmpeg writes them: iTunes' own, or named keys (-movflags use_metadata_tags)."""
    track = box(b"tkhd", bytes(76), struct.pack(">HHHH", 640, 0, 360, 0))
    handler = box(b"hdlr", bytes(25))
    if quicktime_keys:
        names = b"".join(struct.pack(">I", len(name) + 8) + b"mdta" + name.encode() for name in tags)
        keys = box(b"keys", struct.pack(">II", 0, len(tags)), names)
        items = [
            box(struct.pack(">I", index), box(b"data", struct.pack(">II", 1, 0), value.encode()))
            for index, value in enumerate(tags.values(), 1)
        ]
        meta = box(b"meta", handler, keys, box(b"ilst", *items))
        moov = box(b"moov", box(b"trak", track), meta)
    else:
        items = [
            box(
                b"\xa9cmt" if name == "comment" else name.encode(),
                box(b"data", struct.pack(">II", 1, 0), value.encode()),
            )
            for name, value in tags.items()
        ]
        moov = box(b"moov", box(b"trak", track), box(b"udta", box(b"meta", bytes(4), handler, box(b"ilst", *items))))
    return box(b"ftyp", b"isom", bytes(4), b"isommp42") + box(b"mdat", bytes(100)) + moov


def avif(exif: bytes, *, turned: bool = False) -> bytes:
    payload = struct.pack(">I", 0) + exif
    infe = box(b"infe", b"\x02\0\0\0", struct.pack(">HH", 1, 0), b"Exif", b"\0")
    iinf = box(b"iinf", bytes(4), struct.pack(">H", 1), infe)
    rotation = box(b"irot", bytes([turned]))
    owned = box(b"ipma", bytes(4), struct.pack(">IHBBB", 1, 1, 2, 0x81, 0x82))
    ispe = box(b"iprp", box(b"ipco", box(b"ispe", bytes(4), struct.pack(">II", 8, 6)), rotation), owned)
    primary = box(b"pitm", bytes(4), struct.pack(">H", 1))
    ftyp = box(b"ftyp", b"avif", bytes(4), b"avifmif1miaf")

    def meta(offset: int) -> bytes:
        iloc = box(b"iloc", bytes(4), b"\x44\0", struct.pack(">HHHHII", 1, 1, 0, 1, offset, len(payload)))
        return box(b"meta", bytes(4), box(b"hdlr", bytes(24)), primary, iinf, iloc, ispe)

    return ftyp + meta(len(ftyp) + len(meta(0)) + 8) + box(b"mdat", payload)


def element(kind: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = struct.pack(">Q", len(body) | 1 << 56)
    return kind.to_bytes((kind.bit_length() + 7) // 8, "big") + size + body


def webm(tags: dict[str, str]) -> bytes:
    video = element(0xE0, element(0xB0, b"\x02\x80"), element(0xBA, b"\x01\x68"))
    tracks = element(0x1654AE6B, element(0xAE, video))
    simple = [
        element(0x67C8, element(0x45A3, name.encode()), element(0x4487, value.encode())) for name, value in tags.items()
    ]
    body = tracks + element(0x1F43B675, bytes(50)) + element(0x1254C367, element(0x7373, *simple))
    return element(0x1A45DFA3, element(0x4282, b"webm")) + element(0x18538067, body)


def xmp_packet(content: str, attributes: str = "") -> str:
    return (
        f'<x:xmpmeta><rdf:RDF><rdf:Description rdf:about="" xmlns:a="urn:a" {attributes}>{content}</rdf:Description>'
        "</rdf:RDF></x:xmpmeta>"
    )


def photoshop(*records: tuple[int, int, bytes]) -> bytes:
    iptc = b"".join(
        b"\x1c" + bytes([record, number]) + struct.pack(">H", len(text)) + text for record, number, text in records
    )
    other = b"8BIM" + struct.pack(">H", 0x03ED) + b"\x03abc" + struct.pack(">I", 3) + b"xyz\0"
    return other + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc + b"\0" * (len(iptc) % 2)


def app13(resources: bytes) -> bytes:
    """A JPEG with image resources of Photoshop."""
    plain, data = jpeg(), b"Photoshop 3.0\0" + resources
    return plain[:2] + b"\xff\xed" + struct.pack(">H", len(data) + 2) + data + plain[2:]


def jxl(*boxes: bytes, head: bytes = b"\xff\x0a\x4f\x06\0\0") -> bytes:
    return b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl \0\0\0\0jxl ") + b"".join(boxes) + box(b"jxlc", head)


def exr(**texts: str) -> bytes:
    def attribute(name: bytes, kind: bytes, value: bytes) -> bytes:
        return name + b"\0" + kind + b"\0" + struct.pack("<i", len(value)) + value

    windows = attribute(b"dataWindow", b"box2i", struct.pack("<4i", 0, 0, 3, 3))
    windows += attribute(b"displayWindow", b"box2i", struct.pack("<4i", -1, 0, 6, 5))
    strings = b"".join(attribute(key.encode(), b"string", text.encode()) for key, text in texts.items())
    return b"v/1\x01\x02\0\0\0" + windows + strings + b"\0" + bytes(48)


def stealth(value: str, *, mode: str, packed: bool, size: tuple[int, int] = (160, 200), form: str = "PNG") -> bytes:
    """A picture with a text in its lowest bits, as the stealth_pnginfo extensions write it."""
    width, height = size
    data = gzip.compress(value.encode()) if packed else value.encode()
    signature = {"alpha": ("stealth_pnginfo", "stealth_pngcomp"), "rgb": ("stealth_rgbinfo", "stealth_rgbcomp")}[mode][
        packed
    ]
    payload = signature.encode() + struct.pack(">I", len(data) * 8) + data
    bits = np.unpackbits(np.frombuffer(payload, np.uint8))
    pixels = np.random.default_rng(1).integers(0, 255, (height, width, 4 if mode == "alpha" else 3), np.uint8)
    plane = pixels[:, :, 3].T.reshape(-1) if mode == "alpha" else pixels.transpose(1, 0, 2).reshape(-1)
    plane = plane.copy()
    assert len(bits) <= len(plane)
    plane[: len(bits)] = plane[: len(bits)] & 0xFE | bits
    if mode == "alpha":
        pixels[:, :, 3] = plane.reshape(width, height).T
    else:
        pixels = plane.reshape(width, height, 3).transpose(1, 0, 2)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, form, lossless=True)
    return buffer.getvalue()


def read(folder: Path, data: bytes, name: str = "picture.bin") -> FileReading:
    """Write ``data`` and read it back; nothing stands beside it."""
    path = folder / name
    path.write_bytes(data)
    return read_file(str(path), frozenset())


SEED = 4179307297


GRAPH = json.dumps(
    {
        "3": {
            "class_type": "KSampler",
            "inputs": {"seed": 5, "steps": 9, "cfg": 4.0, "sampler_name": "euler", "positive": ["6", 0]},
        },
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a castle"}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
    }
)
