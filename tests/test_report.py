from dataclasses import replace

import pytest

from evocircuits import report
from evocircuits.plasticity import ShortTerm, SpikeTiming
from evocircuits.tasks import get_task
from tests.library.motifs import motif, score


@pytest.mark.parametrize(
    ("pJ", "text"), [(1.8, "1.80 pJ"), (999.4, "999 pJ"), (1307.0, "1.31 nJ"), (2.5e6, "2.50 µJ")]
)
def test_energy_is_written_in_the_unit_that_keeps_it_short(pJ, text):
    assert report.energy(pJ) == text


def test_text_from_outside_cannot_drive_the_terminal():
    assert report.printable("a\x1b[31mb\nc") == "a [31mb c"


def test_table_aligns_names_left_and_numbers_right(capsys):
    report.print_table(("name", "n"), [("a", "1"), ("long one", "100")], indent=2)
    assert capsys.readouterr().out == "  name        n\n  a           1\n  long one  100\n"


def test_summary_takes_the_score_asked_for():
    both = motif(0.6, score(0.7), score(0.9, task="localise"))
    assert report.summary(both, "localise")["score"]["raw"] == 0.9
    assert report.summary(both, "order")["score"]["raw"] == 0.7
    assert report.summary(both, "burst")["score"] is None


def test_genome_names_populations_by_polarity_in_order(capsys):
    report.print_genome(get_task("order").reference())
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()[:3]] == ["population", "E1", "I1"]
    assert "a → E1" in out
    assert "I1 → E1" in out


def test_a_genome_with_plasticity_says_which_projection_follows_which_rule(capsys):
    genome = get_task("order").reference()
    first, second, *others = genome.projections
    bound = 2 * second.strength
    changed = [
        replace(first, plasticity=ShortTerm(0.25, 400.0, 30.0)),
        replace(second, plasticity=SpikeTiming(bound, learning_rate=0.02)),
    ]
    report.print_genome(genome.with_genes(projections=[*changed, *others]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[-len(genome.projections) - 1].split()[-1] == "plasticity"
    told = [line.split("  ")[-1] for line in lines[-len(genome.projections) :]]
    assert told[0] == "short-term U 0.25, rec. 400, fac. 30 ms"
    assert told[1] == f"spike timing ≤ {bound:.3g}, λ 0.02, α 1, μ 1/1"
    assert set(told[2:]) <= {"–"}


def test_training_notes_follow_the_table(capsys):
    arm = {"motif": {"mean": 0.9, "low": 0.8, "high": 1.0}}
    names = ("test_accuracy", "spikes", "synaptic_events", "parameters")
    runs = [{"seed": 0}, {"seed": 1}]
    report.print_training({"summary": dict.fromkeys(names, arm), "runs": runs, "notes": ["too small"]})
    out = capsys.readouterr().out.splitlines()
    assert out[1].split()[:3] == ["motif", "90.0%", "10.0%"]
    assert out[-1] == "Note: too small."
