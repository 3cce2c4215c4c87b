"""`scripts/bench NAME… [--json FILE] [--readme]`: each benchmark is a module here with `measure() -> list[Row]`,
perhaps a `NOTE` on its figures, and perhaps a table of the README that `write_readme` renews.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

import report

sys.path.insert(1, str(Path(__file__).parents[2]))  # the tests' NEST twin is used here too

DEFAULT = ("simulator", "tasks", "search", "nn", "library")
BENCHES = (*DEFAULT, "certificate", "cluster", "faults", "browse")


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure this clone on this machine.")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"{', '.join(BENCHES)}, or a group of one, as search:reach; default: {', '.join(DEFAULT)}",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON")
    parser.add_argument("--readme", action="store_true", help="also renew their tables in README.md")
    arguments = parser.parse_args()
    asked = [name.partition(":")[::2] for name in arguments.names or DEFAULT]
    unknown = sorted({name for name, _ in asked} - set(BENCHES))
    if unknown:
        parser.error(f"unknown benchmark {unknown[0]!r}: expected {', '.join(BENCHES)}")
    benches, rows = [import_module(name) for name, _ in asked], []
    for bench, (name, part) in zip(benches, asked, strict=True):
        if part and part not in getattr(bench, "GROUPS", ()):
            parser.error(
                f"unknown group {part!r} of {name}: expected {', '.join(getattr(bench, 'GROUPS', ['none']))}"
            )
        measured = bench.measure((part,)) if part else bench.measure()
        if arguments.readme and hasattr(bench, "write_readme"):
            bench.write_readme(measured)
        rows += measured
    notes = [bench.NOTE for bench in benches if hasattr(bench, "NOTE")]
    report.show(rows, notes)
    if arguments.json:
        report.write(rows, arguments.json, notes)
    return 0 if all(row.ok is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
