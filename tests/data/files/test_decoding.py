"""Every kind of image is decoded to what a careful person sees, or refused with the reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from evenhand.data.files.decoding import Decoder
from evenhand.data.files.image_file import measure, without_warnings
from evenhand.errors import DataError
from tests.data.files.pictures import OWN, colours, encoded, pixels, png, tiff
from tests.data.samples import has_facts

DEEP = np.array([[0, 1, 128, 129], [257, 4095, 40000, 65535]], dtype=np.uint16)
GREY = np.array([[0, 0, 0, 1], [1, 16, 156, 255]], dtype=np.uint8)
"""DEEP · 255 / 65535, rounded."""


@pytest.fixture(autouse=True)
def quiet():
    with without_warnings():
        yield


def grey(values):
    return np.repeat(np.asarray(values, dtype=np.uint8)[..., None], 3, axis=2)


def refusal(file, decoder=OWN):
    with pytest.raises(DataError) as raised:
        decoder(file)
    return str(raised.value)


@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP", "PPM", "WEBP", "JPEG2000"])
def test_colours_in_8_bits_stay_as_they_are(form):
    made = colours()
    settings = {"lossless": True} if form == "WEBP" else {}
    decoded = OWN(encoded(made, form, **settings))
    np.testing.assert_array_equal(np.asarray(decoded.picture), made)
    assert decoded.done == ()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr", "LAB"])
def test_other_modes_of_8_bits_are_those_of_pillow(mode):
    made = Image.fromarray(colours())
    if mode == "LAB":
        made = Image.merge("LAB", made.split())
    made = made if made.mode == mode else made.convert(mode)
    file = encoded(made, "TIFF")
    np.testing.assert_array_equal(pixels(file), np.asarray(made.convert("RGB")))


@pytest.mark.parametrize("form", ["PNG", "TIFF", "PPM", "JPEG2000", "compressed", "big-endian"])
def test_16_bits_are_scaled_by_their_range_and_rounded(form):
    settings = {"compression": "tiff_lzw"} if form == "compressed" else {}
    made = Image.fromarray(DEEP)
    if form == "big-endian":
        made = Image.frombytes("I;16B", (4, 2), DEEP.astype(">u2").tobytes())
    kind = form if form in ("PNG", "PPM", "JPEG2000") else "TIFF"
    decoded = OWN(encoded(made, kind, **settings))
    np.testing.assert_array_equal(np.asarray(decoded.picture), grey(GREY))
    assert decoded.done == ("scaled from 16 bits to 8 bits",)
    assert decoded.grey == (0, 65535, 65535)


def test_the_same_picture_in_16_and_in_8_bits_has_the_same_pixels():
    made = colours()[..., 0]
    deep = made.astype(np.uint16) * 257
    np.testing.assert_array_equal(pixels(encoded(deep)), pixels(encoded(made)))


@pytest.mark.parametrize(("form", "kind"), [("PNG", 2), ("PNG with alpha", 6)])
def test_16_bits_in_each_channel_are_not_clipped(form, kind):
    channels = 4 if kind == 6 else 3
    values = np.full((1, 2, channels), 65535, dtype=">u2")
    values[0, 0, :3], values[0, 1, :3] = (256, 32896, 65535), (0, 5140, 60000)
    decoded = OWN(png(b"\0" + values.tobytes(), (2, 1), 16, kind))
    assert np.asarray(decoded.picture).tolist() == [[[1, 128, 255], [0, 20, 234]]]
    assert decoded.done == ("scaled from 16 bits to 8 bits",)


def test_white_is_zero_where_the_file_has_it_so():
    np.testing.assert_array_equal(pixels(tiff(DEEP, photometric=0)), grey(255 - GREY))
    made = colours()[..., 0]
    np.testing.assert_array_equal(pixels(tiff(made, photometric=0)), grey(255 - made))


@pytest.mark.parametrize(
    ("n", "photometric", "extra", "kind"),
    [
        (4, 2, (0,), np.uint8),
        (4, 2, (), np.uint8),
        (4, 2, (0,), np.uint16),
        (5, 2, (0, 0), np.uint8),
        (5, 2, (1, 0), np.uint8),
        (2, 1, (0,), np.uint8),
    ],
)
def test_channels_that_are_no_colours_are_refused(n, photometric, extra, kind):
    bands = np.random.default_rng(0).integers(0, 255, (8, 8, n)).astype(kind)
    says = refusal(tiff(bands, photometric=photometric, extra=extra))
    assert f"has {n} channels, of which {3 if photometric == 2 else 1} are colours" in says


def test_transparency_of_tiff_files_is_composited():
    bands = np.zeros((8, 8, 4), dtype=np.uint8)
    assert (pixels(tiff(bands, photometric=2, extra=(2,))) == 255).all()


def test_integers_and_floats_without_a_range_need_one_from_the_suite():
    whole, real = DEEP.astype(np.int32) - 5, np.float32(DEEP) / 100 - 1
    for values in (whole, real):
        file = encoded(values, "TIFF")
        assert has_facts(refusal(file), "from … to … no range … `intensity: [low, high]`")
        low, high = float(values.min()), float(values.max())
        for intensity in ("file", (low, high)):
            found = replace(OWN, intensity=intensity)(file)
            np.testing.assert_array_equal(np.asarray(found.picture), grey(GREY))
            assert found.grey is None
        narrow = replace(OWN, intensity=(low, high / 2))
        assert has_facts(refusal(file, narrow), "outside of … widen")


def test_a_range_of_the_suite_holds_for_16_bits_too():
    file = encoded(np.array([[0, 2000, 4000]], dtype=np.uint16))
    found = pixels(file, replace(OWN, intensity=(0, 4000)))
    np.testing.assert_array_equal(found, grey([[0, 128, 255]]))
    assert "outside" in refusal(file, replace(OWN, intensity=(0, 3999)))


def test_unsigned_integers_of_32_bits_do_not_become_negative():
    values = np.array([[0, 2**31, 2**32 - 1]], dtype=np.uint32)
    found = pixels(tiff(values), replace(OWN, intensity="file"))
    np.testing.assert_array_equal(found, grey([[0, 128, 255]]))


def test_signed_integers_have_no_range_of_their_own():
    values = np.array([[-1000, 0, 1000]], dtype=np.int16)
    file = tiff(values, sample_format=2)
    assert "no range" in refusal(file)
    found = pixels(file, replace(OWN, intensity=(-1000, 1000)))
    np.testing.assert_array_equal(found, grey([[0, 128, 255]]))
    assert "signed integers of 8 bits" in refusal(tiff(values.astype(np.int8), sample_format=2))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value):
    file = encoded(np.array([[0, 1, value]], dtype=np.float32), "TIFF")
    assert "NaN or infinity" in refusal(file, replace(OWN, intensity="file"))


def test_a_file_of_one_value_has_no_range_of_its_own():
    file = encoded(np.full((2, 2), 7, dtype=np.int32), "TIFF")
    assert has_facts(refusal(file, replace(OWN, intensity="file")), "7 everywhere … [low, high]")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_upright_whatever_their_exif_tag(form, orientation):
    made = Image.fromarray(colours(side=16))
    stored = {
        1: [], 2: [0], 3: [3], 4: [1], 5: [5], 6: [2], 7: [6], 8: [4],
    }[orientation]  # fmt: skip
    turned = made
    for method in stored:
        turned = turned.transpose(Image.Transpose(method))
    exif = Image.Exif()
    exif[0x0112] = orientation
    settings = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
    file = encoded(turned, form, exif=exif, **settings.get(form, {}))
    decoded = OWN(file)
    wrong = np.abs(np.asarray(decoded.picture).astype(int) - np.asarray(made))
    assert wrong.max() <= (60 if form == "JPEG" else 0)
    assert decoded.size == measure(file) == (16, 18)
    assert decoded.done == (("turned by their EXIF tag",) if orientation > 1 else ())


def half_transparent(form):
    """Two pixels with the colour (200, 0, 0), of which the first is transparent."""
    made = np.array([[[200, 0, 0, 0], [200, 0, 0, 255]]], dtype=np.uint8)
    if form == "palette":
        picture = Image.new("P", (2, 1))
        picture.putpalette([200, 0, 0, 200, 0, 0])
        picture.putdata([0, 1])
        return encoded(picture, transparency=bytes([0, 255]))
    if form == "key":
        made[0, 1] = (201, 0, 0, 255)
        return encoded(np.ascontiguousarray(made[..., :3]), transparency=(200, 0, 0))
    return encoded(made, form, **({"lossless": True, "exact": True} if form == "WEBP" else {}))


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP", "palette", "key"])
def test_transparent_pixels_show_the_background_and_not_their_hidden_colour(form):
    file = half_transparent(form)
    decoded = OWN(file)
    first, second = np.asarray(decoded.picture)[0].tolist()
    assert (first, second) == ([255, 255, 255], [201 if form == "key" else 200, 0, 0])
    assert decoded.done == ("composited on white",)
    blue = replace(OWN, background=("[0, 0, 255]", (0, 0, 255)))
    assert pixels(file, blue)[0, 0].tolist() == [0, 0, 255]
    assert "transparent" in refusal(file, Decoder())


def test_half_transparent_pixels_are_mixed():
    file = encoded(np.array([[[200, 0, 0, 128]]], dtype=np.uint8))
    np.testing.assert_allclose(pixels(file)[0, 0], [227, 127, 127], atol=1)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_an_opaque_alpha_channel_changes_nothing(mode):
    made = Image.fromarray(colours()).convert("RGBA").convert(mode)
    file = encoded(made, "TIFF")
    for decoder in (OWN, Decoder()):
        decoded = decoder(file)
        np.testing.assert_array_equal(np.asarray(decoded.picture), np.asarray(made.convert("RGB")))
        assert decoded.done == ()


@pytest.mark.parametrize(("depth", "row"), [(1, 0b01000000), (2, 0b00010000), (4, 0b00000001)])
def test_a_transparent_grey_level_is_that_of_the_file(depth, row):
    """Pillow scales pixels of fewer than 8 bits, and of some depths not the level."""
    file = png(b"\0" + bytes([row]), (2, 1), depth, 0, key=b"\0\0")
    white = 2**depth - 1
    assert pixels(file)[0, :, 0].tolist() == [255, 255 // white]


@pytest.mark.parametrize(("kind", "n"), [(0, 1), (2, 3)])
def test_a_transparent_colour_of_16_bits_is_refused(kind, n):
    file = png(b"\0" + b"\1\2" * n, (1, 1), 16, kind, key=b"\1\2" * n)
    assert has_facts(refusal(file), "16 bits and a transparent … save it")


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_several_frames_are_refused_with_their_number(form):
    frames = [Image.fromarray(colours(n)) for n in range(3)]
    file = encoded(frames[0], form, save_all=True, append_images=frames[1:])
    for look in (OWN, measure):
        assert has_facts(refusal(file, look), "3 frames … files of their own")
    one = encoded(frames[0], form, save_all=True)
    assert pixels(one).shape == (8, 10, 3)


def test_previews_of_a_photograph_are_no_frames():
    frames = [Image.fromarray(colours(n)) for n in range(2)]
    file = encoded(frames[0], "MPO", save_all=True, append_images=frames[1:])
    assert pixels(file).shape == (8, 10, 3)


@pytest.mark.parametrize("n", [90_000_000, 182_000_000])
def test_large_pictures_are_refused_with_their_number_of_pixels(n):
    file = png(b"", (n // 1000, 1000), 8, 0)
    for look in (OWN, measure):
        assert has_facts(refusal(file, look), f"{n:,} pixels … 89,478,485 … scale")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "PPM", "JPEG2000"])
def test_a_truncated_file_is_refused(form):
    file = encoded(colours(side=40), form)
    for left in (len(file) // 2, 30, 3, 0):
        assert "is damaged" in refusal(file[:left])


def test_a_flipped_bit_in_a_png_is_refused():
    file = bytearray(encoded(colours(side=40)))
    file[200] ^= 4
    assert "is damaged" in refusal(bytes(file))


def test_other_files_are_refused_and_those_on_disk_by_the_systems_reason(tmp_path):
    assert has_facts(refusal(encoded(colours(), "ICO")), "ICO … save it as one of PNG")
    assert "not an image" in refusal(b"<html>404</html>")
    assert "cannot be read: No such file" in refusal(tmp_path / "a.png")
    assert "cannot be read: Is a directory" in refusal(tmp_path)


def test_grey_images_of_official_files_keep_one_channel():
    made = colours()[..., 0]
    np.testing.assert_array_equal(pixels(encoded(made), Decoder(channels=1)), made)
