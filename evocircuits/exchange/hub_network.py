"""Networks of motifs as a description that is checked and weights that are plain arrays."""

import json
import struct
from pathlib import Path

import torch
from torch import nn

from evocircuits.checks import shown
from evocircuits.errors import InputError
from evocircuits.exchange.motif_file import read_motif
from evocircuits.motif import Motif
from evocircuits.nn.assemble import Classifier
from evocircuits.nn.encode import LatencyEncoder
from evocircuits.nn.layers import MotifLayer
from evocircuits.nn.linear import DaleLinear
from evocircuits.nn.rates import Rates
from evocircuits.nn.readout import CountReadout, FirstSpikeReadout, LeakyReadout

FORMS = {"Sequential": nn.Sequential, "Classifier": Classifier}
MAX_LAYERS = 100
MAX_WEIGHTS_BYTES = 2_000_000_000
DTYPES = {"torch.float32": torch.float32, "torch.float64": torch.float64}
_READOUTS = {kind.__name__: kind for kind in (CountReadout, FirstSpikeReadout, LeakyReadout)}
_EXTRA = "_extra_state"


def describe(network: nn.Module) -> tuple[dict, dict[str, Motif]]:
    """What `rebuilt` needs to make the network anew but for its weights, and its motifs by file name.

    Raises `InputError` for modules that this package does not know how to make, and for a readout without a width.
    """
    form = "Classifier" if isinstance(network, Classifier) else "Sequential"
    single = isinstance(network, MotifLayer)
    if not single and type(network) not in FORMS.values():
        kind = type(network).__name__
        raise InputError(
            f"save_pretrained: expected a motif, a MotifLayer, a Sequential or a classifier; got {kind}"
        )
    motifs: dict[str, Motif] = {}
    layers = [_described(module, motifs) for module in ([network] if single else network.children())]
    if not motifs:
        raise InputError("save_pretrained: expected a network with a MotifLayer; got none")
    dtypes = {str(p.dtype) for p in network.parameters()}
    if len(dtypes) != 1 or not dtypes <= set(DTYPES):
        raise InputError(
            f"save_pretrained: expected parameters of float32 or float64; got {', '.join(sorted(dtypes))}"
        )
    return {"form": "MotifLayer" if single else form, "dtype": dtypes.pop(), "layers": layers}, motifs


def save_weights(network: nn.Module, path: Path) -> None:
    """Write the parameters and buffers as safetensors."""
    state = {name: value for name, value in network.state_dict().items() if not name.endswith(_EXTRA)}
    state = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
    unfinished = path.with_name(path.name + ".part")
    _safetensors().torch.save_file(state, unfinished, metadata={"format": "pt"})
    unfinished.replace(path)


def rebuilt(config: dict, folder: Path, weights: str) -> nn.Module:
    """The network that `describe` told, with its weights.

    Raises `InputError` for unknown layers or values, and weights that do not fit.
    """
    layers, form, dtype = config.get("layers"), config.get("form"), DTYPES.get(str(config.get("dtype")))
    listed = isinstance(layers, list) and 1 <= len(layers) <= MAX_LAYERS
    if form not in ("MotifLayer", *FORMS) or dtype is None or not listed:
        raise InputError(f"{folder}: expected a network as save_pretrained describes it; got {shown(config)}")
    room, safetensors = _numbers_in(folder / weights), _safetensors()
    try:
        modules = [_made(layer, folder, room) for layer in layers]
        network = modules[0] if form == "MotifLayer" else FORMS[form](*modules)
        network = network.to(dtype)
        state = safetensors.torch.load_file(folder / weights)
        network.load_state_dict(state | dict(_extra_states(network)), strict=True)
    except InputError:
        raise
    except (TypeError, LookupError, ValueError, RuntimeError, OSError, safetensors.SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{folder}: expected the weights and layers of a saved network; {reason}") from None
    return network


def _described(module: nn.Module, motifs: dict[str, Motif]) -> dict:
    kind = type(module).__name__
    if isinstance(module, LatencyEncoder):
        return {"type": kind, "steps": module.steps, "window": module.window}
    if isinstance(module, DaleLinear):
        gain = float(module.weight._reference[0, 0])
        sizes = {"in_features": module.in_features, "out_features": module.out_features}
        return {"type": kind, **sizes, "gain": gain, "sign": module.weight.sign}
    if isinstance(module, MotifLayer):
        name = next((n for n, known in motifs.items() if known == module.motif), f"motif_{len(motifs)}.json")
        motifs[name] = module.motif
        return {"type": kind, "motif": name, **_of_layer(module)}
    if kind in _READOUTS and type(module) is _READOUTS[kind]:
        if isinstance(module.linear.weight, nn.UninitializedParameter):
            raise InputError(
                "save_pretrained: expected a network that has seen an input; its readout has no width yet"
            )
        row = {"type": kind, "n_classes": module.linear.out_features}
        leak = {"tau_steps": module.tau_steps, "reduce": module.reduce} if kind == "LeakyReadout" else {}
        return row | leak
    raise InputError(f"save_pretrained: expected layers of evocircuits.nn that hold no others; got {kind}")


def _of_layer(layer: MotifLayer) -> dict:
    trained = layer.trained
    row = {"copies": layer.copies, "mode": layer.mode, "gains": trained.gains, "train": list(trained.train_)}
    row |= {"sign": trained.afferent.sign, "dt_ms": float(layer.dt_ms), "time_scale": float(layer.time_scale)}
    first, steeper = layer.wiring.steepness[0]
    row |= {"slope": float(steeper / first)}
    return row | {"activation": layer.rates.activation, "rate_steps": layer.rates.steps}


def _made(row: dict, folder: Path, room: int) -> nn.Module:
    """A layer of that description; `room`: more numbers than all weights cannot be in it."""
    values = dict(row)
    kind = values.pop("type")
    if kind == "LatencyEncoder":
        steps, window = _count(values.pop("steps")), _count(values.pop("window"))
        return LatencyEncoder(steps=steps, window=window, **values)
    if kind == "DaleLinear":
        n_in, n_out = _count(values.pop("in_features")), _count(values.pop("out_features"))
        _check_room(n_in * n_out, room)
        return DaleLinear(n_in, n_out, **values)
    if kind == "MotifLayer":
        motif, copies = _motif(values.pop("motif"), folder), _count(values.pop("copies"))
        _check_room(motif.circuit.n_synapses * (copies if values["gains"] == "per_copy" else 1), room)
        rates = Rates(values.pop("activation"), values.pop("rate_steps"))
        return MotifLayer(motif, copies, train=tuple(values.pop("train")), rates=rates, **values)
    if kind in _READOUTS:
        n_classes = _count(values.pop("n_classes"))
        _check_room(n_classes, room)
        return _READOUTS[kind](n_classes, **values)
    raise InputError(f"{folder}: expected a layer of {', '.join(_READOUTS)} or the like; got {shown(kind)}")


def _motif(name: object, folder: Path) -> Motif:
    if not isinstance(name, str) or not name.removeprefix("motif_").removesuffix(".json").isdecimal():
        raise InputError(f"{folder}: expected a file motif_0.json, …; got {shown(name)}")
    return read_motif(folder / f"motif_{int(name.removeprefix('motif_').removesuffix('.json'))}.json")


def _count(value) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1_000_000:
        raise InputError(f"config.json: expected whole numbers 1…1000000 of units; got {shown(value)}")
    return value


def _check_room(numbers: int, room: int) -> None:
    if numbers > room:
        raise InputError(
            f"config.json: expected layers whose weights are there; got {numbers} weights for {room}"
        )


def _numbers_in(path: Path) -> int:
    """How many numbers of 4 bytes the file could hold, once its header proves to be one of safetensors."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = struct.unpack("<Q", file.read(8).ljust(8, b"\xff"))[0]
            header = json.loads(file.read(length)) if length <= 10_000_000 else None
    except OSError as error:
        raise InputError(f"{path}: expected weights in safetensors; {error.strerror}") from None
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or size > MAX_WEIGHTS_BYTES:
        raise InputError(
            f"{path}: expected weights in safetensors, at most {MAX_WEIGHTS_BYTES} bytes; got others"
        )
    return size // 4


def _extra_states(network: nn.Module):
    for name, module in network.named_modules():
        if type(module).get_extra_state is not nn.Module.get_extra_state:
            yield f"{name}.{_EXTRA}".lstrip("."), module.get_extra_state()


def _safetensors():
    try:
        import safetensors
        import safetensors.torch
    except ImportError:
        raise InputError(
            "weights need safetensors; install it with: pip install 'evocircuits[exchange]'"
        ) from None
    return safetensors
