"""Reads many NIR files as `read_nir` does, each in a confined process of its own, but forked: no start of Python each.

    python nir_forks.py FILE…      prints a line of JSON for each: status, seconds of CPU, MB that it took at most

and writes beside each file what its process answered, as FILE.answer.
"""

import json
import os
import sys
from pathlib import Path

import h5py  # noqa: F401, before there are forks

from evocircuits.exchange import nir_reader


def read_apart(path: Path) -> dict:
    content, target = path.read_bytes(), f"{path}.answer"
    receive, send = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(receive)
        status = 70
        try:
            nir_reader.confine(open_files=send + 1)
            status, output = nir_reader.answer(content)
            with os.fdopen(send, "wb") as pipe:
                pipe.write(output)
        finally:
            os._exit(status)
    os.close(send)
    with os.fdopen(receive, "rb") as pipe:
        Path(target).write_bytes(pipe.read())
    _, status, used = os.wait4(pid, 0)
    seconds = used.ru_utime + used.ru_stime
    return {"status": os.waitstatus_to_exitcode(status), "s": seconds, "MB": used.ru_maxrss / 1024}


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(json.dumps(read_apart(Path(name))), flush=True)
