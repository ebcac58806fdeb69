"""Image files as Pillow opens them: facts of their headers, and refusals of other files."""

from __future__ import annotations

import io
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from evenhand.declared.input_files import check_regular
from evenhand.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

ImageFile = Path | bytes
"""A file, or its bytes."""

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "PPM", "JPEG2000", "AVIF")
"""Formats that are read, by Pillow's names."""
PHOTOGRAPHS = "MPO"
"""Format of cameras: a JPEG file with previews of the photograph as further frames."""
MAX_PIXELS = 89_478_485
"""Largest number of pixels of an image, which is Pillow's bound against decompression bombs."""

PHOTOMETRIC, BITS, SAMPLE_FORMAT, WIDTH, LENGTH, ORIENTATION = 262, 258, 339, 256, 257, 274
SAMPLES, EXTRA_SAMPLES = 277, 338
"""Numbers of tags of TIFF and EXIF."""
COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3}
"""Number of channels of the colours of a TIFF file by its photometric interpretation."""
ALPHA = (1, 2)
"""Kinds of extra samples of TIFF that are transparency."""
SIDEWAYS = (5, 6, 7, 8)
"""Orientations that exchange height and width."""

DAMAGED = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError,
    RuntimeError, struct.error, zlib.error,
)  # fmt: skip
"""Exceptions that Pillow raises for files that are not whole."""


class Size(NamedTuple):
    """Height and width of a picture."""

    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.height} × {self.width}"


class Header(NamedTuple):
    """Facts of an image file that Pillow drops when it decodes the pixels."""

    format: str
    size: Size
    """Size of the upright picture."""
    is_turned: bool
    """Whether its EXIF tag has another orientation than upright."""
    rawmode: str
    """Pillow's name of the layout of the pixels in the file, such as "RGB;16B"."""
    tags: dict[int, Any]
    """Tags of a TIFF file; empty for other formats."""


@contextmanager
def opened(file: ImageFile) -> Iterator[Picture]:
    """Open an image file for a `with` block.

    Raises `DataError`, also for Pillow's exceptions in the block. Its text is the reason with the
    fix, without the path.
    """
    from PIL import Image

    try:
        if isinstance(file, Path):
            check_regular(file)
        given = io.BytesIO(file) if isinstance(file, bytes) else file
        with Image.open(given) as image:
            _check(image)
            _check_bands(image)
            yield image
    except Image.DecompressionBombError as error:
        found = re.search(r"\d+", str(error))
        raise _too_large(int(found[0]) if found else 2 * MAX_PIXELS) from None
    except DAMAGED as error:
        raise DataError(_reason(error)) from None


@contextmanager
def without_warnings() -> Iterator[None]:
    """Silence Pillow for a `with` block. It warns of damaged metadata and of large images."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def header(image: Picture) -> Header:
    """The header of an opened file, before its pixels are decoded."""
    tags = dict(getattr(image, "tag_v2", {}))
    tiles = getattr(image, "tile", None)
    given = tiles[0].args if tiles else ()
    rawmode = next((a for a in [given, *given] if isinstance(a, str)), "") if given else ""
    size = _upright_size(image)
    return Header(image.format or "", size, _orientation(image) in range(2, 9), rawmode, tags)


def _upright_size(image: Picture) -> Size:
    width, height = image.size
    if tags := getattr(image, "tag_v2", None):
        # Whether Pillow has exchanged the two depends on its version.
        width, height = tags[WIDTH], tags[LENGTH]
    # The orientation of a PNG file may stand behind its pixels, which Pillow decodes to read it.
    if width != height and _orientation(image) in SIDEWAYS:
        return Size(width, height)
    return Size(height, width)


def _orientation(image: Picture) -> object:
    return image.getexif().get(ORIENTATION, 1)


def measure(file: ImageFile) -> Size:
    """Size of the upright picture, from the header alone. Raises as `opened` does."""
    with opened(file) as image:
        return _upright_size(image)


def _reason(error: BaseException) -> str:
    """Reason of a refusal, in place of one of Pillow's exceptions."""
    from PIL import UnidentifiedImageError

    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    if isinstance(error, UnidentifiedImageError):
        return (
            "is damaged, incomplete or not an image in a known form: copy it again, or save it as "
            "PNG of 8 or 16 bits"
        )
    return f"is damaged or incomplete ({error}): copy it again"


def _check(image: Picture) -> None:
    """Refuse other formats, images that are too large, and several frames."""
    if image.format not in (*FORMATS, PHOTOGRAPHS):
        raise DataError(f"has the format {image.format}: save it as one of {', '.join(FORMATS)}")
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(image.width * image.height)
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != PHOTOGRAPHS:
        raise DataError(
            f"has {frames} frames, and an example is one picture: save the frames that count as "
            "files of their own"
        )


def _check_bands(image: Picture) -> None:
    """Refuse a TIFF file with channels that are no colour, such as infrared, which Pillow drops."""
    tags = getattr(image, "tag_v2", None)
    if not tags or tags.get(PHOTOMETRIC) not in COLOURS:
        return
    n, colours = tags.get(SAMPLES, 1), COLOURS[tags[PHOTOMETRIC]]
    given = tags.get(EXTRA_SAMPLES, ())
    extra = given if isinstance(given, tuple) else (given,)
    if n > colours and not (n == colours + 1 and extra and extra[0] in ALPHA):
        raise DataError(
            f"has {n} channels, of which {colours} are colours and the others are not marked as "
            "transparency, as those of satellites: save the channels of the colours in a file of "
            "their own"
        )


def _too_large(pixels: int) -> DataError:
    return DataError(
        f"has {pixels:,} pixels, and at most {MAX_PIXELS:,} are decoded: scale the file down"
    )
