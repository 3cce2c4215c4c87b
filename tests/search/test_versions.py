import platform

import numpy
import pytest

from evocircuits.errors import InputError
from evocircuits.search.versions import INSTALLED, check_machine, versions


def test_versions_are_those_of_what_is_imported():
    assert versions()["numpy"] == numpy.__version__
    assert versions()["python"] == platform.python_version()
    assert set(versions()) == {"python", "evocircuits", *INSTALLED}


def test_a_machine_has_its_own_versions():
    check_machine(versions())


def test_the_versions_of_this_package_and_of_python_are_not_compared():
    check_machine(versions() | {"evocircuits": "0.0.1", "python": "3.99"})


def test_other_versions_are_named_with_what_to_do():
    others = versions() | {"numba": "0.1.2", "deap": "9.9"}
    here = versions()["numba"]
    with pytest.raises(InputError) as refusal:
        check_machine(others)
    assert str(refusal.value) == (
        f"cluster: expected numba 0.1.2 on every node, as on this one; {platform.node()} has {here} "
        "(there: pip install numba==0.1.2 deap==9.9)"
    )
