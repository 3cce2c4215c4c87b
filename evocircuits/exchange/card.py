"""Model cards: what a folder of `hub.py` tells people, in Markdown under the front matter that model hubs read."""

from evocircuits.motif import Motif, MotifScore

_FRONT = """---
library_name: evocircuits
tags:
- spiking-neural-network
- neuroevolution
- neuromorphic
---
"""


def motif_card(motif: Motif) -> str:
    """The card of a motif: what it consists of, what it scored, where it came from, how it is used."""
    return (
        f"{_FRONT}\n# Motif {motif.id[:8]}\n\n{_circuit(motif)}\n\n{_scores(motif)}\n{_provenance(motif)}\n"
        "## Use\n\n```python\nimport evocircuits as ec\n\n"
        'motif = ec.exchange.from_pretrained("FOLDER")\n'
        "layer = ec.nn.MotifLayer(motif, copies=32)\n```\n"
    )


def network_card(described: dict, motifs: list[Motif]) -> str:
    """The card of a network: its layers, and the motifs that they consist of."""
    rows = "\n".join(f"| {k} | {_layer(layer)} |" for k, layer in enumerate(described["layers"]))
    parts = "\n".join(f"- motif {motif.id[:8]}: {_circuit(motif)}" for motif in motifs)
    return (
        f"{_FRONT}\n# A network of evolved motifs\n\n| layer | what |\n| --- | --- |\n{rows}\n\n{parts}\n\n"
        "Excitatory and inhibitory neurons keep their signs in training (Dale's law).\n\n"
        "## Use\n\n```python\nimport evocircuits as ec\n\n"
        'net = ec.exchange.from_pretrained("FOLDER")\n```\n'
    )


def _circuit(motif: Motif) -> str:
    circuit = motif.circuit
    e = int(circuit.excitatory.sum())
    inputs = ", ".join(f"`{_plain(port)}` ({a.channels})" for port, a in circuit.inputs.items())
    outputs = ", ".join(f"`{_plain(port)}` ({len(neurons)})" for port, neurons in circuit.outputs.items())
    return (
        f"{e} excitatory and {circuit.n_neurons - e} inhibitory {circuit.model} neurons, "
        f"{circuit.n_synapses} synapses, time step {motif.dt_ms:g} ms; "
        f"inputs {inputs or 'none'}, outputs {outputs or 'none'}."
    )


def _scores(motif: Motif) -> str:
    if not motif.scores:
        return "No scores yet.\n"
    head = "| task | score | 95 % | chance to ceiling | trials | spikes a trial |"
    line = "| --- | --- | --- | --- | --- | --- |"
    return "\n".join(["## Scores on held-out trials", "", head, line, *map(_score, motif.scores), ""])


def _score(score: MotifScore) -> str:
    return (
        f"| {_plain(score.task)} | {score.raw:.3f} | {score.low:.3f}–{score.high:.3f} | {score.normalised:.2f} | "
        f"{score.trials} | {score.spikes:.1f} |"
    )


def _provenance(motif: Motif) -> str:
    from_ = motif.provenance
    run = f", run {_plain(from_.run)}" if from_.run else ""
    seed = f", seed {from_.seed}" if from_.seed is not None else ""
    versions = ", ".join(f"{_plain(name)} {_plain(version)}" for name, version in from_.versions.items())
    return f"Origin: {_plain(from_.origin)}{run}{seed}{f' ({versions})' if versions else ''}.\n"


def _layer(layer: dict) -> str:
    values = [f"{name} {_plain(value)}" for name, value in layer.items() if name != "type"]
    return f"{layer['type']}: {', '.join(values)}" if values else layer["type"]


def _plain(value) -> str:
    """As one line without what Markdown or HTML would take for more than text."""
    return "".join(c for c in str(value) if c.isprintable() and c not in "`|<>[]")[:100]
