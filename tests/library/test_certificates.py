import pytest

from evocircuits.certificate import Certificate, Finding, Structure, Verdict
from evocircuits.errors import InputError
from tests.library.motifs import motif


def certificate(
    id: str, *, trials: int = 100, effect: float = -0.4, structures: tuple[str, ...] = ()
) -> Certificate:
    finding = Finding(
        "knock-out", "inhibition", "without inhibition", effect, -0.5, -0.3, 0.001, 0.001, 0.5, trials
    )
    return Certificate(
        motif=id,
        task="order",
        trials=trials,
        seed=1,
        score=0.9,
        low=0.88,
        high=0.92,
        findings=(finding,),
        verdicts=(Verdict("necessary", "inhibition is necessary", "inhibition"),),
        census=(),
        structures=tuple(Structure(name, 2, "E1 → I1 → E1") for name in structures),
        minimal=None,
        notes=(),
        version="0.1.0",
    )


def test_come_back_equal_those_over_most_trials_first(library):
    library.add([motif(0.6)])
    few, many = certificate(motif(0.6).id), certificate(motif(0.6).id, trials=1000)
    library.add_certificate(few)
    library.add_certificate(many)
    assert library.certificates(motif(0.6).id[:8]) == [many, few]


def test_over_the_same_trials_replace_each_other(library):
    library.add([motif(0.6)])
    library.add_certificate(certificate(motif(0.6).id, structures=("disinhibition",)))
    later = certificate(motif(0.6).id, effect=-0.35, structures=("mutual inhibition",))
    library.add_certificate(later)
    assert library.certificates(motif(0.6).id) == [later]
    assert library.listing(structure="disinhibition") == []


def test_are_of_motifs_of_the_library(library):
    with pytest.raises(InputError, match="motif 'feed': expected an id"):
        library.add_certificate(certificate("feed"))
    library.add([motif(0.6)])
    assert library.certificates(motif(0.6).id) == []
