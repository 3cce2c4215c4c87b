"""What `evocircuits.nn` does without the packages of its extra."""

import subprocess
import sys

SAY = """
import sys
for name in {missing}:
    sys.modules[name] = None
from evocircuits.errors import InputError
def say(call):
    try:
        call()
    except InputError as error:
        print(error)
"""


def said(missing: list[str], program: str) -> list[str]:
    code = SAY.format(missing=missing) + program
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_without_torch_it_names_the_install_command():
    program = "def load():\n    import evocircuits.nn\nsay(load)"
    assert said(["torch"], program) == [
        "evocircuits.nn needs PyTorch; install it with: pip install 'evocircuits[nn]'"
    ]


def test_scikit_learn_and_h5py_are_needed_only_for_data():
    program = (
        "import evocircuits.nn as nn\nsay(lambda: nn.load_data('digits'))\nsay(lambda: nn.MotifClassifier)\n"
    )
    program += "say(lambda: nn.read_spike_file('a.h5'))"
    lines = said(["sklearn", "h5py"], program)
    assert [line.partition(";")[0] for line in lines] == [
        "data needs scikit-learn",
        "MotifClassifier needs scikit-learn 1.6",
        "a.h5: needs h5py",
    ]
    assert all("pip install 'evocircuits[nn]'" in line for line in lines)
