"""NIR files that are not what they seem: each a function that turns a good file into one that must be refused."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np


def _edited(edit: Callable[[h5py.File], None]) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            edit(file)

    return spoil


def _replaced(place: str, value) -> Callable[[Path], None]:
    """The dataset there with another value."""

    def edit(file: h5py.File) -> None:
        del file[place]
        file[place] = value

    return _edited(edit)


def _linked(place: str, link: Callable[[Path], object]) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            del file[place]
            file[place] = link(path)

    return spoil


def _secret(path: Path) -> str:
    """Another NIR file beside it, to be kept out."""
    secret = path.with_name("secret.h5")
    with h5py.File(secret, "w") as file:
        file["data"] = np.ones(5)
    return str(secret)


def _kept_elsewhere(path: Path) -> None:
    raw = path.with_name("raw")
    raw.write_bytes(bytes(40))
    with h5py.File(path, "r+") as file:
        del file["node/nodes/neurons/r"]
        file.create_dataset("node/nodes/neurons/r", (5,), float, external=[(os.fspath(raw), 0, 40)])


def _virtual(path: Path) -> None:
    layout = h5py.VirtualLayout((5,), float)
    layout[:] = h5py.VirtualSource(_secret(path), "data", (5,))
    with h5py.File(path, "r+") as file:
        del file["node/nodes/neurons/r"]
        file.create_virtual_dataset("node/nodes/neurons/r", layout)


def _filtered(file: h5py.File) -> None:
    """A filter that HDF5 would look for among its plug-ins."""
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((5,))
    plan.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (1,))
    del file["node/nodes/neurons/r"]
    space = h5py.h5s.create_simple((5,))
    h5py.h5d.create(file["node/nodes/neurons"].id, b"r", h5py.h5t.NATIVE_DOUBLE, space, plan)


def _lzf(file: h5py.File) -> None:
    del file["node/nodes/neurons/r"]
    file.create_dataset("node/nodes/neurons/r", data=np.ones(5), compression="lzf")


def _huge(file: h5py.File) -> None:
    """A terabyte of zeros that takes no room in the file."""
    del file["node/nodes/neurons/r"]
    file.create_dataset("node/nodes/neurons/r", (2**37,), float, chunks=(1000,), compression="gzip")


def _huge_chunk(file: h5py.File) -> None:
    del file["node/nodes/neurons/r"]
    made = file.create_dataset(
        "node/nodes/neurons/r", (5,), float, maxshape=(None,), chunks=(2**28,), compression="gzip"
    )
    made.id.write_direct_chunk((0,), zlib.compress(bytes(40)))


def _bomb(file: h5py.File) -> None:
    """A chunk of 40 bytes that unpacks to 400 MB."""
    packer = zlib.compressobj(9)
    first, next_ = (packer.compress(bytes(10**6)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    packed = first + 399 * next_ + packer.flush()
    del file["node/nodes/neurons/r"]
    made = file.create_dataset("node/nodes/neurons/r", (5,), float, chunks=(5,), compression="gzip")
    made.id.write_direct_chunk((0,), packed)


def _many_texts(file: h5py.File) -> None:
    del file["node/edges"]
    file.create_dataset(
        "node/edges", data=np.full((10_000, 2), b"neurons", dtype=object), dtype=h5py.string_dtype()
    )


def _long_fixed_text(file: h5py.File) -> None:
    del file["node/nodes/neurons/type"]
    file.create_dataset("node/nodes/neurons/type", (), "S5000000")


def _long_texts(file: h5py.File) -> None:
    for k in range(5):
        file[f"node/metadata/note_{k}"] = "x" * 1_000_000


def _many_nodes(file: h5py.File) -> None:
    for k in range(1100):
        file[f"node/nodes/extra_{k}/type"] = "LIF"


def _many_numbers(file: h5py.File) -> None:
    for k in range(5):
        made = file.create_dataset(f"node/nodes/extra_{k}/weight", (1000, 500), "i1", chunks=True)
        made.parent["type"] = "Linear"


def _nested(file: h5py.File) -> None:
    file.copy("node/nodes/input_0", "node/nodes/graph/nodes/input")
    file["node/nodes/graph/type"] = "NIRGraph"


def _loop_of_groups(file: h5py.File) -> None:
    file["node/nodes/neurons/metadata/metadata"] = file["node"]


def _compound(file: h5py.File) -> None:
    del file["node/nodes/neurons/r"]
    file["node/nodes/neurons/r"] = np.zeros(5, [("a", float), ("b", float)])


def _references(file: h5py.File) -> None:
    del file["node/nodes/neurons/r"]
    made = file.create_dataset("node/nodes/neurons/r", (5,), h5py.ref_dtype)
    made[:] = [file["node"].ref] * 5


def _opaque(file: h5py.File) -> None:
    """Bytes, as a pickle would come."""
    del file["node/nodes/neurons/r"]
    file["node/nodes/neurons/r"] = np.void(b"cos\nsystem\n(S'true'\ntR.")


def _empty(file: h5py.File) -> None:
    del file["node/nodes/neurons/r"]
    file["node/nodes/neurons/r"] = h5py.Empty(float)


def _named_type(file: h5py.File) -> None:
    del file["node/nodes/neurons/r"]
    file["node/nodes/neurons/r"] = np.dtype(float)


def _renamed(new: str) -> Callable[[Path], None]:
    def edit(file: h5py.File) -> None:
        file.move("node/nodes/axons", f"node/nodes/{new}")

    return _edited(edit)


def _edges(*pairs: tuple[str, str]) -> Callable[[Path], None]:
    """The good edges and these."""

    def edit(file: h5py.File) -> None:
        known = [tuple(name.decode() for name in pair) for pair in file["node/edges"][()]]
        del file["node/edges"]
        file["node/edges"] = [*known, *pairs]

    return _edited(edit)


def _forks(file: h5py.File) -> None:
    """A chain of thirty forks: a thousand million paths."""
    edges = [("neurons", "pass_0")]
    for k in range(30):
        for name in (f"pass_{k}", f"left_{k}", f"right_{k}"):
            file[f"node/nodes/{name}/type"] = "Scale"
            file[f"node/nodes/{name}/scale"] = np.ones(5)
        edges += [(f"pass_{k}", side) for side in (f"left_{k}", f"right_{k}")]
        edges += [(side, f"pass_{k + 1}") for side in (f"left_{k}", f"right_{k}")] if k < 29 else []
    known = [tuple(name.decode() for name in pair) for pair in file["node/edges"][()]]
    del file["node/edges"]
    file["node/edges"] = known + edges


def _scaled(place: str, factor: float) -> Callable[[Path], None]:
    def edit(file: h5py.File) -> None:
        value = file[place][()] * factor
        del file[place]
        file[place] = value

    return _edited(edit)


def _flipped_weight(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        weight = file["node/nodes/synapses/weight"][()]
        row, column = np.argwhere(weight > 0)[0]
        weight[row, column] *= -1
        del file["node/nodes/synapses/weight"]
        file["node/nodes/synapses/weight"] = weight


def _content(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:3000])


def _enlarged_superblock(path: Path) -> None:
    """The address of the end of the file set far beyond it."""
    content = bytearray(path.read_bytes())
    content[40:48] = struct.pack("<Q", 2**60)
    path.write_bytes(bytes(content))


NEURONS = "node/nodes/neurons"
SPOILT: dict[str, tuple[Callable[[Path], None], str]] = {
    "no HDF5": (_content(b"no HDF5"), "HDF5 cannot read"),
    "an empty file": (_content(b""), "HDF5 cannot read"),
    "a pickle": (_content(b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."), "HDF5 cannot read"),
    "a file that was cut": (_cut, "HDF5 cannot read"),
    "a file that lies about its end": (_enlarged_superblock, "HDF5 cannot read"),
    "a file that is too large": (lambda path: os.truncate(path, 20_000_001), "at most 20000000 bytes"),
    "a link to another file": (
        _linked(f"{NEURONS}/r", lambda path: h5py.ExternalLink(_secret(path), "data")),
        "got a ExternalLink",
    ),
    "the graph in another file": (_linked("node", lambda path: h5py.ExternalLink(_secret(path), "/")), "ExternalLink"),
    "a soft link": (_linked(f"{NEURONS}/r", lambda path: h5py.SoftLink(f"/{NEURONS}/v_reset")), "got a SoftLink"),
    "a soft link that goes nowhere": (_linked(f"{NEURONS}/r", lambda path: h5py.SoftLink("/x")), "got a SoftLink"),
    "numbers kept in another file": (_kept_elsewhere, "data kept in others"),
    "numbers seen through another file": (_virtual, "data kept in others"),
    "a filter of a plug-in": (_edited(_filtered), r"no filter but shuffle and gzip; got HDF5's filters \[32015\]"),
    "another filter": (_edited(_lzf), "no filter but shuffle and gzip"),
    "a terabyte of nothing": (_edited(_huge), "at most 2000000 numbers"),
    "a chunk of gigabytes": (_edited(_huge_chunk), "chunks of at most"),
    "a bomb of gzip": (_edited(_bomb), "expected chunks of 40 bytes"),
    "too many texts": (_edited(_many_texts), "at most 8000 texts"),
    "a text that is too long": (_edited(_long_fixed_text), "at most 8000 texts"),
    "texts that are too long together": (_edited(_long_texts), "at most 4000000 characters"),
    "too many nodes": (_edited(_many_nodes), "at most 1000 members"),
    "too many numbers": (_edited(_many_numbers), "at most 2000000 numbers"),
    "a graph in a graph": (_edited(_nested), "no graphs in graphs"),
    "a group in itself": (_edited(_loop_of_groups), "no graphs in graphs"),
    "a record": (_edited(_compound), "got HDF5's class"),
    "references": (_edited(_references), "got HDF5's class"),
    "opaque bytes": (_edited(_opaque), "got HDF5's class"),
    "no value": (_edited(_empty), "expected numbers or text"),
    "a type in place of numbers": (_edited(_named_type), "expected numbers or text; got 'Datatype'"),
    "a name that is code": (_renamed("__import__('os')"), "names of letters, digits and _"),
    "a name that goes up": (_renamed(".."), "HDF5 cannot read|names of letters"),
    "a name that is a word of Python": (_renamed("lambda"), "no words of Python"),
    "a name with a line break": (_renamed("a\nb"), "names of letters, digits and _"),
    "a name that is too long": (_renamed("a" * 65), "names of letters, digits and _"),
    "an edge to nowhere": (_edges(("neurons", "nothing")), "edges between nodes"),
    "an edge twice": (_edges(("neurons", "axons")), "expected distinct edges"),
    "a loop of matrices": (_edges(("axons", "delays_0"), ("delays", "delays")), "edges between|paths that end"),
    "a loop that never ends": (_edges(("delays", "delays")), "paths that end at neurons or outputs"),
    "forks of forks": (_edited(_forks), "paths that end at neurons or outputs"),
    "a type that is none": (_replaced(f"{NEURONS}/type", "os.system"), "expected one of Input, Output"),
    "a type that is a number": (_replaced(f"{NEURONS}/type", 3), "the name of a type"),
    "a shape that is negative": (_replaced("node/nodes/input_0/shape", [-1]), "a shape of one dimension"),
    "a shape that is huge": (_replaced("node/nodes/input_0/shape", [2**40]), "a shape of one dimension"),
    "constants of unequal number": (_replaced(f"{NEURONS}/r", np.ones(4)), "equally many values"),
    "a time constant that is not a number": (_replaced(f"{NEURONS}/tau_mem", [np.nan] * 5), "finite numbers"),
    "a time constant below 0": (_replaced(f"{NEURONS}/tau_mem", -np.ones(5)), "expected values > 0"),
    "a matrix of one dimension": (_replaced("node/nodes/synapses/weight", np.ones(5)), "in 2 dimension"),
    "a delay that never ends": (_scaled("node/nodes/delays/delay", np.inf), "finite numbers"),
    "a step of time that is none": (_replaced("node/metadata/dt_ms", 0.0), "dt_ms: expected a finite number > 0"),
    "a genome that is none": (_replaced("node/metadata/genome", "[" * 100_000), "expected a genome as JSON"),
    "a synapse against Dale's law": (_flipped_weight, "Dale's law"),
    "an input that inhibits": (_scaled("node/nodes/input_0_synapses/weight", -1.0), "as input channels excite"),
    "an output that is a mixture": (_scaled("node/nodes/output_0_taps/weight", 0.5), "one neuron's spikes"),
}  # fmt: skip
"""What a good file is turned into, by which function, and what is then said."""
