"""Reads one NIR file in a process of its own, with nothing of this package: HDF5 in, plain arrays out.

HDF5 files may link to other files, keep data in them, call filters that are loaded as plug-ins, and unpack to any size.
Here only what lies in the file itself is followed, each thing by its place, kind, size and name before it is touched;
gzip and shuffle, the filters that NIR files use, are undone here and not by HDF5, with an eye on what comes out.

HDF5 itself is a large library that damaged files can send astray: into gigabytes, endless loops or a crash. So it runs
where that does no harm: a process that can open no file, gets no more memory and has little time (`nir_file.py`).
"""

import io
import keyword
import re
import sys
import zipfile  # noqa: F401, which savez needs when no more files can be opened
import zlib

import numpy as np

MAX_NUMBERS = 2_000_000
"""Of all arrays of a graph together: 16 MB. A motif of 60 neurons and 1,000 synapses has 120,000."""
MAX_NODES = 1000
MAX_TEXT = 4_000_000
"""Characters of all texts together."""
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}(\.[A-Za-z0-9][A-Za-z0-9_]{0,63})*")
"""Names of nodes and fields; other tools make code of them."""
GZIP, SHUFFLE = 1, 2
"""HDF5's numbers of the two filters."""
MEMORY_BYTES, SECONDS = 120_000_000, 4
"""What reading may take, over what Python and its libraries take anyway."""


class Refused(Exception):
    """What is wrong with the file, in one line."""


def answer(content: bytes) -> tuple[int, bytes]:
    """Exit status and output for the content of a file: 0 and its arrays as .npz, or 3 and a line that says why not.

    The names of the arrays are their places, as `nodes/neurons/tau_mem`; texts are arrays of text.
    """
    import h5py

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            places = _places(_Reader(h5py).graph(file))
        output = io.BytesIO()
        np.savez(output, allow_pickle=False, **places)
        return 0, output.getvalue()
    except Refused as refusal:
        return 3, str(refusal).encode()
    except Exception as error:  # whatever HDF5, h5py and NumPy say to a damaged file
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        return 3, f"expected a NIR file; got one that HDF5 cannot read: {reason}".encode()


def confine(open_files: int = 3) -> None:
    """From now on: no files but those with the numbers below `open_files`, hardly more memory, a few seconds."""
    import resource

    limits = {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": 0, "RLIMIT_NOFILE": open_files, "RLIMIT_CPU": SECONDS}
    if (taken := _data_bytes()) is not None:
        limits["RLIMIT_DATA"] = taken + MEMORY_BYTES
    for name, limit in limits.items():
        resource.setrlimit(getattr(resource, name), (limit, limit))


def main() -> int:
    """Read the file's content from standard input; its arrays, or why not, go to standard output."""
    import h5py  # noqa: F401, before no more files can be opened

    content = sys.stdin.buffer.read()
    confine()
    status, output = answer(content)
    sys.stdout.buffer.write(output)
    return status


def _data_bytes() -> int | None:
    """Memory of its own that the process has by now, where the system tells it."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmData:"))
    except (OSError, StopIteration):
        return None


def _places(graph: dict, prefix: str = "") -> dict[str, np.ndarray]:
    places = {}
    for name, value in graph.items():
        if isinstance(value, dict):
            places |= _places(value, f"{prefix}{name}/")
        else:
            places[prefix + name] = np.asarray(value)
    return places


def _short(value) -> str:
    return repr(value)[:60]


class _Reader:
    """Reads one file; counts what it has read of numbers and text."""

    def __init__(self, h5py):
        self.h5py, self.numbers, self.text = h5py, 0, 0

    def graph(self, file) -> dict:
        root = self._members(file, "the file", 10)
        if not isinstance(root.get("node"), self.h5py.Group):
            raise Refused("expected a NIR file; got one without a graph")
        parts = self._members(root["node"], "node", 10)
        if self._field(parts.get("type"), "type") != "NIRGraph" or not {"nodes", "edges"} <= set(parts):
            raise Refused("expected a NIR file of one graph with nodes and edges; got another")
        nodes = self._members(parts["nodes"], "nodes", MAX_NODES)
        graph = {"nodes": {name: self._node(node, name) for name, node in nodes.items()}}
        graph["edges"] = self._edges(parts["edges"])
        graph["metadata"] = self._fields(parts["metadata"], "metadata") if "metadata" in parts else {}
        return graph

    def _members(self, group, where: str, most: int) -> dict:
        """What a group holds by name: groups and datasets that lie in this file."""
        if not isinstance(group, self.h5py.Group):
            raise Refused(f"{where}: expected a group; got {_short(type(group).__name__)}")
        if len(group) > most:
            raise Refused(f"{where}: expected at most {most} members; got {len(group)}")
        return {name: self._member(group, name, where) for name in map(_checked_name, group)}

    def _member(self, group, name: str, where: str):
        link = group.get(name, getlink=True)
        if type(link) is not self.h5py.HardLink:
            raise Refused(f"{where}: {name}: expected data of this file; got a {type(link).__name__}")
        return group[name]

    def _node(self, group, name: str) -> dict:
        node = self._fields(group, name)
        if not isinstance(node.get("type"), str):
            raise Refused(f"node {name!r}: expected the name of a type; got {_short(node.get('type'))}")
        return node

    def _fields(self, group, where: str) -> dict:
        fields = {}
        for name, member in self._members(group, where, 40).items():
            if isinstance(member, self.h5py.Group):
                if name != "metadata" or where == name:
                    raise Refused(
                        f"{where}: {name}: expected numbers or text; got a group: no graphs in graphs"
                    )
                fields[name] = self._fields(member, name)
            else:
                fields[name] = self._field(member, f"{where}: {name}")
        return fields

    def _field(self, dataset, where: str):
        """A dataset as text, number or array; its place, kind and size are looked at before it is read."""
        h5 = self.h5py
        if not isinstance(dataset, h5.Dataset):
            raise Refused(f"{where}: expected numbers or text; got {_short(type(dataset).__name__)}")
        plan = dataset.id.get_create_plist()  # looked at first: even a shape may lie in another file
        if plan.get_external_count() or plan.get_layout() == h5.h5d.VIRTUAL:
            raise Refused(f"{where}: expected data of this file; got data kept in others")
        kind = dataset.id.get_type().get_class()
        if kind == h5.h5t.STRING:
            texts = self._texts(dataset, where)
            return texts[0] if dataset.shape == () else texts
        if kind not in (h5.h5t.INTEGER, h5.h5t.FLOAT) or dataset.shape is None:
            raise Refused(f"{where}: expected numbers or text; got HDF5's class {kind}")
        self.numbers += max(1, dataset.size)
        if dataset.ndim > 4 or self.numbers > MAX_NUMBERS + 100 * MAX_NODES:
            raise Refused(f"{where}: expected at most {MAX_NUMBERS} numbers; got more")
        values = self._values(dataset, where)
        return values.item() if values.ndim == 0 else values

    def _values(self, dataset, where: str) -> np.ndarray:
        kind, plan, dtype = dataset.id.get_type(), dataset.id.get_create_plist(), dataset.dtype
        if dtype.kind not in "iuf" or dtype.itemsize > 8 or not kind.equal(self.h5py.h5t.py_create(dtype)):
            raise Refused(f"{where}: expected numbers of at most 8 bytes; got {dtype}")
        filters = [plan.get_filter(i)[0] for i in range(plan.get_nfilters())]
        if filters not in ([], [GZIP], [SHUFFLE, GZIP]):
            raise Refused(f"{where}: expected no filter but shuffle and gzip; got HDF5's filters {filters}")
        if plan.get_layout() == self.h5py.h5d.CHUNKED:
            return _from_chunks(dataset, plan.get_chunk(), filters, where)
        return dataset[()] if dataset.shape else np.asarray(dataset[()])

    def _texts(self, dataset, where: str) -> list[str]:
        """One by one, as all of them may be the same long one."""
        texts, plan = [], dataset.id.get_create_plist()
        if plan.get_layout() == self.h5py.h5d.CHUNKED:
            raise Refused(f"{where}: expected text as it is, in one piece; got chunks of it")
        longest = dataset.id.get_type().get_size()
        if dataset.shape is None or dataset.size > 8 * MAX_NODES or longest > MAX_TEXT:
            raise Refused(f"{where}: expected at most {8 * MAX_NODES} texts; got more")
        for place in np.ndindex(dataset.shape):
            text = dataset[place]
            self.text += len(text)
            if self.text > MAX_TEXT:
                raise Refused(f"{where}: expected at most {MAX_TEXT} characters; got more")
            texts.append(text.decode("utf-8") if isinstance(text, bytes) else str(text))
        return texts

    def _edges(self, dataset) -> list[tuple[str, str]]:
        names = self._field(dataset, "edges")
        if not isinstance(names, list) or dataset.ndim != 2 or dataset.shape[1] != 2:
            raise Refused("edges: expected pairs of names; got others")
        return list(zip(names[::2], names[1::2], strict=True))


def _checked_name(name: str) -> str:
    if not NAME.fullmatch(name) or any(keyword.iskeyword(part) for part in name.split(".")):
        raise Refused(f"expected names of letters, digits and _, no words of Python; got {_short(name)}")
    return name


def _from_chunks(dataset, chunk: tuple[int, ...], filters: list[int], where: str) -> np.ndarray:
    """A dataset put together from its chunks as they are stored; those that are not stored are 0."""
    n_bytes = dataset.dtype.itemsize * int(np.prod(chunk, dtype=object))
    n_chunks = dataset.id.get_num_chunks()
    if n_bytes > 8 * MAX_NUMBERS or n_chunks * n_bytes > 16 * MAX_NUMBERS:
        raise Refused(f"{where}: expected chunks of at most {16 * MAX_NUMBERS} bytes; got more")
    values = np.zeros(dataset.shape, dataset.dtype)
    for k in range(n_chunks):
        offset = dataset.id.get_chunk_info(k).chunk_offset
        skipped, content = dataset.id.read_direct_chunk(offset)
        if skipped:
            raise Refused(f"{where}: expected chunks through all filters; got some that skip one")
        piece = _unpacked(content, dataset.dtype, n_bytes, filters, where).reshape(chunk)
        room = tuple(slice(o, min(o + c, n)) for o, c, n in zip(offset, chunk, dataset.shape, strict=True))
        values[room] = piece[tuple(slice(0, part.stop - part.start) for part in room)]
    return values


def _unpacked(content: bytes, dtype: np.dtype, n_bytes: int, filters: list[int], where: str) -> np.ndarray:
    """One chunk's numbers; not a byte more is unpacked than there should be."""
    whole = True
    if GZIP in filters:
        inflater = zlib.decompressobj()
        content = inflater.decompress(content, n_bytes + 1)
        whole = inflater.eof
    if len(content) != n_bytes or not whole:
        raise Refused(f"{where}: expected chunks of {n_bytes} bytes; got others")
    if SHUFFLE in filters:
        content = np.frombuffer(content, np.uint8).reshape(dtype.itemsize, -1).T.tobytes()
    return np.frombuffer(content, dtype)


if __name__ == "__main__":
    sys.exit(main())
