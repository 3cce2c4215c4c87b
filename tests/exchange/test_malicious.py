"""Motif files that mean harm: refused in one line, without running or reading anything else."""

import copy
import gzip
import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from evocircuits.exchange import read_motif, write_motif
from evocircuits.exchange.motif_file import MAX_BYTES
from tests.library.motifs import motif, score

FUZZED = 500
SECONDS, MEGABYTES = 5.0, 200


class Payload:
    def __reduce__(self):
        return os.system, ("touch pwned",)


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../pwned", "x")
    return buffer.getvalue()


NO_MOTIF_FILES = {
    "empty": b"",
    "zeros": bytes(1000),
    "text": b"import os; os.system('touch pwned')",
    "pickle": pickle.dumps(Payload()),
    "pickle within JSON's first byte": b"[" + pickle.dumps(Payload()),
    "zip": zipped(),
    "gzip bomb": gzip.compress(bytes(50_000_000)),
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(500),
    "SQLite": b"SQLite format 3\0" + bytes(500),
    "YAML that runs": b'!!python/object/apply:os.system ["touch pwned"]',
    "XML that expands": b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>',
    "UTF-16": '{"format": "evocircuits-motif"}'.encode("utf-16"),
    "overlong UTF-8": b'{"format": "\xc0\xaf"}',
    "half a surrogate": b'{"format": "evocircuits-motif", "version": 1, "id": "\\ud800"}',
    "deep lists": b"[" * 1_000_000 + b"]" * 1_000_000,
    "deep objects": b'{"a":' * 500_000 + b"1" + b"}" * 500_000,
    "open lists": b"[" * (MAX_BYTES - 1),
    "many empty lists": b"[" + b"[]," * (MAX_BYTES // 3 - 2) + b"[]]",
    "many empty objects": b"[" + b"{}," * (MAX_BYTES // 3 - 2) + b"{}]",
    "many numbers": b"[" + b"1e9," * (MAX_BYTES // 4 - 2) + b"1]",
    "many names": b"{" + b",".join(b'"%d":0' % k for k in range(350_000)) + b"}",
    "one long text": b'"' + b"x" * (MAX_BYTES - 2) + b'"',
    "escapes": b'"' + b"\\u0041" * (MAX_BYTES // 6 - 2) + b'"',
    "a number of many digits": b"[" + b"9" * 3_900_000 + b"]",
    "a large file": b" " * (MAX_BYTES + 1),
    "a remote schema": b'{"$schema": "file:///etc/passwd", "$ref": "http://localhost/"}',
}

SET = {  # place → value, in an else good file
    "a class by name": (("__class__",), "os.system"),
    "a version to come": (("version",), 2),
    "a version that is true": (("version",), True),
    "an id that is a path": (("id",), "../../etc/passwd"),
    "another circuit's id": (("id",), "0" * 64),
    "a step of nought": (("dt_ms",), 0),
    "a step in words": (("dt_ms",), "0.1"),
    "a step without end": (("dt_ms",), 10**400),
    "a negative weight": (("circuit", "weight_pA", 0), -1.0),
    "a weight in words": (("circuit", "weight_pA", 0), "1.0"),
    "a weight that is a list": (("circuit", "weight_pA", 0), [1.0]),
    "a weight beyond floats": (("circuit", "weight_pA", 0), 10**400),
    "a delay of nought": (("circuit", "delay_ms", 0), 0.0),
    "an index beyond": (("circuit", "target", 0), 10**6),
    "an index below": (("circuit", "source", 0), -1),
    "an index beyond 64 bits": (("circuit", "source", 0), 2**70),
    "an index in halves": (("circuit", "source", 0), 0.5),
    "a column too short": (("circuit", "delay_ms"), [1.0]),
    "a column that is none": (("circuit", "delay_ms"), {"0": 1.0}),
    "a billion channels": (("circuit", "inputs", "ear", "channels"), 10**9),
    "channels below nought": (("circuit", "inputs", "ear", "channels"), -1),
    "an output beyond": (("circuit", "outputs", "place", 0), 10**9),
    "a time constant of nought": (("circuit", "tau_m_ms", 0), 0.0),
    "a threshold below its reset": (("circuit", "threshold_mV", 0), -1.0),
    "a model to import": (("circuit", "model"), "os.system"),
    "a rule to import": (("circuit", "plasticity"), [{"rule": "__import__", "name": "os"}]),
    "a column to set": (("circuit", "__dict__"), {}),
    "a billion neurons": (("genome", "populations", 0, "size"), 10**9),
    "more neurons than the circuit": (("genome", "populations", 1, "size"), 9),
    "a population without size": (("genome", "populations", 0, "size"), 0),
    "a projection from nowhere": (("genome", "projections", 0, "source"), 7),
    "an unknown pattern": (("genome", "projections", 0, "pattern", "kind"), "eval"),
    "a pattern's seed below nought": (("genome", "projections", 0, "pattern", "seed"), -1),
    "a gene that is a list": (("genome", "populations", 0), []),
    "parents in one text": (("provenance", "parents"), "aa"),
    "a recipe that is code": (("provenance", "recipe"), "lambda: 0"),
    "an epoch in words": (("provenance", "epoch"), "1"),
    "a class as provenance": (("provenance", "__init__"), "x"),
    "scores by name": (("scores",), {"order": 1}),
    "a score without trials": (("scores", 0, "trials"), 0),
    "a score above its interval": (("scores", 0, "raw"), 2.0),
    "a score that is true": (("scores", 0, "raw"), True),
    "a score of another kind": (("scores", 0, "code"), "x"),
    "half a surrogate as a name": (("scores", 0, "task"), "\ud800"),
}

READ_ALL = """
import gc, json, sys, time
from pathlib import Path

from evocircuits.errors import InputError
from evocircuits.exchange import read_motif

folder = Path(sys.argv[1])
read_motif(folder / "good")  # what is loaded when first used is loaded now
now, seen = None, []
ANY = ("exec", "compile", "import", "os.", "subprocess.", "socket.", "ctypes.", "pickle.", "marshal.", "shutil.")


def watch(event, arguments):
    if now is not None and (event.startswith(ANY) or (event == "open" and str(arguments[0]) != str(now))):
        seen.append([now.name, event, str(arguments)[:80]])


sys.addaudithook(watch)


def peak_MB():  # the most memory held since it was last asked
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    Path("/proc/self/clear_refs").write_text("5")
    return int(line.split()[1]) / 1024


said = {}
peak_MB()
for path in sorted(folder.iterdir()):
    began, now = time.process_time(), path
    try:
        answer = "taken: " + read_motif(path).id
    except InputError as error:
        answer = "refused: " + str(error)
    now = None
    said[path.name] = [answer, time.process_time() - began, peak_MB()]
    gc.collect()
print(json.dumps({"said": said, "seen": seen}))
"""


def fuzzed(good: bytes, rng: np.random.Generator) -> bytes:
    """The file with one to three things done to it: bytes changed, cut, doubled, or something odd put in."""
    odd = (
        b"null",
        b"-1",
        b"1e308",
        b"[]",
        b"{}",
        b'"x"',
        b"true",
        b"9" * 30,
        b'"\\u0000"',
        b",",
        b"[[[[",
        b"NaN",
        b"//",
    )
    data = bytearray(good)
    for _ in range(rng.integers(1, 4)):
        at, length = int(rng.integers(len(data))), int(rng.integers(1, 40))
        match rng.integers(5):
            case 0:
                data[at] ^= 1 << int(rng.integers(8))
            case 1:
                del data[at : at + length]
            case 2:
                data[at:at] = data[at : at + length]
            case 3:
                data[at : at + length] = odd[int(rng.integers(len(odd)))]
            case 4:
                del data[max(2, at) :]
    return bytes(data)


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict:
    """What one process says about every file, in the order of their names, and what else it did."""
    folder = tmp_path_factory.mktemp("malicious")
    write_motif(motif(0.6, score()), folder / "good")
    good = (folder / "good").read_bytes()
    for name, content in NO_MOTIF_FILES.items():
        (folder / name.replace("/", " ")).write_bytes(content)
    for name, (place, value) in SET.items():
        changed = inner = copy.deepcopy(json.loads(good))
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value
        (folder / name).write_text(json.dumps(changed))
    rng = np.random.default_rng(15)
    for k in range(FUZZED):
        (folder / f"fuzzed {k:03}").write_bytes(fuzzed(good, rng))
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL, str(folder)], capture_output=True, text=True, cwd=os.getcwd()
    )
    assert done.returncode == 0, done.stderr
    assert not Path("pwned").exists()
    return json.loads(done.stdout)


def test_there_are_enough_of_them(told):
    assert len(NO_MOTIF_FILES) + len(SET) >= 40
    assert len(told["said"]) == 1 + len(NO_MOTIF_FILES) + len(SET) + FUZZED


@pytest.mark.parametrize("name", [*NO_MOTIF_FILES, *SET])
def test_crafted_files_are_refused_in_one_line(told, name):
    answer, seconds, peak_MB = told["said"][name.replace("/", " ")]
    assert answer.startswith("refused: ")
    assert "\n" not in answer
    assert len(answer) < 600
    assert seconds < SECONDS
    assert peak_MB < MEGABYTES


def test_fuzzed_files_are_refused_or_hold_the_same_circuit(told):
    answers = [told["said"][f"fuzzed {k:03}"] for k in range(FUZZED)]
    taken = [answer for answer, _, _ in answers if answer.startswith("taken: ")]
    assert set(taken) <= {f"taken: {motif(0.6).id}"}
    assert len(taken) < FUZZED / 4
    assert max(seconds for _, seconds, _ in answers) < SECONDS
    assert max(peak_MB for _, _, peak_MB in answers) < MEGABYTES


def test_nothing_is_run_nor_read_but_the_file(told):
    assert told["seen"] == []


@pytest.mark.parametrize("place", ["/dev/zero", "/proc/self/mem", "fifo"])
def test_what_is_no_plain_file_is_not_waited_for(tmp_path, place):
    if place == "fifo":
        place = str(tmp_path / "fifo")
        os.mkfifo(place)
    with pytest.raises(ValueError, match="expected"):
        read_motif(place)
