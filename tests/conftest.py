"""Shared by all tests: one Ray cluster per session, GPU tests only where there is one, and no skips in CI.

Where several processes share the tests, those of a file stay together, and all files that use Ray are one's.
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

LONGEST = "test_readme.py"
"""The file that is begun first, so that at the end nobody waits for it."""
NO_SKIPS = os.environ.get("EVOCIRCUITS_NO_SKIPS") == "1"


settings.register_profile("compiling", deadline=None)
settings.load_profile("compiling")  # whoever comes first may have to compile


@pytest.fixture(scope="session")
def ray_executor() -> Iterator:
    """Two workers on a local Ray cluster, started when first asked for and shared by the whole session."""
    from evocircuits.search.ray_executor import RayExecutor

    with RayExecutor(workers=2) as executor:
        yield executor


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first, and name each test's group: whoever runs one of them runs all."""
    items.sort(key=lambda item: item.path.name != LONGEST)
    on_ray = {item.path for item in items if _uses_ray(item)}
    for item in items:
        item.add_marker(pytest.mark.xdist_group("ray" if item.path in on_ray else str(item.path)))


def _uses_ray(item: pytest.Item) -> bool:
    chosen = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return "ray_executor" in item.fixturenames or any(
        isinstance(value, str) and value == "ray" for value in chosen
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests marked `gpu` need a CUDA device."""
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no CUDA device")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """Where skips are not allowed, a skipped test has failed; expected failures and GPU tests excepted."""
    report = yield
    expected = hasattr(report, "wasxfail") or item.get_closest_marker("gpu")
    return report if expected else _refused(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):
    """The same for a module that skips itself."""
    return _refused((yield))


def _refused(report):
    if NO_SKIPS and report.outcome == "skipped":
        report.outcome = "failed"
        report.longrepr = f"skipped, and EVOCIRCUITS_NO_SKIPS is set: {report.longrepr}"
    return report
