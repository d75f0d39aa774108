"""Odd pictures and odd texts: what a preprocessing or a tokenizer that is nearly right gets wrong."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

#: Sizes at which edges are rounded, cut or padded differently.
_SIZES = [
    (64, 64), (70, 70), (71, 70), (224, 224), (448, 448), (449, 448), (300, 200), (200, 300), (225, 500), (500, 225),
    (333, 517), (1, 1), (2, 3), (31, 30), (700, 64), (64, 700), (57, 56), (640, 480),
]  # fmt: skip


def waves(width: int, height: int, seed: int = 0) -> np.ndarray:
    """Return a smooth picture, uint8 [height, width, 3], whose channels have nothing in common."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    channels = []
    for channel in range(3):
        a, b, c, d = np.random.RandomState(10 * seed + channel).random_sample(4)
        slow = np.sin((0.01 + 0.05 * a) * x + (0.01 + 0.05 * b) * y + 6 * c)
        fast = np.sin((0.1 + 0.2 * b) * x - (0.1 + 0.2 * a) * y + 6 * d)
        channels.append(100 + 40 * channel * c + 70 * slow + 30 * fast)
    return np.clip(np.rint(np.stack(channels, axis=-1)), 0, 255).astype(np.uint8)


def _encoded(picture: Image.Image, form: str, **options: Any) -> bytes:
    with io.BytesIO() as out:
        picture.save(out, format=form, **options)
        return out.getvalue()


def _plain(width: int, height: int, seed: int) -> Image.Image:
    return Image.fromarray(waves(width, height, seed))


def _oriented(turn: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = turn
    return _encoded(_plain(160, 96, turn), "JPEG", quality=92, exif=exif)


def odd_pictures() -> dict[str, bytes]:
    """Return encoded pictures by a name with the ending of its format."""
    files = {f"{w}x{h}.png": _encoded(_plain(w, h, n), "PNG") for n, (w, h) in enumerate(_SIZES)}
    base = _plain(150, 110, 31)
    sloped = Image.fromarray(np.repeat(np.linspace(0, 255, 150).astype(np.uint8)[None], 110, axis=0))
    clear = base.convert("RGBA")
    clear.putalpha(sloped)
    empty = base.convert("RGBA")
    empty.putalpha(0)
    indexed = base.quantize(32, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    checks = Image.fromarray(np.kron(np.indices((9, 13)).sum(axis=0) % 2 * 255, np.ones((20, 20))).astype(np.uint8))
    deep = Image.fromarray(waves(90, 120, 32)[..., 0].astype(np.uint16) * 257)
    files |= {
        "alpha.png": _encoded(clear, "PNG"),
        "empty.png": _encoded(empty, "PNG"),
        "grey-alpha.png": _encoded(clear.convert("LA"), "PNG"),
        "grey.png": _encoded(base.convert("L"), "PNG"),
        "indexed.png": _encoded(indexed, "PNG"),
        "indexed-clear.png": _encoded(indexed, "PNG", transparency=3),
        "bits.png": _encoded(base.convert("1", dither=Image.Dither.NONE), "PNG"),
        "deep.png": _encoded(deep, "PNG"),
        "one-clear-colour.png": _encoded(checks.convert("RGB"), "PNG", transparency=(0, 0, 0)),
        "checks.png": _encoded(checks.convert("RGB"), "PNG"),
        "black.png": _encoded(Image.new("RGB", (99, 77)), "PNG"),
        "white.png": _encoded(Image.new("RGB", (77, 99), "white"), "PNG"),
        "photo.jpg": _encoded(_plain(321, 203, 33), "JPEG", quality=90),
        "rough.jpg": _encoded(_plain(203, 321, 34), "JPEG", quality=30),
        "grey.jpg": _encoded(base.convert("L"), "JPEG", quality=90),
        "print.jpg": _encoded(base.convert("CMYK"), "JPEG", quality=90),
        "progressive.jpg": _encoded(base, "JPEG", quality=90, progressive=True),
        **{f"turned-{turn}.jpg": _oriented(turn) for turn in (2, 3, 6, 8)},
        "exact.webp": _encoded(base, "WEBP", lossless=True),
        "lossy.webp": _encoded(base, "WEBP", quality=80),
        "alpha.webp": _encoded(clear, "WEBP", lossless=True, exact=True),
        "frames.gif": _encoded(indexed, "GIF", save_all=True, append_images=[checks.convert("P")]),
        "plain.bmp": _encoded(base, "BMP"),
        "plain.tif": _encoded(base, "TIFF"),
    }
    return files


TEXTS: tuple[str, ...] = (
    "",
    " ",
    "\n\t ",
    "a",
    "A CAT",
    "a photo of a cat",
    "masterpiece, best quality, 1girl, long hair, blue_eyes, (detailed face:1.2), [bokeh]",
    "(((red dress))), {{silk}}, [[lace]]",
    "<lora:add_detail:0.8> portrait of a woman, 35mm",
    "score_9, score_8_up, source_anime",
    "don't can't it's they're we've I'm you'll he'd 'S 'T",
    "O'Neil’s “quoted” – dash—em…",
    "café cafe\u0301 naïve Ångström A\u030angstrom",
    "ﬁne ﬂuﬀy ①②③ ½ ㎏ ™",
    "straße STRASSE İstanbul ıssız ſ",
    "日本語のテキスト、少女、桜",
    "中文提示词 一只猫 坐在窗边",
    "한국어 프롬프트 고양이",
    "русский текст про кота",
    "ελληνικά ΚΕΊΜΕΝΟ ς",
    "نص عربي عن قطة",
    "עברית חתול",
    "ภาษาไทยแมว",
    "हिन्दी बिल्ली",
    "😀 smile 👩‍👩‍👧‍👦 family 🇩🇪 flag 👍🏽",
    "a\u200bb\u200cc\u200dd\ufeffe",
    "a\u00a0b\u2003c\u3000d",
    "a\x00b\x07c\x1bd\x7fe",
    "soft\u00adhyphen non\u2011breaking",
    "line one\r\nline two\rline three\u2028four\u2029five\x85six",
    "tabs\tand\vfeeds\f",
    "12345 3.14159 1,000,000 0x1F 1e-5 50%",
    "512x768 16:9 f/1.8 1/250s ISO100",
    "a.b.c...d!!??!;;::--__++==**//\\\\",
    "#tag @user $5 €10 £3 ¥100 ^_^ >_< o_o :) ;-( ¯\\_(ツ)_/¯",
    "https://example.org/a?b=c&d=e#f mail@example.org",
    "&amp; &lt;b&gt; &#39; &nbsp;",
    "<b>bold</b> <script>alert(1)</script>",
    '{"prompt": "a dog", "seed": 1}',
    "[CLS] a literal [SEP] and [MASK] [PAD] [UNK]",
    "[cls] [Sep]",
    "<|startoftext|> literal <|endoftext|> markers",
    "<|endoftext|>",
    "half <|endof text|> <|ENDOFTEXT|>",
    "</w> ##ing @@ ▁under",
    "unaffable antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    "x" * 99,
    "x" * 100,
    "x" * 101,
    "x" * 1000,
    "ab" * 300 + " tail",
    "word " * 75 + "end",
    "word " * 76 + "end",
    "word " * 77 + "end",
    "word " * 509 + "three two one",
    "a, " * 400,
    "é" * 200,
    "日" * 600,
    "😀" * 150,
    "very long prompt about mountains, rivers and a castle at sunset, highly detailed, " * 40,
    "BREAK two AND three :: 4 | 5",
    "ALL CAPS PROMPT WITH UNDER_SCORES AND-HYPHENS",
    "   leading and trailing   ",
    "mixed日本English한국русский123",
    "e\u0301\u0327x a\u0308\u0304 \u0301alone",
)

#: What a program that repairs texts changes: UTF-8 read as Latin-1 or Windows-1252, entities, quotes, widths, controls.
MOJIBAKE: tuple[str, ...] = (
    "schÃ¶n cafÃ© â€œquotedâ€\x9d",
    "naÃƒÂ¯ve",
    "l’Ã©tÃ© 日本語",
    "&lt;b&gt; &amp;amp;lt; &eacute;&#x301; &copy;",
    "ＦＵＬＬ　ｗｉｄｔｈ ｱｲｳ",
    "ﬁligree ǆ Ǆ \u2018x\u2019",
    "\x1b[31mred\x1b[0m \x85 \x93quoted\x94",
    "a\r\nb\rc\u2028d",
    "Σίσυφος ΣΊΣΥΦΟΣ İ",
    "<end_of_text> and <|endoftext|> and <START_OF_TEXT>",
    "e\u0301 &#101;&#769; \ud800",
)
