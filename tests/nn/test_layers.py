import io
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evocircuits.circuit import Afferents, Circuit
from evocircuits.errors import InputError
from evocircuits.motif import Motif
from evocircuits.nn import SIGNS, DaleLinear, MotifLayer, Rates
from evocircuits.nn.wiring import Wiring
from evocircuits.plasticity import ShortTerm
from evocircuits.simulator import Record, Stimulus, simulate

from .conftest import as_motif, random_circuit

STEPS, TRIALS = 80, 7


def random_input(rng: np.random.Generator, features: int, p: float = 0.1) -> np.ndarray:
    return (rng.random((STEPS, TRIALS, features)) < p).astype(float)


def simulated(circuit: Circuit, x: np.ndarray, dtype=np.float64, dt_ms: float = 1.0) -> np.ndarray:
    """The simulator's spikes float[T, N, B], a spike stamped (k + 1) × dt at index k."""
    ports, first = {}, 0
    for name, afferents in circuit.inputs.items():
        ports[name] = x[:, :, first : first + afferents.channels]
        first += afferents.channels
    stimulus = Stimulus.from_dense(ports, dt_ms=dt_ms)
    spikes = simulate(circuit, stimulus, dt_ms=dt_ms, record=Record(spikes=True), dtype=dtype).spikes
    dense = np.zeros((STEPS, circuit.n_neurons, TRIALS))
    dense[np.rint(spikes.time_ms / dt_ms).astype(int) - 1, spikes.channel, spikes.trial] = 1
    return dense


@pytest.mark.parametrize("fused", [True, False])
@given(seed=st.integers(0, 10_000), time_scale=st.sampled_from([None, 5.0, 2.5]))
@settings(max_examples=40, deadline=None)
def test_in_float64_a_layer_emits_exactly_the_simulators_spikes(fused, seed, time_scale):
    rng = np.random.default_rng(seed)
    motif = as_motif(random_circuit(rng))
    layer = MotifLayer(motif, copies=2, time_scale=time_scale, fused=fused, dtype=torch.float64)
    x = random_input(rng, layer.in_features)
    spikes = layer.spikes(torch.tensor(x)).detach().numpy()
    scaled = motif.circuit.scaled(time_scale or 1.0 / motif.dt_ms)
    for copy in range(2):
        assert np.array_equal(spikes[copy], simulated(scaled, x[:, :, 5 * copy : 5 * copy + 5]))


@pytest.mark.parametrize("fused", [True, False])
def test_in_float32_at_least_999_spikes_of_1000_coincide_with_float64(fused):
    together = of_simulator = of_layer = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        motif = as_motif(random_circuit(rng))
        layer = MotifLayer(motif, fused=fused)
        x = random_input(rng, layer.in_features)
        ours = layer.spikes(torch.tensor(x, dtype=torch.float32)).detach().numpy()[0]
        theirs = simulated(motif.circuit.scaled(layer.time_scale), x)
        together += (ours * theirs).sum()
        of_simulator += theirs.sum()
        of_layer += ours.sum()
    assert of_simulator > 5_000
    assert together >= 0.999 * max(of_simulator, of_layer)


@pytest.mark.parametrize("dt_ms", [0.02, 0.5, 1.0])
def test_by_default_a_layers_steps_are_the_motifs_own(delay_line, dt_ms):
    layer = MotifLayer(delay_line, dt_ms=dt_ms, dtype=torch.float64)
    x = random_input(np.random.default_rng(0), 2)
    spikes = layer.spikes(torch.tensor(x)).detach().numpy()[0]
    assert layer.time_scale == pytest.approx(dt_ms / delay_line.dt_ms)
    assert spikes.sum() > 50
    assert np.array_equal(spikes, simulated(delay_line.circuit, x, dt_ms=delay_line.dt_ms))


def relay(delay_ms: float) -> Motif:
    """Two channels, each to a neuron of its own that fires one step after a spike arrives; outputs in reverse order."""
    n = 2
    constants = dict.fromkeys(("tau_m_ms", "tau_syn_ex_ms", "tau_syn_in_ms"), [0.1] * n)
    circuit = Circuit(
        excitatory=[True] * n,
        c_m_pF=[1.0] * n,
        threshold_mV=[1.0] * n,
        reset_mV=[0.0] * n,
        t_ref_ms=[2.0] * n,
        bias_pA=[0.0] * n,
        source=[],
        target=[],
        weight_pA=[],
        delay_ms=[],
        inputs={
            name: Afferents(1, [0], [i], [1e6], [delay_ms]) for i, name in enumerate(("first", "second"))
        },
        outputs={"late": [1], "early": [0]},
        **constants,
    )
    return as_motif(circuit, dt_ms=1.0)


@pytest.mark.parametrize("delay", [1, 2, 3])
def test_input_index_k_leaves_a_relay_of_delay_d_at_index_k_plus_d_in_the_order_of_the_ports(delay):
    layer = MotifLayer(relay(delay), copies=2)
    x = torch.zeros(12, 1, layer.in_features)
    x[1, 0, 2] = 1  # copy 1, port "first"
    x[4, 0, 1] = 1  # copy 0, port "second"
    x[7, 0, 3] = 1  # copy 1, port "second"
    spikes = layer(x).nonzero().tolist()
    assert spikes == [[1 + delay, 0, 3], [4 + delay, 0, 0], [7 + delay, 0, 2]]  # copy 1 early, 0 late, 1 late


def test_stacked_layers_lose_no_step():
    first, second = MotifLayer(relay(1)), MotifLayer(relay(2))
    x = torch.zeros(12, 1, 2)
    x[3, 0, 0] = 1
    assert second(first(x)).sum(2).nonzero().tolist() == [[3 + 1 + 2, 0]]


def test_widths_are_copies_times_ports(delay_line):
    layer = MotifLayer(delay_line, copies=5)
    assert (layer.in_features, layer.out_features) == (10, 65)
    assert layer(torch.zeros(4, 3, 10)).shape == (4, 3, 65)


def test_every_magnitude_and_the_input_receive_a_gradient(delay_line):
    layer = MotifLayer(delay_line, copies=2, time_scale=12.5)
    x = torch.tensor(random_input(np.random.default_rng(0), 4), dtype=torch.float32, requires_grad=True)
    layer(x).sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in (x, *layer.parameters()))


def test_a_trained_copy_goes_back_to_a_motif_that_simulates_like_it(delay_line):
    layer = MotifLayer(delay_line, copies=3, time_scale=12.5, dtype=torch.float64)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    x = random_input(np.random.default_rng(2), layer.in_features)
    spikes = layer.spikes(torch.tensor(x)).detach().numpy()
    for copy in range(3):
        trained = layer.to_motif(copy)
        assert trained.provenance.origin == "trained"
        assert trained.provenance.parents == (delay_line.id,)
        assert (trained.genome, trained.dt_ms) == (delay_line.genome, delay_line.dt_ms)
        assert np.array_equal(trained.circuit.delay_ms, delay_line.circuit.delay_ms)
        ours = simulated(trained.circuit.scaled(12.5), x[:, :, 2 * copy : 2 * copy + 2])
        assert ours.sum() > 20
        assert np.array_equal(spikes[copy], ours)
    assert len({layer.to_motif(copy).id for copy in range(3)}) == 3


def test_an_untrained_layer_gives_its_motif_back(delay_line):
    assert MotifLayer(delay_line, copies=2, dtype=torch.float64).to_motif(1).id == delay_line.id


def test_a_float32_copy_goes_back_with_the_very_magnitudes_it_ran_with(delay_line):
    layer = MotifLayer(delay_line)
    with torch.no_grad():
        layer.trained.synapse.raw.normal_(generator=torch.Generator().manual_seed(0))
    assert (
        layer.to_motif().circuit.weight_pA.astype(np.float32).tolist() == layer.trained.synapse().tolist()[0]
    )


def test_dales_law_holds_after_training_steps(delay_line):
    torch.manual_seed(0)
    net = torch.nn.Sequential(DaleLinear(8, 4), MotifLayer(delay_line, copies=2, time_scale=12.5))
    optimizer = torch.optim.SGD(net.parameters(), lr=10.0)
    x = torch.tensor(random_input(np.random.default_rng(0), 8, p=0.3), dtype=torch.float32)
    for sign in (1, -1, 1):
        optimizer.zero_grad()
        (sign * net(x).sum()).backward()
        optimizer.step()
        assert bool((net[0].weight() >= 0).all())
        trained = net[1].to_motif(0).circuit
        assert np.all(trained.weight_pA >= 0)
        assert np.array_equal(trained.excitatory, delay_line.circuit.excitatory)


def test_state_round_trips_through_a_file(delay_line):
    layer, other = MotifLayer(delay_line, copies=2), MotifLayer(delay_line, copies=2)
    with torch.no_grad():
        layer.trained.synapse.raw.normal_(generator=torch.Generator().manual_seed(0))
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(other.trained.synapse(), layer.trained.synapse())
    assert other.to_motif(1).id == layer.to_motif(1).id


def test_the_state_of_another_motifs_layer_is_refused(delay_line):
    with pytest.raises(InputError, match="expected the state of motif"):
        MotifLayer(relay(1)).load_state_dict(MotifLayer(relay(2)).state_dict())


def test_a_layer_converts_to_float64_and_tells_its_widths(delay_line):
    layer = MotifLayer(delay_line, copies=2).to(torch.float64)
    x = random_input(np.random.default_rng(0), 4)
    assert layer(torch.tensor(x)).dtype == torch.float64
    spikes = layer.spikes(torch.tensor(x)).detach().numpy()[0]
    assert np.array_equal(spikes, simulated(delay_line.circuit, x[:, :, :2], dt_ms=delay_line.dt_ms))
    assert f"motif={delay_line.id[:8]}, copies=2, in_features=4, out_features=26" in repr(layer)


@pytest.mark.gpu
def test_on_a_gpu_the_layer_emits_the_spikes_it_emits_on_the_cpu(delay_line):
    layer = MotifLayer(delay_line, copies=2, time_scale=12.5, dtype=torch.float64)
    x = torch.tensor(random_input(np.random.default_rng(0), 4))
    on_cpu = layer(x)
    slope = torch.autograd.grad((on_cpu * on_cpu.detach().cos()).sum(), layer.trained.synapse.raw)[0]
    there = layer.cuda()(x.cuda())
    assert torch.equal(there.cpu(), on_cpu)
    on_gpu = torch.autograd.grad((there * there.detach().cos()).sum(), layer.trained.synapse.raw)[0].cpu()
    assert (on_gpu - slope).norm() <= 1e-10 * slope.norm()


def test_synaptic_events_are_spikes_times_out_degree(delay_line):
    layer = MotifLayer(delay_line, copies=2, time_scale=12.5)
    x = torch.tensor(random_input(np.random.default_rng(0), 4), dtype=torch.float32)
    spikes = layer.spikes(x).detach()
    e_events = float(spikes[:, :, 0:13].sum()) * 3 + float(spikes[:, :, 1:12].sum()) * 2
    e_events += float(spikes[:, :, [0, 12]].sum())  # the two at the ends have one neighbour
    i_events = float(spikes[:, :, 13:].sum()) * 13
    assert layer.synaptic_events(x, spikes) == float(x.sum()) * 13 + e_events + i_events


def test_wrong_requests_are_refused(delay_line):
    for request in ({"copies": 0}, {"dt_ms": 0.0}, {"time_scale": -1.0}):
        with pytest.raises(InputError, match="MotifLayer: expected copies"):
            MotifLayer(delay_line, **request)
    layer = MotifLayer(delay_line)
    with pytest.raises(InputError, match=r"expected input \(steps, trials, 2\); got \(5, 3, 4\)"):
        layer(torch.zeros(5, 3, 4))
    with pytest.raises(InputError, match=r"expected input of torch.float32; got torch.float64"):
        layer(torch.zeros(5, 3, 2, dtype=torch.float64))
    with pytest.raises(InputError, match="expected a copy 0…0; got 1"):
        layer.to_motif(1)
    silent = Circuit(**(relay(1).circuit.to_dict() | {"inputs": {}, "outputs": {"out": [0]}}))
    with pytest.raises(InputError, match="input channels and output neurons"):
        MotifLayer(as_motif(silent))
    with pytest.raises(InputError, match="DaleLinear: expected sizes"):
        DaleLinear(0, 3)


def test_a_motif_of_another_model_is_refused(delay_line):
    delta = replace(delay_line, circuit=replace(delay_line.circuit, model="iaf_psc_delta"))
    message = r"^Circuit.model: expected iaf_psc_exp in a layer; got iaf_psc_delta: take another motif$"
    with pytest.raises(InputError, match=message):
        MotifLayer(delta)
    with pytest.raises(InputError, match=message):
        Wiring.of(delta.circuit, dt_ms=1.0, slope=10.0)


def test_a_plastic_motif_is_refused_and_its_static_circuit_is_not(delay_line):
    rule = np.full(len(delay_line.circuit.rule), 0)
    plastic = replace(delay_line, circuit=replace(delay_line.circuit, plasticity=[ShortTerm(0.5)], rule=rule))
    message = (
        "Circuit.plasticity: expected static synapses in a layer; got 1 rules: "
        "take replace(motif, circuit=motif.circuit.static()) or another motif"
    )
    with pytest.raises(InputError) as error:
        MotifLayer(plastic)
    assert str(error.value) == message
    with pytest.raises(InputError) as error:
        Wiring.of(plastic.circuit, dt_ms=1.0, slope=10.0)
    assert str(error.value) == message
    layer = MotifLayer(replace(plastic, circuit=plastic.circuit.static()), dtype=torch.float64)
    assert layer.trained.synapse()[0].tolist() == pytest.approx((0.5 * delay_line.circuit.weight_pA).tolist())


def test_a_dale_linear_multiplies_by_its_magnitudes():
    layer = DaleLinear(3, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = torch.rand(4, 5, 3, dtype=torch.float64)
    torch.testing.assert_close(layer(x), x @ layer.weight().T)
    assert bool((layer.weight() > 0).all())


def test_a_dale_linear_is_drawn_from_its_generator_around_its_gain():
    draw = [
        DaleLinear(200, 100, gain=0.5, generator=torch.Generator().manual_seed(7)).weight() for _ in range(2)
    ]
    assert torch.equal(*draw)
    assert draw[0].log().mean().item() == pytest.approx(np.log(0.5), abs=0.03)
    assert draw[0].log().std().item() == pytest.approx(1.0, abs=0.03)


def test_a_trained_state_goes_on_where_it_ended(delay_line):
    layer = MotifLayer(delay_line, copies=2, dtype=torch.float64)
    x = torch.tensor(random_input(np.random.default_rng(0), 4))
    first, state = layer(x[:30], layer.rest(TRIALS))
    second, state = layer(x[30:], state)
    assert torch.equal(torch.cat([first, second]), layer(x))
    assert state.shape == layer.rest(TRIALS).shape


def test_ports_are_named(delay_line):
    layer = MotifLayer(delay_line, copies=2)
    x = torch.tensor(random_input(np.random.default_rng(0), 4), dtype=torch.float32)
    spikes = layer(x)
    assert torch.equal(layer({"right": x[:, :, 1::2], "left": x[:, :, 0::2]}), spikes)
    assert torch.equal(layer.by_port(spikes)["place"], spikes)
    assert (layer.in_ports, layer.out_ports) == ({"left": 1, "right": 1}, {"place": 13})
    with pytest.raises(InputError, match=r"expected the ports left, right; got \['left'\]"):
        layer({"left": x[:, :, :2]})
    with pytest.raises(InputError, match="port 'left': expected 2 features; got 4"):
        layer({"left": x, "right": x[:, :, :2]})


def test_outputs_are_parted_copy_by_copy():
    layer = MotifLayer(relay(1), copies=2)
    parts = layer.by_port(torch.arange(4.0).reshape(1, 1, 4))  # copy 0 late, early, copy 1 late, early
    assert parts["late"].tolist() == [[[0, 2]]]
    assert parts["early"].tolist() == [[[1, 3]]]


def test_shared_gains_are_those_of_every_copy(delay_line):
    layer = MotifLayer(delay_line, copies=3, gains="shared", dtype=torch.float64)
    assert layer.trained.synapse.raw.shape == (1, len(delay_line.circuit.weight_pA))
    with torch.no_grad():
        layer.trained.synapse.raw.normal_(generator=torch.Generator().manual_seed(0))
    assert len({layer.to_motif(copy).id for copy in range(3)}) == 1
    x = torch.tensor(random_input(np.random.default_rng(0), 2)).repeat(1, 1, 3)
    spikes = layer(x).unflatten(2, (3, 13))
    assert spikes.sum() > 0
    assert torch.equal(spikes[:, :, 0], spikes[:, :, 2])


@pytest.mark.parametrize("fused", [True, False])
def test_trained_thresholds_go_back_to_the_simulator(delay_line, fused):
    layer = MotifLayer(
        delay_line, copies=2, train=("weights", "thresholds"), fused=fused, dtype=torch.float64
    )
    assert layer.to_motif(1).id == delay_line.id
    x = torch.tensor(random_input(np.random.default_rng(0), 4))
    (layer(x) * torch.rand(26, dtype=torch.float64)).sum().backward()
    assert bool((layer.trained.height.raw.grad != 0).any())
    with torch.no_grad():
        layer.trained.height.raw.uniform_(-0.3, 0.3, generator=torch.Generator().manual_seed(0))
    trained = layer.to_motif(1).circuit
    assert np.all(trained.threshold_mV > trained.reset_mV)
    assert not np.any(trained.threshold_mV == delay_line.circuit.threshold_mV)
    spikes = layer.spikes(x)[1].detach().numpy()
    ours = simulated(trained, x.numpy()[:, :, 2:], dt_ms=delay_line.dt_ms)
    assert ours.sum() > 20
    assert np.array_equal(spikes, ours)


def test_what_is_not_trained_is_frozen(delay_line):
    only_thresholds = MotifLayer(delay_line, train=("thresholds",))
    learned = {name for name, p in only_thresholds.named_parameters() if p.requires_grad}
    assert learned == {"trained.height.raw"}
    assert not any(p.requires_grad for p in MotifLayer(delay_line, train=()).parameters())


@pytest.mark.parametrize("sign", SIGNS)
def test_every_sign_keeps_dales_law_and_gives_the_motif_back(delay_line, sign):
    layer = MotifLayer(delay_line, copies=2, time_scale=12.5, sign=sign, dtype=torch.float64)
    assert layer.to_motif().id == delay_line.id
    optimizer = torch.optim.SGD(layer.parameters(), lr=100.0)
    x = torch.tensor(random_input(np.random.default_rng(0), 4))
    for direction in (1, -1):
        optimizer.zero_grad()
        (direction * layer(x).sum()).backward()
        optimizer.step()
        assert np.all(layer.to_motif(1).circuit.weight_pA >= 0)


def test_a_copy_of_a_layer_is_another_layer(delay_line):
    layer = MotifLayer(delay_line, copies=2, dtype=torch.float64)
    other = deepcopy(layer)
    with torch.no_grad():
        other.trained.synapse.raw.add_(1.0)
    assert layer.to_motif().id == delay_line.id == other.motif.id != other.to_motif().id
    x = torch.tensor(random_input(np.random.default_rng(0), 4))
    assert torch.equal(deepcopy(layer)(x), layer(x))


def test_a_compiled_network_computes_the_same(delay_line):
    """With dynamo's tracing alone: the layer itself stays as it is, what lies around it is traced."""
    net = torch.nn.Sequential(DaleLinear(6, 4), MotifLayer(delay_line, copies=2, time_scale=12.5))
    x = torch.tensor(random_input(np.random.default_rng(0), 6, p=0.3), dtype=torch.float32)
    compiled = torch.compile(net, backend="eager")
    assert torch.equal(compiled(x), net(x))
    compiled(x).sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_a_layer_tells_what_is_trained(delay_line):
    layer = MotifLayer(delay_line, gains="shared", train=("weights", "thresholds"), sign="softplus")
    text = repr(layer)
    for part in ("train=weights+thresholds, gains=shared", "sign=softplus"):
        assert part in text
    assert "mode=rate, sigmoid, 5 steps" in repr(
        MotifLayer(delay_line, mode="rate", rates=Rates("sigmoid", 5))
    )


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"mode": "burst"}, "expected a mode of spikes, rate; got 'burst'"),
        ({"gains": "one"}, "expected gains of per_copy, shared"),
        ({"train": ("delays",)}, "to train weights, thresholds"),
        ({"sign": "abs"}, "expected a sign of"),
    ],
)
def test_unknown_choices_are_refused(delay_line, request_, message):
    with pytest.raises(InputError, match=message):
        MotifLayer(delay_line, **request_)


def test_what_a_layer_writes_is_what_the_next_one_reads(delay_line):
    """From map to layer to map, features stay the slow axis in memory, so that nothing is copied in between."""
    layer = MotifLayer(delay_line, copies=2, time_scale=12.5)
    x = torch.tensor(random_input(np.random.default_rng(0), 6, p=0.3), dtype=torch.float32)
    drive = DaleLinear(6, 4)(x)
    assert drive.permute(2, 0, 1).is_contiguous()
    assert layer(drive).permute(2, 0, 1).is_contiguous()
