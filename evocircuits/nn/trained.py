"""What a layer trains of a motif, and the way back: magnitudes of synapses, and distances from reset to threshold."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from evocircuits.circuit import Circuit
from evocircuits.errors import InputError
from evocircuits.motif import Motif, Provenance
from evocircuits.nn.signs import Magnitudes
from evocircuits.nn.wiring import Weights

TRAIN = ("weights", "thresholds")
GAINS = ("per_copy", "shared")


class Trained(nn.Module):
    """Calling it gives the `Weights` of every copy of `motif`; at first they are the motif's own.

    `afferent`, `synapse`: `Magnitudes` in pA, of all input ports and of the neurons' synapses, in the circuit's order;
    `height`: those of threshold − reset in mV, or None where thresholds are not trained. Raises `InputError` for
    unknown values of `gains` and `train`.
    """

    def __init__(self, motif: Motif, copies: int, *, gains: str, train: tuple[str, ...], sign: str, dtype):
        super().__init__()
        train = (train,) if isinstance(train, str) else tuple(train)
        if gains not in GAINS or not set(train) <= set(TRAIN):
            raise InputError(
                f"MotifLayer: expected gains of {', '.join(GAINS)} and to train {', '.join(TRAIN)}; "
                f"got {gains!r}, {train}"
            )
        circuit = motif.circuit
        self.motif, self.copies, self.gains, self.train_ = motif, copies, gains, train
        rows = copies if gains == "per_copy" else 1
        afferent_pA = np.concatenate([np.zeros(0), *(a.weight_pA for a in circuit.inputs.values())])
        self.afferent = Magnitudes(afferent_pA, rows, sign=sign, dtype=dtype)
        self.synapse = Magnitudes(circuit.weight_pA, rows, sign=sign, dtype=dtype)
        self.requires_grad_("weights" in train)
        self.height = None
        if "thresholds" in train:  # by exp whatever the sign: a threshold must stay above its reset
            self.height = Magnitudes(circuit.threshold_mV - circuit.reset_mV, rows, dtype=dtype)

    def forward(self) -> Weights:
        """Of all copies, float[copies, …]."""
        threshold = None if self.height is None else self._threshold_mV().expand(self.copies, -1)
        return Weights(*(m().expand(self.copies, -1) for m in (self.afferent, self.synapse)), threshold)

    def _threshold_mV(self) -> Tensor:
        circuit, height = self.motif.circuit, self.height()
        at_first = torch.tensor(circuit.threshold_mV - circuit.reset_mV).to(height)
        return torch.tensor(circuit.threshold_mV).to(height) + (height - at_first)  # exact while untrained

    @torch.no_grad()
    def to_motif(self, copy: int) -> Motif:
        """The motif with one copy's magnitudes, with provenance "trained" and the motif as its parent."""
        if not 0 <= copy < self.copies:
            raise InputError(f"to_motif: expected a copy 0…{self.copies - 1}; got {copy}")
        weights = Weights(*(None if w is None else w[copy].double().cpu().numpy() for w in self()))
        inputs, first = {}, 0
        for name, afferents in self.motif.circuit.inputs.items():
            last = first + len(afferents.weight_pA)
            inputs[name] = replace(afferents, weight_pA=weights.afferent[first:last])
            first = last
        circuit: Circuit = replace(self.motif.circuit, weight_pA=weights.synapse, inputs=inputs)
        if weights.threshold is not None:
            circuit = replace(circuit, threshold_mV=weights.threshold)
        provenance = Provenance(origin="trained", parents=(self.motif.id,))
        return Motif(self.motif.genome, circuit, self.motif.dt_ms, provenance)

    def get_extra_state(self) -> dict:
        """What magnitudes are relative to: the motif's id."""
        return {"motif": self.motif.id}

    def set_extra_state(self, state: dict) -> None:
        """Raises `InputError` where the state is that of a layer of another motif."""
        if state["motif"] != self.motif.id:
            raise InputError(
                f"MotifLayer: expected the state of motif {self.motif.id[:12]}…; got {state['motif'][:12]}…"
            )

    def extra_repr(self) -> str:
        """What is trained, and of whom."""
        return f"train={'+'.join(self.train_) or 'nothing'}, gains={self.gains}"
