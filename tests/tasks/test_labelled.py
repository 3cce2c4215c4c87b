"""Labelled spikes as a task: what a file may hold, and which samples are met where."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evocircuits.development import develop
from evocircuits.errors import InputError
from evocircuits.genome import Genome, Pattern, PopulationGene, ProjectionGene, innovation
from evocircuits.measure import evaluate, score_circuit
from evocircuits.search.variation import Space, found
from evocircuits.tasks import get_task, reference_of
from evocircuits.tasks.labelled import LabelledSpikes
from evocircuits.tasks.samples import PARTS, Samples, read_samples

PARTED = [0, 0, 0, 1, 1, 2, 2] * 2
"""The parts of 14 samples, the first seven of class 0 and the others of class 1."""


def arrays(label, split=None, **others) -> dict:
    """One spike a sample, on the channel of its class and at the time that its number tells, s + .5 ms."""
    label = np.asarray(label)
    number = np.arange(len(label))
    own = {"time_ms": number + 0.5, "channel": label, "sample": number, "label": label}
    return own | ({} if split is None else {"split": np.asarray(split)}) | others


@pytest.fixture
def written(tmp_path):
    """Writes a file of those arrays and returns its specification."""

    def write(arrays: dict, name: str = "clicks.npz") -> str:
        np.savez(tmp_path / name, **arrays)
        return f"data:{tmp_path / name}"

    return write


def samples_of(values: dict) -> Samples:
    file = BytesIO()
    np.savez(file, **values)
    return read_samples(Path("clicks.npz"), file.getvalue())


def task_of(written, *label_and_split, **others) -> LabelledSpikes:
    return get_task(written(arrays(*label_and_split, **others)))


def drawn(task, n, seed=0) -> np.ndarray:
    """Which samples were drawn, told by their times, int[trials]."""
    trials = task.trials(np.random.default_rng(seed), n)
    spikes = trials.stimulus.spikes["input"]
    return (spikes.time_ms[np.argsort(spikes.trial, kind="stable")] - 0.5).astype(int)


def relay(task) -> Genome:
    """Each channel fires the output of the same number."""
    cells = PopulationGene(
        innovation("relay"), True, task.outputs[0].size, 10.0, 15.0, 2.0, 2.0, 5.0, port="class"
    )
    wire = ProjectionGene(innovation("wire"), task.inputs[0].id, cells.id, Pattern("one_to_one"), 3.0, 1.0)
    return Genome(task.inputs, task.outputs, (cells,), (wire,))


def refused(spec: str) -> str:
    with pytest.raises(InputError) as caught:
        get_task(spec)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestATaskFromAFile:
    def test_takes_its_name_ports_and_step_from_the_file(self, written):
        task = get_task(written(arrays([0, 1] * 5, dt_ms=0.5, n_channels=6, duration_ms=80), "my clicks.npz"))
        assert task.name == "my_clicks"
        assert [(p.name, p.size) for p in (*task.inputs, *task.outputs)] == [("input", 6), ("class", 2)]
        assert (task.dt_ms, task.chance, task.ceiling) == (0.5, 0.5, 1.0)
        assert task.trials(np.random.default_rng(0), 3).stimulus.duration_ms == 80
        assert reference_of(task) is None

    def test_has_defaults_for_what_the_file_leaves_out(self, written):
        task = task_of(written, [0, 1] * 5)
        assert task.dt_ms == 0.1
        assert task.inputs[0].size == 2
        assert task.trials(np.random.default_rng(0), 3).stimulus.duration_ms == pytest.approx(9.5 + 25)
        ragged = task_of(written, [0, 1] * 5, time_ms=np.linspace(0, 7.42, 10))
        assert ragged.trials(np.random.default_rng(0), 3).stimulus.duration_ms == pytest.approx(7.5 + 25)

    def test_scales_its_ranges_with_the_step(self, written):
        coarse, fine = (task_of(written, [0, 1] * 5, dt_ms=dt_ms).ranges for dt_ms in (1.0, 0.1))
        assert fine.delay_ms == (0.1, 25.0)
        assert coarse.delay_ms == (1.0, 250.0)
        assert coarse.typical["tau_m_ms"] == 10 * fine.typical["tau_m_ms"]
        assert coarse.plasticity == ()

    def test_stays_the_same_object_until_its_file_is_changed(self, written):
        spec = written(arrays([0, 1] * 5))
        task = get_task(spec)
        assert get_task(spec) is task
        written(arrays([0, 1] * 6))
        assert get_task(spec) is not task

    def test_brings_each_sample_whole_and_with_its_own_label(self, written):
        label = np.array([0, 1, 2] * 4)
        sample = np.array([5, 0, 7, 5, 11, 7, 7])
        others = {"time_ms": [1.0, 2, 3, 4, 5, 6, 7], "channel": [0, 1, 2, 3, 0, 1, 2], "sample": sample}
        task = get_task(written({"label": label, "split": [0] * 3 + [1] * 3 + [2] * 6} | others))
        held_out = task.of_part("held-out").trials(np.random.default_rng(0), 6)
        spikes = held_out.stimulus.spikes["input"]
        seventh = np.flatnonzero(np.bincount(spikes.trial, minlength=6) == 3)
        assert held_out.answer[seventh] == [label[7]]
        assert spikes.time_ms[spikes.trial == seventh].tolist() == [3.0, 6.0, 7.0]
        assert spikes.channel[spikes.trial == seventh].tolist() == [2, 1, 2]
        assert sorted(spikes.time_ms) == [3.0, 5.0, 6.0, 7.0]

    def test_lets_founders_be_evaluated(self, written):
        task = task_of(written, [0, 1, 2] * 5)
        for seed in range(3):
            genome = found(np.random.default_rng(seed), Space(task, 20, 60))
            assert evaluate(genome, task, (seed,), 12).valid

    def test_credits_the_output_of_the_right_class(self, written):
        task = task_of(written, [0, 1, 2] * 5)
        assert evaluate(relay(task), task, (1,), 12).raw == 1.0
        silent = relay(task).with_genes(projections=())
        assert evaluate(silent, task, (1,), 12).raw == pytest.approx(1 / 3)

    def test_reports_a_score_on_the_held_out_samples(self, written):
        task = task_of(written, [0] * 7 + [1] * 7, PARTED).of_part("held-out")
        score = score_circuit(develop(relay(task), dt_ms=task.dt_ms), task, seed=1, n_trials=task.held_out)
        assert (score.task, score.raw, score.trials) == ("clicks", 1.0, 4)


class TestTheParts:
    def test_are_those_that_the_file_names(self, written):
        task = task_of(written, [0] * 7 + [1] * 7, PARTED)
        met = {part: set(drawn(task.of_part(part), 4).tolist()) for part in PARTS}
        assert met["training"] <= {0, 1, 2, 7, 8, 9}
        assert met["validation"] == {3, 4, 10, 11}
        assert met["held-out"] == {5, 6, 12, 13}

    def test_start_with_training_and_stay_the_same_objects(self, written):
        task = task_of(written, [0, 1] * 5)
        assert task.of_part("training") is task
        held_out = task.of_part("held-out")
        assert task.of_part("held-out") is held_out
        assert held_out.of_part("training") is task
        assert set(drawn(task, 50)) & set(drawn(held_out, 2)) == set()

    def test_take_60_20_and_20_percent_of_each_class_whatever_its_place_in_the_file(self):
        label = np.repeat([0, 1, 2], [50, 20, 10])
        samples = samples_of(arrays(label))
        sizes = {part: [len(samples.of_class(k, part)) for k in range(3)] for part in PARTS}
        assert sizes == {"training": [30, 12, 6], "validation": [10, 4, 2], "held-out": [10, 4, 2]}
        assert not np.array_equal(samples.of_class(0, "training"), np.arange(30))

    @given(st.lists(st.integers(3, 40), min_size=2, max_size=5), st.integers(0, 1000))
    def test_never_share_a_sample_and_leave_none_out(self, sizes, seed):
        label = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
        samples = samples_of(arrays(label))
        for k, size in enumerate(sizes):
            parts = [samples.of_class(k, part).tolist() for part in PARTS]
            assert all(parts)
            members = [sample for part in parts for sample in part]
            assert sorted(members) == np.flatnonzero(label == k).tolist()
            assert len(members) == size


class TestSamples:
    def test_are_drawn_evenly_over_the_classes(self, written):
        task = task_of(written, [0] * 40 + [1] * 5)
        answer = task.trials(np.random.default_rng(0), 31).answer
        assert sorted(np.bincount(answer)) == [15, 16]

    def test_come_again_only_when_all_of_their_class_came(self, written):
        task = task_of(written, [0] * 10 + [1] * 10)
        assert len(set(drawn(task, 12).tolist())) == 12
        assert sorted(np.bincount(drawn(task, 24), minlength=20)) == [0] * 8 + [2] * 12

    def test_differ_between_generators_and_not_between_equal_ones(self, written):
        task = task_of(written, [0] * 10 + [1] * 10)
        assert np.array_equal(drawn(task, 8, seed=1), drawn(task, 8, seed=1))
        assert not np.array_equal(drawn(task, 8, seed=1), drawn(task, 8, seed=2))

    def test_held_out_come_once_and_no_more_can_be_asked_for(self, written):
        task = task_of(written, [0] * 50 + [1] * 10).of_part("held-out")
        assert task.held_out == task.stock == 4  # two of the smaller class
        assert len(set(drawn(task, 4).tolist())) == 4
        with pytest.raises(
            InputError, match=r"^task clicks: trials: expected at most 4, the samples held out"
        ):
            task.trials(np.random.default_rng(0), 5)

    def test_are_told_by_counts_alone_where_counts_tell(self, written):
        label = np.array([0, 1] * 20)
        assert task_of(written, label).counts_alone() == 1.0
        assert task_of(written, label, channel=np.zeros(40, int)).counts_alone() == 0.5


class TestAFileThatIsWrong:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"label": None}, "expected time_ms, channel, sample, label, and perhaps duration_ms, dt_ms, n_channels"),
            ({"labels": [1]}, "n_channels, split; 'labels' is unknown"),
            ({"time_ms": [[1.0]]}, "time_ms: expected float[spikes]; got shape (1, 1)"),
            ({"time_ms": ["now"]}, "time_ms: expected float[spikes]; got"),
            ({"time_ms": np.full(10, -1.0)}, "time_ms: expected finite numbers ≥ 0; got -1.0"),
            ({"time_ms": [1.0]}, "expected time_ms, channel and sample of one length, > 0; got [1, 10, 10]"),
            ({"time_ms": [], "channel": [], "sample": []}, "of one length, > 0; got [0, 0, 0]"),
            ({"channel": np.full(10, 0.5)}, "channel: expected whole numbers; got"),
            ({"channel": np.arange(10) - 1}, "channel: expected indices 0…8; got -1…8"),
            ({"n_channels": 1}, "channel: expected indices 0…0; got 0…1"),
            ({"n_channels": 0}, "n_channels: expected a whole number ≥ 1; got 0"),
            ({"sample": np.arange(10) + 1}, "sample: expected indices 0…9; got 1…10"),
            ({"label": np.array([0, 2] * 5)}, "label: expected classes 0…K−1, all of them, K ≥ 2; got 0, 2"),
            ({"label": np.array([1, 2] * 5)}, "label: expected classes 0…K−1, all of them, K ≥ 2; got 1, 2"),
            ({"label": np.zeros(10, int)}, "label: expected classes 0…K−1, all of them, K ≥ 2; got 0"),
            ({"label": np.array([0, 0.5] * 5)}, "label: expected whole numbers; got"),
            ({"label": np.array([], int)}, "label: expected classes 0…K−1, all of them, K ≥ 2; got none"),
            ({"duration_ms": 5.0}, "time_ms: expected times < duration_ms = 5; got 9.5"),
            ({"duration_ms": np.nan}, "duration_ms: expected a finite number > 0; got nan"),
            ({"duration_ms": 20.05}, "duration_ms: expected whole steps of dt_ms = 0.1; got 200.5 of them"),
            ({"dt_ms": 0.0}, "dt_ms: expected a finite number > 0; got 0.0"),
            ({"split": [0, 1, 2]}, "split: expected 0, 1 or 2 for each of 10 samples; got 3 values 0…2"),
            ({"split": np.arange(10)}, "split: expected 0, 1 or 2 for each of 10 samples; got 10 values 0…9"),
            ({"split": [0, 0, 1, 1, 2, 2, 0, 0, 0, 1]}, None),
            ({"split": [0, 0, 1, 1, 2, 0, 0, 0, 0, 1]}, "class 1 has 5 in all, none of them held-out"),
            ({"label": np.array([0] * 8 + [1] * 2)}, "class 1 has 2 in all, none of them held-out"),
        ],
    )  # fmt: skip
    def test_is_refused_in_one_line(self, written, change, message):
        changed = {name: a for name, a in (arrays([0, 1] * 5) | change).items() if a is not None}
        spec = written(changed)
        if message is None:
            assert get_task(spec).held_out == 2
        else:
            told = refused(spec)
            assert told.startswith(spec.removeprefix("data:"))
            assert message in told

    def test_is_refused_when_it_is_no_file_of_arrays(self, written, tmp_path):
        path = tmp_path / "clicks.npz"
        expected = f"{path}: expected a file of number arrays that numpy.savez wrote; got another"
        for content in (b"", b"not a zip at all", b"PK\x03\x04broken"):
            path.write_bytes(content)
            assert refused(f"data:{path}") == expected
        np.save(path.with_suffix(".npy"), np.arange(3))
        path.write_bytes(path.with_suffix(".npy").read_bytes())
        assert refused(f"data:{path}") == expected
        written(arrays([0, 1] * 5) | {"time_ms": np.array([{}], object)})
        assert refused(f"data:{path}") == expected

    def test_is_refused_when_it_is_not_there_or_has_the_name_of_a_shipped_task(self, written, tmp_path):
        assert "gone.npz: expected a file that can be read; got: no such file" in refused(
            f"data:{tmp_path}/gone.npz"
        )
        assert "expected one that no other task has; got 'order'" in refused(
            written(arrays([0, 1] * 5), "order.npz")
        )
        assert "data:FILE.npz, or gym:ID; got 'clicks.npz'" in refused("clicks.npz")
