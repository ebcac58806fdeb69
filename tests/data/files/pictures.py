"""Image files in memory, also in layouts that Pillow does not write."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from evenhand.data.files.decoding import Decoder

WHITE = ("white", (255, 255, 255))
OWN = Decoder(background=WHITE)


def encoded(picture: Image.Image | np.ndarray, form: str = "PNG", **settings: object) -> bytes:
    picture = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    file = io.BytesIO()
    picture.save(file, form, **settings)
    return file.getvalue()


def pixels(file: bytes, decoder: Decoder = OWN) -> np.ndarray:
    return np.asarray(decoder(file).picture)


def colours(n: int = 6, side: int = 8) -> np.ndarray:
    """A picture in which no two places are alike, neither turned nor mirrored."""
    return np.random.default_rng(n).integers(0, 256, (side, side + 2, 3), dtype=np.uint8)


def png(rows: bytes, size: tuple[int, int], depth: int, kind: int, key: bytes = b"") -> bytes:
    """A PNG file from its raw rows, with a transparent colour where there is a key."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    width, height = size
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    transparent = chunk(b"tRNS", key) if key else b""
    body = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + transparent + body


def tiff(
    values: np.ndarray,
    *,
    photometric: int = 1,
    sample_format: int = 1,
    extra: tuple[int, ...] = (),
) -> bytes:
    """A TIFF file with these values, uncompressed and little-endian.

    values   [height, width] or [height, width, channels]
    extra    kinds of the extra samples
    """
    height, width, *channels = values.shape
    n = channels[0] if channels else 1
    body = values.tobytes()
    tags: dict[int, tuple[int, ...]] = {
        256: (width,), 257: (height,), 258: (values.itemsize * 8,) * n, 259: (1,),
        262: (photometric,), 273: (8,), 277: (n,), 278: (height,), 279: (len(body),),
        **({338: extra} if extra else {}), 339: (sample_format,) * n,
    }  # fmt: skip
    entries, further = b"", b""
    after = 8 + len(body) + 2 + 12 * len(tags) + 4
    for tag, given in tags.items():
        value = struct.pack(f"<{len(given)}I", *given)
        if len(given) > 1:
            value, further = struct.pack("<I", after + len(further)), further + value
        entries += struct.pack("<HHI", tag, 4, len(given)) + value
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    return b"II*\0" + struct.pack("<I", 8 + len(body)) + body + directory + further
