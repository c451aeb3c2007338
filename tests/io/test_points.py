"""Points from the files of other programs: each format's own origin of pixels, and what is refused."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image
from roifile import ROI_TYPE, ImagejRoi

from twincell.errors import UserError
from twincell.io.points import match_images, read_points, write_points


def places(path: Path) -> list[tuple[float, float]]:
    return [(round(x, 3), round(y, 3)) for x, y in read_points(path)[["x", "y"]].to_numpy()]


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


VOC = """<annotation><filename>cell-001.png</filename><object><name>living</name><bndbox>
<xmin>3</xmin><ymin>5</ymin><xmax>6</xmax><ymax>10</ymax></bndbox></object></annotation>"""


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"image": ["a.png", "b.png"], "x": [0.5, 3.25], "y": [1, 2.125], "label": ["dead", ""]}
    )
    again = read_points(write_points(tmp_path, table))
    pd.testing.assert_frame_equal(again[["image", "x", "y", "label"]], table.astype({"y": float}))
    assert (tmp_path / "points.csv").read_text().startswith("image,x,y,label\n")
    assert again["page"].tolist() == [0, 0]


def test_boxes_become_their_middles(tmp_path: Path) -> None:
    found = read_points(written(tmp_path / "cell-001.xml", VOC))
    # pixels 3 to 6 counted from 1 span 2 to 6 from the corner of the first
    assert found[["image", "x", "y", "label"]].to_numpy().tolist() == [["cell-001.png", 4.0, 7.0, "living"]]
    boxes = written(
        tmp_path / "b.csv", "image,label,xmin,ymin,xmax,ymax\ni/a.png,Living Cell,168,84,184,101\n"
    )
    assert read_points(boxes).iloc[0].tolist() == ["i/a.png", 0, 176.0, 92.5, "Living Cell"]


def test_napari_counts_from_the_first_pixels_centre(tmp_path: Path) -> None:
    assert places(written(tmp_path / "a.csv", "index,axis-0,axis-1\n0,0,3\n1,7.5,1\n")) == [
        (3.5, 0.5),
        (1.5, 8.0),
    ]
    stack = read_points(written(tmp_path / "s.csv", "index,axis-0,axis-1,axis-2\n0,4,0,3\n"))
    assert stack.iloc[0].tolist() == ["s", 4, 3.5, 0.5, ""]


def test_labelme_shapes_by_their_centres(tmp_path: Path) -> None:
    shapes = [
        {"label": "a", "shape_type": "point", "points": [[1, 2]]},
        {"label": "b", "shape_type": "circle", "points": [[5, 6], [9, 6]]},
        {"label": "c", "shape_type": "rectangle", "points": [[10, 20], [0, 0]]},
        {"label": "d", "shape_type": "polygon", "points": [[0, 0], [6, 0], [0, 6]]},
    ]
    path = written(tmp_path / "x.json", json.dumps({"imagePath": "..\\images\\x.tif", "shapes": shapes}))
    assert places(path) == [(1, 2), (5, 6), (5, 10), (2, 2)]
    assert set(read_points(path)["image"]) == {"x.tif"}


def test_imagej_regions_alone_and_in_a_zip(tmp_path: Path) -> None:
    marks = ImagejRoi.frompoints([[3, 4], [10, 0]])
    marks.roitype = ROI_TYPE.POINT
    oval = ImagejRoi(roitype=ROI_TYPE.OVAL, left=10, top=20, right=16, bottom=30, position=3)
    area = ImagejRoi.frompoints([[0, 0], [6, 0], [0, 6]])
    area.roitype = ROI_TYPE.POLYGON
    with zipfile.ZipFile(tmp_path / "frame7_rois.zip", "w") as archive:
        for k, roi in enumerate((marks, oval, area)):
            archive.writestr(f"{k}.roi", roi.tobytes())
    found = read_points(tmp_path / "frame7_rois.zip")
    exact = 0.0 if marks.subpixelresolution else 0.5
    expected = [(3 + exact, 4 + exact), (10 + exact, exact), (13, 25), (2, 2)]
    assert [tuple(p) for p in found[["x", "y"]].to_numpy()] == expected
    assert found["page"].tolist() == [0, 0, 2, 0]
    assert set(found["image"]) == {"frame7"}


def test_label_images_by_centres_of_mass(tmp_path: Path) -> None:
    labels = np.zeros((20, 30), np.uint16)
    labels[2:4, 4:8], labels[10:13, 20:21] = 1, 7
    tifffile.imwrite(tmp_path / "a_cp_masks.tif", labels)
    Image.fromarray(labels.astype(np.uint8)).save(tmp_path / "b_mask.png")
    np.save(tmp_path / "c.npy", labels)
    for name in ("a_cp_masks.tif", "b_mask.png", "c.npy"):
        assert places(tmp_path / name) == [(6.0, 3.0), (20.5, 11.5)]
    assert set(read_points(tmp_path)["image"]) == {"a", "b", "c"}
    np.save(tmp_path / "none.npy", np.zeros((4, 4), int))
    assert read_points(tmp_path / "none.npy").empty


def binary(path: Path) -> Path:
    Image.fromarray((np.arange(64).reshape(8, 8) % 2 * 255).astype(np.uint8)).save(path)
    return path


def pickled(path: Path) -> Path:
    np.save(path, np.array({"masks": np.eye(3)}, dtype=object), allow_pickle=True)
    return path


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda f: pickled(f / "a_seg.npy"), "pickle, which could run any program"),
        (lambda f: binary(f / "a.png"), "cell or no cell only"),
        (lambda f: written(f / "a.xml", "<!DOCTYPE x [<!ENTITY a 'b'>]><annotation/>"), "XML entities"),
        (lambda f: written(f / "a.xml", "<annotation><object/></annotation>"), "no whole <bndbox>"),
        (lambda f: written(f / "a.csv", "image,x\na,1\n"), "its columns are image, x"),
        (lambda f: written(f / "a.csv", "image,x,y\na,1,nan\n"), "line 2: x 1, y nan"),
        (lambda f: written(f / "a.csv", "image,x,y\na,1\n"), "line 2 has 2 cells of 3"),
        (lambda f: written(f / "a.json", "{}"), "no list of shapes"),
        (lambda f: written(f / "a.zip", "no zip"), "cannot be read as points"),
        (lambda f: written(f / "a.roi", "no region"), "cannot be read as points"),
        (lambda f: written(f / "a.txt", ""), "is no file of points"),
        (lambda f: f / "gone.csv", "is missing"),
    ],
)
def test_what_is_no_file_of_points_is_refused_by_name(tmp_path: Path, make: object, said: str) -> None:
    with pytest.raises(UserError) as caught:
        read_points(make(tmp_path))  # type: ignore[operator]
    assert said in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_images_are_found_by_path_name_and_stem_and_never_guessed() -> None:
    points = pd.DataFrame({"image": ["i/a.png", "b.png", "c"], "x": 1.0, "y": 1.0})
    known = ["i/a.png", "j/a.png", "i/b.png", "j/c.tif"]
    assert match_images(points, known)["image"].tolist() == ["i/a.png", "i/b.png", "j/c.tif"]
    with pytest.raises(UserError, match="2 images"):
        match_images(points.assign(image="a"), known)
    with pytest.raises(UserError, match="no images"):
        match_images(points.assign(image="z.png"), known)
