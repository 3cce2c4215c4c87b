import subprocess
import sys
from itertools import combinations

import gymnasium
import numpy as np
import pytest

from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.errors import InputError
from evocircuits.genome import Genome, Pattern, PopulationGene, ProjectionGene
from evocircuits.measure import ablated
from evocircuits.tasks.cartpole import QUANTITIES, CartPole, Episodes, SimulatedPoles, decided, pushed
from tests.tasks.observers import check_together_as_alone, trivial

SEEN, HIDDEN = CartPole(), CartPole(velocities=False)
TASKS = pytest.mark.parametrize("task", [SEEN, HIDDEN], ids=["seen", "hidden"])


def episodes(n: int, seed: int) -> Episodes:
    return SEEN.trials(np.random.default_rng(seed), n)


def reference(task: CartPole) -> Circuit:
    return develop(task.reference(), dt_ms=task.dt_ms)


def returns(task: CartPole, circuit: Circuit, trials: Episodes) -> np.ndarray:
    return 500 * task.play(circuit, trials).score.credit


def relay(task: CartPole, ports: tuple[str, ...]) -> Circuit:
    """Every spike on the first channel of one of these ports makes the first output spike, and so with the second."""
    return wired(task, ports, strength=1.3, tau_syn_ex_ms=2.0, t_ref_ms=1.0)


def slow(task: CartPole) -> Circuit:
    """Two excitatory cells which each spike drives well into the next interval, so that they sense a change."""
    return wired(task, ("angle",), strength=1.2, tau_syn_ex_ms=10.0, t_ref_ms=2.0)


def wired(
    task: CartPole, ports: tuple[str, ...], *, strength: float, tau_syn_ex_ms: float, t_ref_ms: float
) -> Circuit:
    output = PopulationGene(1, True, 2, 5.0, 15.0, t_ref_ms, tau_syn_ex_ms, 2.0, port="push")
    projections = tuple(
        ProjectionGene(2 + i, port.id, 1, Pattern("one_to_one"), strength, 1.0)
        for i, port in enumerate(task.inputs)
        if port.name in ports
    )
    return develop(Genome(task.inputs, task.outputs, (output,), projections), dt_ms=task.dt_ms)


def environment(state: np.ndarray) -> gymnasium.Env:
    made = gymnasium.make("CartPole-v1", disable_env_checker=True)
    made.reset()
    made.unwrapped.state = state
    return made


def gymnasium_return(control, state: np.ndarray) -> float:
    """What Gymnasium pays `control`, a function from the observation to a push, for an episode."""
    pole, told, total, over = environment(state), state, 0.0, False
    while not over:
        told, reward, fallen, late, _ = pole.step(control(told))
        total, over = total + reward, fallen or late
    return total


def test_one_step_is_gymnasiums_from_any_state():
    rng = np.random.default_rng(0)
    states = rng.uniform(-1, 1, (2000, 4)) * [2.5, 4.0, 0.25, 4.0]
    pushes = rng.integers(0, 2, 2000)
    ours, single = pushed(states, pushes), gymnasium.make("CartPole-v1")
    over = SimulatedPoles(states).step(pushes, np.ones(2000, bool))[1]
    for state, push, expected, ended in zip(states, pushes, ours, over, strict=True):
        single.reset()
        single.unwrapped.state = state
        assert single.step(int(push))[2] == ended
        assert np.allclose(single.unwrapped.state, expected, rtol=0, atol=1e-6)
    assert 100 < over.sum() < 1900


@pytest.mark.parametrize("skill", [0.0, 0.3, 1.0])
def test_whole_episodes_are_gymnasiums_step_by_step_up_to_their_end(skill):
    """Under random pushes, under pushes of which two in three are good, and under good ones."""
    rng = np.random.default_rng(1)
    start = episodes(20, 1).start
    ours, theirs = SimulatedPoles(start), [environment(state) for state in start]
    playing, lengths = np.ones(20, bool), np.zeros(20)
    while playing.any():
        good = ours.state @ [0.0, 0.2, 3.0, 1.0] > 0
        push = np.where(rng.random(20) < skill, good, rng.integers(0, 2, 20)).astype(int)
        reward, over = ours.step(push, playing)
        for i in np.flatnonzero(playing):
            told, paid, fallen, late, _ = theirs[i].step(int(push[i]))
            assert np.allclose(theirs[i].unwrapped.state, ours.state[i], rtol=0, atol=1e-6)
            assert np.allclose(told, ours.observation[i], rtol=0, atol=1e-6)
            assert (paid, fallen or late) == (reward[i], over[i])
        lengths += playing
        playing &= ~over
    assert np.all(lengths == 500) if skill == 1 else np.all((lengths > 8) & (lengths < 500))


@TASKS
def test_what_is_played_in_the_search_is_what_gymnasium_reports(task):
    for circuit in (reference(task), slow(task), trivial(task, "silent")):
        trials = episodes(40, 2)
        ours, theirs = task.play(circuit, trials), task.report(circuit, trials)
        assert np.array_equal(ours.score.credit, theirs.score.credit)
    assert len(set(task.play(slow(task), trials).score.credit)) > 10


def test_episodes_start_as_gymnasiums_do_and_as_the_generator_tells():
    start = episodes(2000, 3).start
    reset = np.array([gymnasium.make("CartPole-v1").reset(seed=seed)[0] for seed in range(300)])
    for sample in (start, reset):
        assert np.all(np.abs(sample) <= 0.05)
        assert np.abs(sample).max(axis=0) == pytest.approx([0.05] * 4, rel=0.03)
        assert sample.mean(axis=0) == pytest.approx([0] * 4, abs=0.006)
    assert np.array_equal(start, episodes(2000, 3).start)
    assert not np.array_equal(start, episodes(2000, 4).start)


def test_a_value_is_the_lead_of_one_channel_over_the_other():
    told = np.array([[2.4, -0.5, 0.0, -9.0], [1.0, 1.0, 1.0, 1.0], [-0.6, 2.0, -np.radians(3), 0.02]])
    spikes = SEEN.encoded(told, np.array([True, False, True]))
    times_ms = {
        name: [
            [s.time_ms[(s.trial == t) & (s.channel == c)].round(6).tolist() for c in (0, 1)]
            for t in (0, 1, 2)
        ]
        for name, s in spikes.items()
    }
    assert times_ms == {
        "position": [[[16.0], [0.0]], [[], []], [[4.0], [12.0]]],
        "velocity": [[[4.0], [12.0]], [[], []], [[16.0], [0.0]]],
        "angle": [[[8.0], [8.0]], [[], []], [[4.0], [12.0]]],
        "angular_velocity": [[[0.0], [16.0]], [[], []], [[8.8], [7.2]]],
    }
    assert tuple(spikes) == tuple(port.name for port in QUANTITIES)


def test_no_velocity_is_told_where_velocities_are_hidden():
    told = np.full((1, 4), 0.05)
    assert set(HIDDEN.encoded(told, np.array([True]))) == {"position", "angle"}


def test_the_output_with_more_spikes_decides_and_a_tie_repeats_the_last_push():
    counts = np.array([[3, 1], [0, 2], [2, 2], [2, 2], [0, 0], [0, 0]])
    assert decided(counts, np.array([1, 0, 0, 1, 0, 1])).tolist() == [0, 1, 0, 1, 0, 1]


@TASKS
@pytest.mark.parametrize("kind", ["silent", "always", "relay"])
def test_trivial_circuits_push_to_the_left_for_ever(task, kind):
    trials = episodes(200, 4)
    left = [gymnasium_return(lambda told: 0, state) for state in trials.start]
    assert np.array_equal(returns(task, trivial(task, kind), trials), left)
    assert max(left) < 12


def test_chance_is_what_random_pushes_are_paid():
    rng = np.random.default_rng(5)
    paid = np.array([gymnasium_return(lambda told: int(rng.integers(2)), s) for s in episodes(2000, 5).start])
    assert paid.mean() == pytest.approx(500 * SEEN.chance, abs=3 * paid.std() / len(paid) ** 0.5)


def test_linear_control_reaches_the_ceiling():
    def control(told):
        return int(told @ [0.0, 0.2, 3.0, 1.0] > 0)

    assert all(gymnasium_return(control, state) == 500 * SEEN.ceiling for state in episodes(20, 6).start)


def test_linear_control_on_differences_reaches_the_ceiling_where_velocities_are_hidden():
    for state in episodes(20, 7).start:
        before = state[[0, 2]]

        def control(told):
            nonlocal before
            now, last = told[[0, 2]], before
            before = now
            return int(3.0 * now[1] + ([0.2, 1.0] @ (now - last)) / 0.02 > 0)

        assert gymnasium_return(control, state) == 500 * HIDDEN.ceiling


@TASKS
def test_hand_wired_reference_balances_in_gymnasium(task):
    play = task.report(reference(task), episodes(200, 8))
    assert 500 * play.score.raw > 495
    assert play.score.normalised > 0.99


def test_hand_wired_references_are_small():
    assert [(c.n_neurons, c.n_synapses) for c in map(reference, (SEEN, HIDDEN))] == [(4, 8), (6, 10)]


@TASKS
def test_hand_wired_reference_needs_what_is_claimed(task):
    trials = episodes(1000, 9)
    whole = returns(task, reference(task), trials)
    assert whole.mean() > 495
    for what in task.claim:
        lesioned = returns(task, ablated(reference(task), what), trials)
        error = np.hypot(whole.std(), lesioned.std()) / len(whole) ** 0.5
        assert whole.mean() - lesioned.mean() > 3 * error
        assert lesioned.mean() < 350


@TASKS
def test_relays_of_any_inputs_side_by_side_do_no_better_than_chance(task):
    trials = episodes(200, 10)
    ports = [port.name for port in task.inputs]
    for k in range(1, len(ports) + 1):
        for chosen in combinations(ports, k):
            assert returns(task, relay(task, chosen), trials).mean() < 500 * task.chance


@TASKS
def test_two_excitatory_cells_with_slow_synapses_fall_short_of_the_reference(task):
    trials = episodes(500, 15)
    assert 400 < returns(task, slow(task), trials).mean() < 485


def test_episodes_do_not_depend_on_their_neighbours_whose_end_ends_their_costs():
    circuit, trials = slow(SEEN), episodes(5, 11)
    together = SEEN.play(circuit, trials)
    for i in range(5):
        alone = SEEN.play(circuit, Episodes(trials.start[i : i + 1]))
        assert alone.score.credit[0] == together.score.credit[i]
        assert alone.spikes[0] == together.spikes[i]
        assert alone.synaptic_events[0] == together.synaptic_events[i]
    assert len(set(together.score.credit)) > 1


@TASKS
def test_circuits_play_together_as_each_does_alone_whatever_the_others_are(task):
    circuits, trials = (
        [reference(task), trivial(task, "always"), slow(task), trivial(task, "silent")],
        episodes(5, 16),
    )
    check_together_as_alone(task, circuits, trials)


def test_too_many_spikes_cut_a_play_short():
    circuit, trials = reference(SEEN), episodes(3, 12)
    spent = int(SEEN.play(circuit, trials).spikes.sum())
    assert not SEEN.play(circuit, trials, max_spikes=spent).truncated
    play = SEEN.play(circuit, trials, max_spikes=spent - 1)
    assert play.truncated
    assert play.score.raw < 1


def test_an_example_is_the_first_half_second_as_it_was_played():
    trials = episodes(2, 13)
    example = SEEN.example(reference(SEEN), trials)
    assert [tuple(window[:3]) for window in example.windows] == [(0, 0.0, 500.0), (1, 0.0, 500.0)]
    angle = example.stimulus["angle"]
    right_ms = angle.time_ms[(angle.trial == 0) & (angle.channel == 1)]
    assert np.array_equal(right_ms // 20, np.arange(25))
    lead_ms = 8 * np.sign(trials.start[0, 2]) * np.sqrt(abs(trials.start[0, 2]) / np.radians(12))
    assert right_ms[0] == pytest.approx(8 - lead_ms, abs=1e-4)
    assert 400 < example.spikes.time_ms.max() <= 500
    fallen = SEEN.example(trivial(SEEN, "silent"), trials)
    assert 160 <= fallen.windows[0].end_ms <= 240


def test_gymnasium_is_loaded_for_the_report_alone_and_its_absence_is_one_clear_line(monkeypatch):
    code = "import sys, evocircuits.tasks.cartpole; print('gymnasium' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    assert SEEN.play(trivial(SEEN, "silent"), episodes(1, 14)).score.raw > 0
    with pytest.raises(InputError, match=r"^[^\n]*pip install gymnasium$"):
        SEEN.report(trivial(SEEN, "silent"), episodes(1, 14))
