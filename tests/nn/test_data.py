import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.datasets import load_digits as sklearn_digits

from evocircuits.errors import InputError
from evocircuits.nn import load_data
from evocircuits.nn.data import FIELDS, jittered


def parts(data):
    return data.train, data.validation, data.test


def test_digits_are_split_alike_disjoint_and_stratified():
    data, again = load_data("digits"), load_data("digits")
    assert [len(classes) for _, classes in parts(data)] == [1257, 180, 360]
    for images, classes in parts(data):
        assert (images.min(), images.max()) == (0, 1)
        shares = classes.bincount().double() / len(classes)
        assert shares.min() > 0.09
        assert shares.max() < 0.11
    for one, two in zip(parts(data), parts(again), strict=True):
        assert all(map(torch.equal, one, two))
    assert len(torch.cat([images for images, _ in parts(data)]).unique(dim=0)) == 1797
    assert (data.name, data.n_classes, data.rows) == ("digits", 10, 1)


def test_digits_in_rows_are_the_same_images():
    rows = load_data("digit-rows")
    assert rows.rows == 8
    assert torch.equal(rows.test.inputs, load_data("digits").test.inputs)
    image, digit = rows.test.inputs[3] * 16, int(rows.test.classes[3])
    images, classes = sklearn_digits(return_X_y=True)
    assert any(np.array_equal(image, images[k]) for k in np.flatnonzero(classes == digit))


def test_training_varies_lit_pixels_alone():
    """Half grey comes out with mean .45 (a tenth of it dark) and, where lit, a deviation of .1."""
    images = torch.tensor([0.0, 0.5]).repeat_interleave(32).expand(400, 64)
    seen = jittered(images, torch.Generator().manual_seed(0), jitter=0.1, dark=0.1)
    assert not seen[:, :32].any()
    lit = seen[:, 32:][seen[:, 32:] > 0]
    assert len(lit) / (400 * 32) == pytest.approx(0.9, abs=0.01)
    assert (lit.mean().item(), lit.std().item()) == pytest.approx((0.5, 0.1), rel=0.02)
    bright = jittered(torch.ones(50, 64), torch.Generator().manual_seed(0), jitter=0.1, dark=0.1)
    assert (bright.min(), bright.max()) == (0, 1)


def test_measures_are_scaled_by_training_and_heard_by_fields():
    data = load_data("wdbc")
    assert data.n_classes == 2
    assert data.train.inputs.shape[1] == 30 * FIELDS
    assert len(load_breast_cancer().target) == sum(len(classes) for _, classes in parts(data))
    nearest = data.train.inputs.unflatten(1, (30, FIELDS))
    assert bool((nearest[:, :, 0].amax(0) == 1).all() and (nearest[:, :, -1].amax(0) == 1).all())


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 3)).round(3), np.array(["left", "right", "up"])[np.arange(60) % 3]


def write_csv(path, values, classes, header=""):
    lines = [",".join([*map(str, row), name]) for row, name in zip(values.tolist(), classes, strict=True)]
    path.write_text(header + "\n".join(lines) + "\n")


def test_files_of_either_kind_hold_the_same_data(tmp_path, table):
    values, classes = table
    write_csv(tmp_path / "plain.csv", values, classes)
    write_csv(tmp_path / "named.csv", values, classes, header="a,b,c,kind\n")
    np.savez(tmp_path / "arrays.npz", x=values.reshape(60, 3, 1), y=classes)
    first, *others = (
        load_data(spec)
        for spec in (f"csv:{tmp_path}/plain.csv", f"{tmp_path}/named.csv", f"npz:{tmp_path}/arrays.npz")
    )
    assert [len(classes) for _, classes in parts(first)] == [42, 6, 12]
    assert first.test.classes.bincount().tolist() == [4, 4, 4]
    for other in others:
        assert all(
            torch.equal(a, b)
            for p, q in zip(parts(first), parts(other), strict=True)
            for a, b in zip(p, q, strict=True)
        )


def test_a_name_tells_the_content_of_a_file(tmp_path, table):
    values, classes = table
    names = []
    for shift in (0.0, 0.0, 1.0):
        write_csv(tmp_path / "my data.csv", values + shift, classes)
        names.append(load_data(f"{tmp_path}/my data.csv").name)
    assert names[0] == names[1] != names[2]
    assert all(name.startswith("my_data-") for name in names)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1,2,a\n1,b\n", "expected lines of as many numbers and a class each"),
        ("1,x,a\n1,y,b\n1,z,a\n", "expected lines of as many numbers and a class each"),
        ("1\n2\n", "expected lines of as many numbers and a class each"),
        ("", "expected lines of as many numbers and a class each"),
        ("1,a\n" * 10 + "nan,b\n" * 10, "expected finite numbers"),
        ("1,a\n" * 10 + "2,b\n" * 9, "at least 10 samples each"),
    ],
)
def test_tables_that_are_none_are_refused(tmp_path, content, message):
    (tmp_path / "bad.csv").write_text(content)
    with pytest.raises(InputError, match=message):
        load_data(f"csv:{tmp_path}/bad.csv")


@pytest.mark.parametrize(
    "arrays",
    [{"x": np.zeros((9, 2))}, {"x": np.zeros(9), "y": np.zeros(9)}, {"x": np.array([{}]), "y": np.zeros(1)}],
)
def test_arrays_that_are_no_data_are_refused(tmp_path, arrays):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(InputError, match=r"bad\.npz: expected (arrays|numbers) x"):
        load_data(f"npz:{tmp_path}/bad.npz")


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"expected one of digits, digit-rows, wdbc, csv:FILE, .*; got 'mnist'"
    ):
        load_data("mnist")
    with pytest.raises(InputError, match="expected a file that can be read; No such file"):
        load_data(f"csv:{tmp_path}/none.csv")
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(InputError, match="expected arrays x and y"):
        load_data(f"{tmp_path}/text.npz")
