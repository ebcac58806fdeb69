"""Images that a table names or holds: decoded once, in order, and every refusal names its rows."""

from __future__ import annotations

import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from evenhand.data.files.columns import read
from evenhand.data.files.data_root import use_data_root
from evenhand.data.files.own_images import Background, ImageRule, Intensity, read_images
from evenhand.declared.registry import REGISTRY
from evenhand.errors import DataError
from tests.data.files.pictures import encoded, png
from tests.data.groups import write_rows
from tests.data.samples import has_facts


def square(level, side=8):
    return np.full((side, side, 3), level, dtype=np.uint8)


def listed(folder, files):
    """A table of files with these contents, one in each row."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else encoded(content))
    write_rows(folder / "t.csv", [["file", "label"], *([name, "a"] for name in files)])
    return read(folder / "t.csv")


def examples(columns, order=None, **settings):
    order = np.arange(len(columns)) if order is None else np.array(order)
    return read_images(columns, next(iter(columns.values)), ImageRule(**settings), order)


def refusal(columns, **settings):
    with pytest.raises(DataError) as raised:
        examples(columns, **settings)
    return str(raised.value)


def test_pixels_have_the_order_that_is_wanted(tmp_path):
    table = listed(tmp_path, {f"{i}.png": square(i) for i in range(150)})
    order = np.random.default_rng(0).permutation(150)
    found = examples(table, order)
    np.testing.assert_array_equal(found.pixels[:, 0, 0, 0], order)
    assert found.notes == ("150 images of 8 × 8 are used as they are",)


def test_what_was_done_is_counted(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3
    alpha = np.zeros((8, 8, 4), dtype=np.uint8)
    deep = np.full((8, 8), 4000, dtype=np.uint16)
    deep[0, 0] = 5000
    table = listed(
        tmp_path,
        {
            "a.jpg": encoded(square(9), "JPEG", exif=exif),
            "b.png": alpha,
            "c.png": deep,
            "d.png": np.zeros((6, 8, 3), dtype=np.uint8),
        },
    )
    assert examples(table, size=4, background="black").notes == (
        "4 images from 6 × 8 to 8 × 8 were resized to 4 × 4",
        "1 of 4 images are not square, and their proportions were not kept",
        "1 of 4 images were composited on black",
        "1 of 4 images were scaled from 16 bits to 8 bits",
        "1 of 4 images were turned by their EXIF tag",
        "their grey values are from 4,000 to 5,000 of 65,535, which makes 4 of 256 levels; "
        "`intensity: [low, high]` stretches a range of them to all",
    )


def test_images_of_one_size_need_no_size_and_others_are_refused_with_theirs(tmp_path):
    same = listed(tmp_path / "a", {"1.png": square(1), "2.png": square(2)})
    assert examples(same).pixels.shape == (2, 8, 8, 3)
    assert examples(same, size=5).pixels.shape == (2, 5, 5, 3)
    others = listed(tmp_path / "b", {"1.png": square(1), "2.png": square(2, 9), "3.png": square(3)})
    assert has_facts(refusal(others), "from 8 × 8 … 1.png) to 9 × 9 … 2.png) … `size: 64`")
    wide = listed(tmp_path / "c", {"1.png": np.zeros((6, 9, 3), dtype=np.uint8)})
    assert has_facts(refusal(wide), "square images … 6 × 9 … `size: 6` … proportions")


def test_the_one_size_is_that_of_upright_pictures(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    tall, wide = np.zeros((9, 6, 3), dtype=np.uint8), np.zeros((6, 9, 3), dtype=np.uint8)
    files = {
        "1.png": tall,
        "2.png": encoded(wide, exif=exif),
        "3.tif": encoded(wide, "TIFF", exif=exif),
    }
    assert "these are 9 × 6" in refusal(listed(tmp_path, files))


def test_every_refused_row_is_counted_and_the_first_are_told(tmp_path):
    frames = [Image.fromarray(square(n)) for n in range(2)]
    files = {f"{i}.png": b"torn" for i in range(7)}
    files |= {"8.gif": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])}
    files |= {"9.png": square(1)}
    table = listed(tmp_path, files)
    for settings in ({}, {"size": 4}):
        text = refusal(table, **settings)
        assert has_facts(text, "t.csv: 8 of 9 rows … rows 2, 3, 4, 5, 6 and 3 more\n … 0.png: is")
        assert len(text.splitlines()) == 6


def test_a_picture_of_many_pixels_is_refused_without_a_warning(tmp_path):
    table = listed(tmp_path, {"a.png": png(b"", (14000, 13000), 8, 0), "b.png": square(1)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for settings in ({}, {"size": 4}):
            assert has_facts(refusal(table, **settings), "row 2\n … a.png: has 182,000,000 pixels")


def test_a_range_that_no_image_needs_is_refused(tmp_path):
    table = listed(tmp_path, {"a.png": square(1)})
    assert "none of 1 images has more" in refusal(table, intensity="file")


def parquet(folder, cells):
    pq.write_table(pa.table({"image": cells}), folder / "t.parquet")
    return read(folder / "t.parquet")


@pytest.mark.parametrize("form", ["bytes", "structs", "structs of paths", "large bytes"])
def test_cells_are_bytes_or_structs_of_bytes_and_path(tmp_path, form):
    levels = [10, 20, 30]
    files = [encoded(square(level)) for level in levels]
    cells = {
        "bytes": files,
        "large bytes": pa.array(files, pa.large_binary()),
        "structs": [{"bytes": file, "path": "x.png"} for file in files],
        "structs of paths": [{"bytes": None, "path": f"{level}.png"} for level in levels],
    }[form]
    for level, file in zip(levels, files, strict=True):
        (tmp_path / f"{level}.png").write_bytes(file)
    found = examples(parquet(tmp_path, cells))
    assert found.pixels[:, 3, 3, 0].tolist() == levels


def test_rows_without_an_image_are_refused(tmp_path):
    file = encoded(square(1))
    structs = [{"bytes": file, "path": None}, None, {"bytes": None, "path": None}]
    for cells in (structs, [file, None, b""]):
        text = refusal(parquet(tmp_path, cells))
        assert has_facts(text, "2 of 3 rows have no image in 'image': rows 1, 2")


def test_bytes_that_are_no_image_are_named_by_their_row(tmp_path):
    table = parquet(tmp_path, [encoded(square(1)), b"torn", encoded(square(1, 9))])
    assert has_facts(refusal(table, size=4), "1 of 3 rows … row 1\n … row 1: is damaged")
    table = parquet(tmp_path, [encoded(square(1)), encoded(square(1, 9))])
    assert has_facts(refusal(table), "8 × 8 (row 0) … 9 × 9 (row 1)")


def test_a_path_in_a_struct_that_is_not_there_is_refused(tmp_path):
    cells = [{"bytes": encoded(square(1)), "path": "a"}, {"bytes": None, "path": "gone.png"}]
    assert has_facts(refusal(parquet(tmp_path, cells)), "not there: row 1\n … gone.png")


@pytest.mark.parametrize("value", [[5, 5], [5, 1], "mode", [1], 3])
def test_a_range_is_two_rising_values_or_that_of_the_file(value):
    with pytest.raises(ValidationError, match=r"write \[low, high\], .*lower one first, or file"):
        TypeAdapter(Intensity).validate_python(value)


@pytest.mark.parametrize("value", ["red", [0, 0, 256], [0, 0], 255])
def test_a_background_is_a_colour(value):
    with pytest.raises(ValidationError, match=r"write white, black, or \[red, green, blue\]"):
        TypeAdapter(Background).validate_python(value)


@pytest.mark.parametrize("cells", [[1, 2], [1.5, None], [[0, 1], [2, 3]], [[0], [1, 2]]])
def test_numbers_are_no_images(tmp_path, cells):
    assert has_facts(refusal(parquet(tmp_path, cells)), "paths, bytes … has numbers … PNG")


@pytest.mark.parametrize(
    "settings",
    [
        {"intensity": [0, 4095]},
        {"intensity": [0.5, 1.5]},
        {"intensity": "file"},
        {"background": [0, 128, 255]},
        {"background": "black"},
    ],
)
@pytest.mark.parametrize("name", ["table", "image_folder"])
def test_settings_are_read_from_the_lists_of_a_suite(name, settings):
    needed = {"table": {"path": "a.csv", "label": "y", "image": "f"}, "image_folder": {"path": "a"}}
    part = REGISTRY.part("dataset", name, {**needed[name], **settings})
    assert {key: part.settings[key] for key in settings} == settings


def test_lists_of_a_suite_reach_the_pixels(tmp_path):
    listed(tmp_path, {f"{i}.png": np.full((8, 8), 1000 * i, dtype=np.uint16) for i in range(8)})
    lines = [["file", "y", "split"]]
    lines += [[f"{i}.png", "ab"[i % 2], "train" if i < 4 else "test"] for i in range(8)]
    write_rows(tmp_path / "t.csv", lines)
    given = {"path": "t.csv", "label": "y", "image": "file", "intensity": [0, 10000]}
    with use_data_root(tmp_path):
        source = REGISTRY.make("dataset", REGISTRY.part("dataset", "table", given))
    np.testing.assert_array_equal(source.train.pixels[:, 0, 0, 0], [0, 26, 51, 76])
