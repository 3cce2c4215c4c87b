import h5py
import numpy as np
import pytest
import torch

from evocircuits.errors import InputError
from evocircuits.nn import load_data, read_spike_file

TIMES = [[0.0, 0.5, 1.0], [], [0.25, 0.26]]
UNITS = [[2, 0, 1], [], [1, 1]]


def write(path, times=TIMES, units=UNITS, labels=(1, 0, 1)):
    """As the Heidelberg data sets are laid out: half-precision seconds, lists of unequal length."""
    with h5py.File(path, "w") as file:
        for name, values, kind in (("times", times, np.float16), ("units", units, np.uint16)):
            member = file.create_dataset(f"spikes/{name}", (len(values),), h5py.vlen_dtype(kind))
            for k, one in enumerate(values):
                member[k] = np.array(one, kind)
        file["labels"] = np.array(labels, np.uint8)
    return path


def test_spikes_fall_on_a_grid_of_the_longest_sample(tmp_path):
    trains, labels = read_spike_file(write(tmp_path / "a.h5"), steps=4)
    assert labels.tolist() == [1, 0, 1]
    spikes = trains[torch.tensor([2, 0, 1, 0])]
    assert spikes.shape == (4, 4, 3)
    first = [[0, 2], [2, 0], [3, 1]]  # at 0, ½ and 1 of a second: steps 0, 2 and, the last moment, 3
    assert spikes[:, 1].nonzero().tolist() == spikes[:, 3].nonzero().tolist() == first
    assert spikes[:, 0].nonzero().tolist() == [[1, 1]]  # two spikes of a unit in a step are one
    assert not spikes[:, 2].any()
    assert torch.equal(trains[:2], trains[torch.tensor([0, 1])])
    assert spikes.permute(2, 0, 1).is_contiguous()


def test_a_part_is_made_of_the_samples_asked_for(tmp_path):
    trains, _ = read_spike_file(write(tmp_path / "a.h5"), steps=4)
    part = trains.part(torch.tensor([2, 1, 0, 2]))
    assert len(part) == 4
    assert torch.equal(part[:], trains[torch.tensor([2, 1, 0, 2])])
    assert torch.equal(part[torch.tensor([3])], trains[torch.tensor([2])])


def test_a_file_is_data_to_train_on(tmp_path):
    rng = np.random.default_rng(0)
    units = [rng.integers(0, 5, 7) for _ in range(40)]
    times = [np.sort(rng.random(7)) for _ in range(40)]
    data = load_data(str(write(tmp_path / "many.h5", times, units, np.arange(40) % 2)))
    assert (data.n_classes, len(data.train.inputs), len(data.test.classes)) == (2, 28, 8)
    assert data.validation.inputs[:].shape == (100, 4, 5)
    assert data.test.classes.bincount().tolist() == [4, 4]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": (1, 0)}, "a whole label for each sample"),
        ({"units": [[2, 0], [], [1, 1]]}, "expected a unit for each spike"),
        ({"times": [[-0.5, 0.5, 1.0], [], [0.25, 0.26]]}, "expected spikes at times ≥ 0"),
        ({"times": [[], [], []], "units": [[], [], []]}, "got others or none"),
    ],
)
def test_trains_that_do_not_fit_are_refused(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        read_spike_file(write(tmp_path / "bad.h5", **changes))


def test_what_lies_in_other_files_is_not_read(tmp_path):
    write(tmp_path / "other.h5")
    with h5py.File(tmp_path / "linked.h5", "w") as file:
        file["spikes"] = h5py.ExternalLink("other.h5", "/spikes")
        file["labels"] = np.zeros(3, int)
    with pytest.raises(InputError, match="in the file itself; got another spikes"):
        read_spike_file(tmp_path / "linked.h5")
    (tmp_path / "secret").write_bytes(bytes(24))
    with h5py.File(tmp_path / "outside.h5", "w") as file:
        file.create_group("spikes")
        for name in ("times", "units"):
            file["spikes"].create_dataset(name, (3,), "f8", external=[(str(tmp_path / "secret"), 0, 24)])
        file["labels"] = np.zeros(3, int)
    with pytest.raises(InputError, match="got another spikes/times"):
        read_spike_file(tmp_path / "outside.h5")


def test_files_that_are_none_are_refused(tmp_path):
    (tmp_path / "text.h5").write_text("no spikes")
    with pytest.raises(InputError, match="expected an HDF5 file of spikes"):
        read_spike_file(tmp_path / "text.h5")
    with pytest.raises(InputError, match="expected an HDF5 file of spikes"):
        read_spike_file(tmp_path / "none.h5")
