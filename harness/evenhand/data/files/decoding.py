"""The decoder of images: 8-bit pixels as a careful person sees the picture, or a refusal.

Channels of 16 bits are scaled by the range of their mode. 32-bit integers and floats have no such
range and need one from the suite. Nothing is clipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from evenhand.data.files.image_file import (
    BITS,
    PHOTOMETRIC,
    SAMPLE_FORMAT,
    Header,
    ImageFile,
    Size,
    header,
    opened,
)
from evenhand.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

TURNED = "turned by their EXIF tag"
SCALED = "scaled from {} to 8 bits"

GREY_LEVEL = {"L;2": 85, "L;4": 17}
"""Step between the grey levels of PNG files with fewer than 8 bits, which Pillow scales to 8."""
UNSIGNED, SIGNED = 1, 2
"""Sample formats of TIFF."""


class Values(NamedTuple):
    """Least and largest value of pixels."""

    least: float
    most: float


class GreyValues(NamedTuple):
    """Least and largest value of pixels, and the value of white."""

    least: float
    most: float
    white: float


class Decoded(NamedTuple):
    """A picture in 8 bits, and what was done to it."""

    picture: Picture
    size: Size
    """Size of the upright picture."""
    done: tuple[str, ...]
    """Participles, such as "turned by their EXIF tag"."""
    grey: GreyValues | None = None
    """Values of a grey image of more than 8 bits that was scaled by its mode."""


@dataclass(frozen=True)
class Decoder:
    """Decoder of image files, with the choices that a suite can make."""

    channels: int = 3
    """3 for RGB, 1 for grey."""
    background: tuple[str, tuple[int, int, int]] | None = None
    """Name and colour behind transparent pixels; None: transparent pixels are refused."""
    intensity: Literal["file"] | tuple[float, float] | None = None
    """Values of black and white in grey images of more than 8 bits; None: the mode's range."""

    def __call__(self, file: ImageFile) -> Decoded:
        """Decode a file. Raises `DataError` with the reason and the fix, without the path."""
        from PIL import ImageOps

        with opened(file) as image:
            head = header(image)
            upright = ImageOps.exif_transpose(image)
            is_deep = upright.mode == "F" or upright.mode.startswith("I")
            found = (self._grey if is_deep else self._usual)(upright, head)
            turned = (TURNED,) if head.is_turned else ()
            return found._replace(done=(*turned, *found.done))

    @property
    def _mode(self) -> str:
        return "RGB" if self.channels == 3 else "L"

    def _usual(self, image: Picture, head: Header) -> Decoded:
        """A picture whose channels Pillow decodes to 8 bits."""
        if _tag(head, SAMPLE_FORMAT) == SIGNED:
            raise DataError("has signed integers of 8 bits: save it with unsigned ones")
        # Of channels with 16 bits Pillow takes the upper byte.
        done = (SCALED.format("16 bits"),) if ";16" in head.rawmode else ()
        if done and self.intensity is not None:
            raise DataError(
                "has 16 bits in several channels, and `intensity` is for grey images: "
                "leave it out, or save the image in grey"
            )
        if not image.has_transparency_data:
            return Decoded(image.convert(self._mode), head.size, done)
        return self._opaque(image, head, done)

    def _opaque(self, image: Picture, head: Header, done: tuple[str, ...]) -> Decoded:
        """A picture on the background, where any of its pixels are transparent."""
        from PIL import Image

        key = image.info.get("transparency")
        if key is not None and done:
            raise DataError("has 16 bits and a transparent colour: save it with an alpha channel")
        if key is not None and head.rawmode in GREY_LEVEL:
            # Pillow scales the pixels, but not the transparent level.
            image.info["transparency"] = key * GREY_LEVEL[head.rawmode]
        picture = image.convert("RGBA")
        if picture.getchannel("A").getextrema()[0] == 255:
            return Decoded(picture.convert(self._mode), head.size, done)
        if self.background is None:
            raise DataError("has transparent pixels: take the official files")
        name, colour = self.background
        behind = Image.new("RGBA", picture.size, (*colour, 255))
        behind.alpha_composite(picture)
        done = (*done, f"composited on {name}")
        return Decoded(behind.convert(self._mode), head.size, done)

    def _grey(self, image: Picture, head: Header) -> Decoded:
        """A picture of one channel of more than 8 bits."""
        from PIL import Image

        if "transparency" in image.info:
            raise DataError("has 16 bits and a transparent level: save it without transparency")
        values = np.asarray(image)
        if head.tags and values.dtype == np.int32 and _tag(head, SAMPLE_FORMAT) == UNSIGNED:
            values = values.view(np.uint32)
        found = Values(values.min().item(), values.max().item())
        whole = _mode_range(image, head)
        kind = "floats" if image.mode == "F" else f"{_bits(image, head)} bits"
        low, high = self._range(found, whole, kind)
        scaled = np.rint((values - np.float64(low)) / (high - low) * 255).astype(np.uint8)
        if _tag(head, PHOTOMETRIC) == 0:
            # White is zero, which Pillow applies to files of 8 bits or fewer.
            scaled = 255 - scaled
        picture = Image.fromarray(scaled).convert(self._mode)
        by_mode = None if self.intensity is not None else GreyValues(*found, high)
        return Decoded(picture, head.size, (SCALED.format(kind),), by_mode)

    def _range(self, found: Values, whole: Values | None, kind: str) -> Values:
        """Values of black and white for a picture with these values and range of the mode."""
        if not np.isfinite(found).all():
            raise DataError("has NaN or infinity among its values: save it with finite values")
        if self.intensity == "file":
            if found.least == found.most:
                raise DataError(
                    f"has the value {found.least:g} everywhere, and `intensity: file` needs two "
                    "values: write `intensity: [low, high]`, or remove the image"
                )
            return found
        if self.intensity is not None:
            whole = Values(*self.intensity)
        if whole is None:
            own = "write `intensity: [low, high]`, or `intensity: file` for the range of each file"
            raise DataError(
                f"has grey values of {kind} from {found.least:g} to {found.most:g}, which have no "
                "range from black to white: "
                f"{own if self.background else 'take the official files'}"
            )
        if found.least < whole.least or found.most > whole.most:
            raise DataError(
                f"has values from {found.least:g} to {found.most:g}, outside of `intensity: "
                f"[{whole.least:g}, {whole.most:g}]`: widen the range"
            )
        return whole


def _tag(head: Header, tag: int) -> object:
    """First value of a tag; the first sample format is unsigned where a TIFF file has none."""
    found = head.tags.get(tag, UNSIGNED if tag == SAMPLE_FORMAT and head.tags else None)
    return found[0] if isinstance(found, tuple) else found


def _bits(image: Picture, head: Header) -> int:
    """Bits of a grey level in a file."""
    found = _tag(head, BITS)
    if isinstance(found, int):
        return found
    # Pillow decodes 16 bits of a PPM file, and in older versions of a PNG file, to the mode I.
    return 16 if image.mode.startswith("I;16") or head.format in ("PPM", "PNG") else 32


def _mode_range(image: Picture, head: Header) -> Values | None:
    """Values of black and white by the mode; None: signed integers, 32 bits and floats."""
    bits = _bits(image, head)
    is_signed = _tag(head, SAMPLE_FORMAT) == SIGNED
    return None if image.mode == "F" or is_signed or bits > 16 else Values(0, 2**bits - 1)
