from dataclasses import replace

import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.genome import Genome, Pattern, PopulationGene, ProjectionGene, innovation
from evocircuits.measure.ablation import ablated
from evocircuits.simulator import Spikes, simulate
from evocircuits.tasks.route import Route, TEMPLATES_ms
from tests.tasks.observers import run, trivial

ROUTE = Route()
REFERENCE = develop(ROUTE.reference(), dt_ms=ROUTE.dt_ms)
HALVES_ms = ((0.0, 130.0), (130.0, 260.0))


def question(answer: int) -> tuple[list[int], list[int]]:
    """The cued stream and its template in both halves."""
    first, templates = divmod(int(answer), 16)
    return [first, 1 - first], list(divmod(templates, 4))


def trains_ms(spikes: Spikes, trial: int, channel: int) -> list[np.ndarray]:
    """Spike times of a channel in both halves, from where the templates begin."""
    times = np.sort(spikes.time_ms[(spikes.trial == trial) & (spikes.channel == channel)])
    return [times[(times >= start) & (times < end)] - start - 20 for start, end in HALVES_ms]


def wired(*wires, tau_m_ms: float = 10.0, tau_syn_ms: float = 1.0):
    """Output cells driven by (port, strength) alone, channel by channel."""
    out = PopulationGene(innovation("out"), True, 2, tau_m_ms, 15.0, 2.0, tau_syn_ms, 5.0, port="out")
    ports = {port.name: port.id for port in ROUTE.inputs}
    projections = tuple(
        ProjectionGene(innovation(port), ports[port], out.id, Pattern("one_to_one"), strength, 0.5)
        for port, strength in wires
    )
    return develop(Genome(ROUTE.inputs, ROUTE.outputs, (out,), projections), dt_ms=ROUTE.dt_ms)


def only_channel(circuit, port: str, channel: int):
    wires = circuit.inputs[port]
    columns = ("channel", "target", "weight_pA", "delay_ms", "rule")
    kept = replace(wires, **{name: getattr(wires, name)[wires.channel == channel] for name in columns})
    return replace(circuit, inputs={**circuit.inputs, port: kept})


class Recorded:
    """A recording of these output spikes alone: (time in ms, trial, output)."""

    circuit = REFERENCE

    def __init__(self, *spikes):
        time_ms, trial, output = np.array(spikes, float).reshape(-1, 3).T
        self.spikes = Spikes(time_ms, trial.astype(int), output.astype(int))


def perfect(trials, *, shift_ms: float = 0.0) -> list[tuple]:
    """What an output would fire that repeats the cued templates."""
    spikes = []
    for trial, answer in enumerate(trials.answer):
        for (start, _), stream, template in zip(HALVES_ms, *question(answer), strict=True):
            spikes += [(start + 20 + time + shift_ms, trial, stream) for time in TEMPLATES_ms[template]]
    return spikes


def test_cue_names_the_stream_of_either_half_and_questions_are_balanced():
    trials = ROUTE.trials(np.random.default_rng(0), 320)
    cue = trials.stimulus.spikes["cue"]
    first = trials.answer // 16
    assert np.array_equal(cue.channel == first[cue.trial], cue.time_ms < 130)
    assert len(cue.time_ms) / 320 / 0.26 == pytest.approx(200, rel=0.02)
    assert np.array_equal(np.bincount(trials.answer, minlength=32), np.full(32, 10))


def test_cued_streams_carry_their_templates_jittered_by_1_ms_amid_10_Hz_of_noise():
    trials = ROUTE.trials(np.random.default_rng(1), 320)
    spikes = trials.stimulus.spikes["stream"]
    assert len(spikes.time_ms) / 320 / 2 - 12 == pytest.approx(10 * 0.26, rel=0.1)
    errors_ms = []
    for trial, answer in enumerate(trials.answer):
        for half, (stream, template) in enumerate(zip(*question(answer), strict=True)):
            train = trains_ms(spikes, trial, stream)[half]
            errors_ms += [train[np.abs(train - time).argmin()] - time for time in TEMPLATES_ms[template]]
    assert np.mean(errors_ms) == pytest.approx(0, abs=0.1)
    assert np.percentile(np.abs(errors_ms), 68.3) == pytest.approx(1, abs=0.1)


def test_the_same_generator_state_gives_the_same_trials():
    one, two = (ROUTE.trials(np.random.default_rng(2), 20) for _ in range(2))
    for port in ("stream", "cue"):
        assert np.array_equal(one.stimulus.spikes[port].time_ms, two.stimulus.spikes[port].time_ms)
    assert np.array_equal(one.answer, two.answer)


def test_templates_have_equal_counts_and_lie_far_apart():
    assert TEMPLATES_ms.shape == (4, 6)
    for i, one in enumerate(TEMPLATES_ms):
        for other in TEMPLATES_ms[:i]:
            assert np.sum(np.abs(one[:, None] - other).min(axis=1) >= 4) >= 3


def test_an_ideal_observer_of_the_streams_reaches_the_ceiling():
    trials = ROUTE.trials(np.random.default_rng(3), 1000)
    spikes, right = trials.stimulus.spikes["stream"], []
    for trial, answer in enumerate(trials.answer):
        for half, (stream, template) in enumerate(zip(*question(answer), strict=True)):
            train = trains_ms(spikes, trial, stream)[half]
            bumps = np.exp(-((train[:, None, None] - TEMPLATES_ms) ** 2) / 2) / np.sqrt(2 * np.pi)
            log_likelihood = np.log(0.01 + bumps.sum(axis=2)).sum(axis=0)
            right.append(log_likelihood.argmax() == template)
    assert np.mean(right) == pytest.approx(ROUTE.ceiling, abs=0.002)


def test_hand_wired_disinhibition_routes():
    assert run(ROUTE, REFERENCE, ROUTE.trials(np.random.default_rng(4), 10_000)).normalised > 0.98


def test_coincidence_without_inhibition_comes_close_for_twice_the_spikes():
    trials = ROUTE.trials(np.random.default_rng(5), 10_000)
    genome = ROUTE.coincidence_arm()
    assert all(p.excitatory for p in genome.populations)
    arm, reference = (ROUTE.play(c, trials) for c in (develop(genome, dt_ms=ROUTE.dt_ms), REFERENCE))
    difference = reference.score.credit - arm.score.credit
    assert arm.score.raw == pytest.approx(0.987, abs=0.005)
    assert difference.mean() > 3 * difference.std() / np.sqrt(trials.n)
    assert arm.spikes.mean() > 2 * reference.spikes.mean()


def test_plain_coincidence_of_stream_and_cue_falls_short():
    plain = wired(("stream", 0.31), ("cue", 0.17), tau_m_ms=18.0, tau_syn_ms=0.7)
    assert 0.5 < run(ROUTE, plain, ROUTE.trials(np.random.default_rng(6), 2000)).raw < 0.8


@pytest.mark.parametrize("what", ROUTE.claim)
def test_reference_needs_what_the_task_claims(what):
    trials = ROUTE.trials(np.random.default_rng(7), 1000)
    whole, without = (run(ROUTE, c, trials).credit for c in (REFERENCE, ablated(REFERENCE, what)))
    error = np.sqrt((whole.var() + without.var()) / trials.n)
    assert whole.mean() - without.mean() > 3 * error
    assert without.mean() == pytest.approx(ROUTE.chance)


@pytest.mark.parametrize("kind", ["silent", "always", "relay"])
def test_trivial_circuits_stay_at_chance(kind):
    trials = ROUTE.trials(np.random.default_rng(8), 1000)
    assert run(ROUTE, trivial(ROUTE, kind), trials).raw == ROUTE.chance


def test_relays_of_the_streams_together_and_alone_stay_at_chance():
    trials = ROUTE.trials(np.random.default_rng(9), 1000)
    both = wired(("stream", 3.0))
    for circuit in (both, only_channel(both, "stream", 0), only_channel(both, "stream", 1)):
        assert run(ROUTE, circuit, trials).raw == pytest.approx(ROUTE.chance, abs=0.005)


def test_a_relay_of_the_cue_is_routed_and_guesses():
    trials = ROUTE.trials(np.random.default_rng(10), 4000)
    assert run(ROUTE, wired(("cue", 3.0)), trials).raw == pytest.approx(ROUTE.chance, abs=0.03)


def test_one_leaked_spike_or_one_silent_half_is_a_guess_and_a_wrong_template_costs_its_half():
    trials = ROUTE.trials(np.random.default_rng(11), 1)
    (first, second), (template, _) = question(trials.answer[0])
    spikes = perfect(trials)
    assert ROUTE.score(trials, Recorded(*spikes)).raw == 1
    assert ROUTE.score(trials, Recorded(*perfect(trials, shift_ms=2.0))).raw == 1
    assert (
        ROUTE.score(trials, Recorded(*spikes, (10.0, 0, second))).raw == 1
    )  # in the lead, which is not read
    assert ROUTE.score(trials, Recorded(*spikes, (60.0, 0, second))).raw == 0.25
    assert ROUTE.score(trials, Recorded(*spikes[:6])).raw == 0.25
    wrong = [(20 + time, 0, first) for time in TEMPLATES_ms[(template + 1) % 4]]
    assert ROUTE.score(trials, Recorded(*wrong, *spikes[6:])).raw == 0.5


def test_saturation_and_silence_are_scored_without_a_nan():
    trials = ROUTE.trials(np.random.default_rng(12), 3)
    saturated = [(t, trial, output) for t in range(1, 260) for trial in range(3) for output in range(2)]
    for recording in (Recorded(*saturated), Recorded()):
        score = ROUTE.score(trials, recording)
        assert score.raw == ROUTE.chance
        assert 0 <= score.graded <= 0.5


def test_one_output_that_saturates_while_it_is_cued_always_names_the_same_template():
    trials = ROUTE.trials(np.random.default_rng(13), 320)
    spikes = [
        (start + t, trial, stream)
        for trial, answer in enumerate(trials.answer)
        for (start, _), stream in zip(HALVES_ms, question(answer)[0], strict=True)
        for t in range(21, 130)
    ]
    assert ROUTE.score(trials, Recorded(*spikes)).raw == ROUTE.chance


def test_graded_signal_rewards_fewer_leaked_spikes():
    trials = ROUTE.trials(np.random.default_rng(14), 1)
    other = question(trials.answer[0])[0][1]
    graded = [
        ROUTE.score(trials, Recorded(*perfect(trials), *[(30.0 + i, 0, other) for i in range(n)])).graded
        for n in (0, 1, 6)
    ]
    assert 1 == graded[0] > graded[1] > graded[2]


def test_single_trials_can_be_scored_and_the_order_of_outputs_counts():
    trials = ROUTE.trials(np.random.default_rng(15), 1)
    recording = simulate(REFERENCE, trials.stimulus, dt_ms=ROUTE.dt_ms, record=ROUTE.record)
    assert ROUTE.score(trials, recording).raw == 1
    swapped = replace(REFERENCE, outputs={"out": REFERENCE.outputs["out"][::-1]})
    assert run(ROUTE, swapped, trials).raw == ROUTE.chance
