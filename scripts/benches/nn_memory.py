"""What a layer keeps for its backward pass, and what recomputation costs in time and saves in memory."""

import torch
from nn_speed import COPIES, NEURONS, THREADS, layer_of, spikes_in, step_of
from report import Row, at_most, figure, tell
from timing import clock_seconds, in_turn
from torch import Tensor, nn

STEPS, TRIALS, REPEATS = (250, 1000, 4000), 8, 7


def measure() -> list[Row]:
    """Bytes of a neuron's step, and time and memory of recomputation over lengths."""
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        return _rows()
    finally:
        torch.set_num_threads(threads)


def _rows() -> list[Row]:
    rows, kept = [], []
    neurons = COPIES * NEURONS
    whole, again = layer_of(COPIES), layer_of(COPIES, recompute=True)
    for steps in STEPS:
        tell(f"{steps} steps")
        x = spikes_in(TRIALS, steps)
        drive = whole[0](x).detach()
        whole_bytes, again_bytes = (_kept_bytes(net[1], drive) for net in (whole, again))
        kept.append(again_bytes)
        name = f"nn: {steps} steps"
        whole_s, again_s = in_turn(step_of(whole, x), step_of(again, x), repeats=REPEATS, timed=clock_seconds)
        rows += [
            at_most(f"{name}, kept", whole_bytes / (neurons * steps * TRIALS), "bytes a neuron-step", 8),
            figure(
                f"{name}, kept by recomputation",
                again_bytes / (neurons * steps * TRIALS),
                "bytes a neuron-step",
            ),
            at_most(f"{name}, time of recomputation", again_s / whole_s, "×", 1.6),
        ]
    growth = kept[-1] / kept[0]
    times = STEPS[-1] / STEPS[0]
    rows.append(
        at_most(f"nn: memory of recomputation over {times:g} times the steps", growth, "×", 1.3 * times**0.5)
    )
    return rows


def _kept_bytes(layer: nn.Module, drive: Tensor) -> int:
    """Storage that the forward pass leaves for the backward pass, the input itself aside."""
    sizes: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        out = layer(drive)
    sizes.pop(drive.untyped_storage().data_ptr(), None)
    return sum(sizes.values()) + sum(_states(out.grad_fn, set()))


def _states(node, seen: set) -> list[int]:
    if node is None or node in seen:
        return []
    seen.add(node)
    own = [state.numel() * state.element_size() for state in getattr(node, "states", [])]
    return own + [size for following, _ in node.next_functions for size in _states(following, seen)]
