"""evocircuits: small circuits of excitatory and inhibitory spiking neurons, evolved and built into trained networks.

    import evocircuits as ec
    run = ec.evolve("localise", seed=1)
    motif = ec.Library().best("localise")
    layer = ec.nn.MotifLayer(motif, copies=32)

Everything is loaded when first used: importing the package loads neither Ray, PyTorch nor a database driver.
"""

from importlib import import_module
from importlib.metadata import version

_HOME = {
    "Circuit": "evocircuits.circuit",
    "Afferents": "evocircuits.circuit",
    "Genome": "evocircuits.genome",
    "InputError": "evocircuits.errors",
    "Library": "evocircuits.library",
    "Motif": "evocircuits.motif",
    "Record": "evocircuits.simulator",
    "ShortTerm": "evocircuits.plasticity",
    "SpikeTiming": "evocircuits.plasticity",
    "Spikes": "evocircuits.simulator",
    "SpikingAgent": "evocircuits.agent",
    "Stimulus": "evocircuits.simulator",
    "develop": "evocircuits.development",
    "evolve": "evocircuits.search.run",
    "load_recipe": "evocircuits.search.recipe",
    "read_motif": "evocircuits.exchange",
    "resume": "evocircuits.search.run",
    "simulate": "evocircuits.simulator",
    "write_motif": "evocircuits.exchange",
}
_MODULES = {
    "draw": "evocircuits.draw",
    "encode": "evocircuits.simulator.encode",
    "exchange": "evocircuits.exchange",
    "measure": "evocircuits.measure",
    "nn": "evocircuits.nn",
    "tasks": "evocircuits.tasks",
}

__all__ = [*_HOME, *_MODULES, "__version__"]


def __getattr__(name: str):
    if name == "__version__":
        return version("evocircuits")
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'evocircuits' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
