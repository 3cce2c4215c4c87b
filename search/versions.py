"""The versions that a run's bits depend on: the same on every machine that works for it."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from platform import node, python_version

from evocircuits.errors import InputError

INSTALLED = ("numpy", "numba", "deap", "ribs", "gymnasium")
"""Beside this package, which travels to the machines of a cluster."""


def versions() -> dict[str, str]:
    """Of Python, of this package and of those it computes with, here."""
    return {"python": python_version(), "evocircuits": version("evocircuits")} | _installed()


def check_machine(expected: dict[str, str]) -> None:
    """Raises `InputError` unless this machine has the `versions` of another."""
    _check(tuple((name, expected[name]) for name in INSTALLED))


@cache
def _check(expected: tuple[tuple[str, str], ...]) -> None:
    here = _installed()
    if wrong := [(name, wanted) for name, wanted in expected if here[name] != wanted]:
        name, wanted = wrong[0]
        remedy = " ".join(f"{name}=={wanted}" for name, wanted in wrong)
        raise InputError(
            f"cluster: expected {name} {wanted} on every node, as on this one; {node()} has {here[name]} "
            f"(there: pip install {remedy})"
        )


def _installed() -> dict[str, str]:
    return {name: _version(name) for name in INSTALLED}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
