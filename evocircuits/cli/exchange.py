"""Verbs by which motifs leave for other tools and come in: `export` and `import`."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from evocircuits.cli.options import AsJson, LibraryUrl, MotifId, app, print_json
from evocircuits.errors import InputError

Format = Literal["motif", "nir", "nest", "hub"]
ENDINGS: dict[Format, str] = {"motif": ".motif.json", "nir": ".nir", "nest": ".nest.py", "hub": ""}
"""Of the names that are given to files where the user gives none."""


@app.command("export")
def export(
    id: MotifId,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Where to write; default: its id, here.")
    ] = None,
    to: Annotated[
        Format, typer.Option(help="The motif file; NIR; a script for NEST; a folder for a model hub.")
    ] = "motif",
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="The same as FILE.")] = None,
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Write a motif for others to use.

    What a format cannot say is refused and not left out: NIR knows no plasticity.

    \b
    Examples:
      evocircuits export 3fa9 it.motif.json
      evocircuits export best:order --to nir -o order.nir
      evocircuits export best:order --to nest
    """
    from evocircuits.library import Library

    if file and out:
        raise InputError(f"export: expected one place to write to; got {file} and {out}")
    motif = Library(library).get(id)
    path = file or out or Path(f"{motif.id[:8]}{ENDINGS[to]}")
    _writer(to)(motif, path)
    if as_json:
        print_json({"id": motif.id, "file": str(path)})
    else:
        print(f"{motif.id[:8]} written to {path}")


@app.command("import")
def import_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Motif files, .nir files, folders of --to hub.")
    ],
    dt_ms: Annotated[
        float | None,
        typer.Option("--dt-ms", metavar="MS", help="Time step of .nir files; default: the one they name."),
    ] = None,
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Add motifs from files to the library.

    All of them, or none when one is malformed. What a file claims as scores is not taken over: each is measured
    anew here.

    \b
    Examples:
      evocircuits import it.motif.json other.motif.json
      evocircuits import order.nir
    """
    from evocircuits.library import Library
    from evocircuits.measure import rescored

    motifs = [rescored(_read(file, dt_ms)) for file in files]
    Library(library).add(motifs)
    if as_json:
        print_json({"imported": [motif.id for motif in motifs]})
    else:
        for motif, file in zip(motifs, files, strict=True):
            print(f"{motif.id[:8]} from {file}")


def _writer(to: Format) -> Callable:
    """What writes a motif to a path."""
    from evocircuits import exchange

    writers = {
        "motif": exchange.write_motif,
        "nir": exchange.write_nir,
        "nest": exchange.write_nest,
        "hub": exchange.save_pretrained,
    }
    return writers[to]


def _read(path: Path, dt_ms: float | None):
    """The motif in a motif file, a NIR file or a folder. What NIR left open is said on standard error."""
    from evocircuits.exchange import read_motif, read_motif_folder

    if path.suffix == ".nir":
        return _from_nir(path, dt_ms)
    return read_motif_folder(path) if path.is_dir() else read_motif(path)


def _from_nir(path: Path, dt_ms: float | None):
    from evocircuits.development import develop
    from evocircuits.exchange import read_nir
    from evocircuits.measure.direct import direct_genome
    from evocircuits.motif import Motif, Provenance

    found = read_nir(path, dt_ms=dt_ms)
    for note in found.notes:
        print(f"{path}: {note}", file=sys.stderr)
    genome = found.genome
    if genome is None or develop(genome, dt_ms=found.dt_ms).id != found.circuit.id:
        genome = direct_genome(found.circuit)
    if genome is None:
        raise InputError(
            f"{path}: expected a circuit that genes can say: iaf_psc_exp, reset to 0, thresholds > 0, and each output "
            "an excitatory neuron that serves no other"
        )
    return Motif(genome, develop(genome, dt_ms=found.dt_ms), found.dt_ms, Provenance("imported"))
