"""A NIR file read as plain numbers and names, in a process of its own that a stranger's file can lead nowhere."""

import io
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from evocircuits.errors import InputError
from evocircuits.exchange import nir_reader

MAX_BYTES = 20_000_000
LONGEST_s = 120
"""A few seconds of work may take this long where many others want the machine."""


def read_graph(path: Path) -> dict:
    """The file's graph as `nir.NIRGraph.to_dict` would tell it: `nodes`, `edges` and `metadata`.

    Raises `InputError`, one line, for a file that is missing, larger than 20 MB, no HDF5, damaged, or that holds links,
    data kept elsewhere, other filters, kinds or names than NIR has, graphs in graphs, or more than 2 million numbers;
    and for one that takes more than 120 MB or 4 s.
    """
    content = _content(path)
    if find_spec("h5py") is None:
        raise InputError("NIR needs the package nir; install it with: pip install 'evocircuits[exchange]'")
    status, output = _read_apart(content)
    if status == 3:
        raise InputError(f"{path}: {output.decode('utf-8', errors='replace')}")
    if status != 0:
        raise InputError(
            f"{path}: expected a NIR file; got one that takes HDF5 more memory or time than it may, or ends it"
        )
    return graph_in(output)


def graph_in(output: bytes) -> dict:
    """The graph whose arrays `nir_reader.answer` put together."""
    graph = {"nodes": {}, "metadata": {}}
    with np.load(io.BytesIO(output), allow_pickle=False) as places:
        for place in places.files:
            *groups, name = place.split("/")
            group = graph
            for part in groups:
                group = group.setdefault(part, {})
            value = places[place]
            group[name] = value.item() if value.ndim == 0 else value
    return graph | {"edges": [tuple(pair) for pair in graph["edges"].tolist()]}


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise InputError(f"{path}: expected a NIR file; no such file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: expected a NIR file that can be read; {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise InputError(f"{path}: expected at most {MAX_BYTES} bytes; a motif's file is far smaller")
    return content


def _read_apart(content: bytes) -> tuple[int, bytes]:
    """Exit status and output of `nir_reader` as a program; −1 and nothing where it took too long."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HDF5_")}
    environment |= {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-P", nir_reader.__file__]  # -P: nothing is imported from beside it
    try:
        done = subprocess.run(
            command, input=content, capture_output=True, env=environment, timeout=LONGEST_s, check=False
        )
    except subprocess.TimeoutExpired:
        return -1, b""
    return done.returncode, done.stdout
