import json
from dataclasses import replace

import pytest

from evocircuits import report
from evocircuits.motif import Motif
from evocircuits.plasticity import ShortTerm, SpikeTiming
from evocircuits.search.run import Run
from evocircuits.tasks import get_task
from tests.library.motifs import motif, score
from tests.search.small import small, users_tasks


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


CREDIT = {"found": {"uses": 8, "better": 8, "kept": 5}, "split": {"uses": 4, "better": 1, "kept": 0}}


def finished(*motifs: Motif, **changes) -> Run:
    """A run that found those motifs within two epochs."""
    islands = [{"operators": CREDIT}, {"operators": {"found": {"uses": 2, "better": 1, "kept": 1}}}]
    reports = tuple({"evaluations": 20, "simulated_s": 1.5, "islands": islands} for _ in range(2))
    plain = dict(
        id="order-s1-abc",
        recipe=small(),
        motifs=motifs,
        references=(score(0.95),),
        reports=reports,
        seconds=7.0,
    )
    return Run(**plain | changes)


class TestRun:
    def test_document_says_what_was_spent_and_found(self):
        one, two = motif(0.6, score(0.9)), motif(0.5, score(0.7))
        document = report.run_document(finished(one, two))
        json.dumps(document, allow_nan=False)
        assert (document["run"], document["status"], document["search"]) == (
            "order-s1-abc",
            "finished",
            "evolution",
        )
        spent = (document["epochs"], document["evaluations"], document["simulated_s"], document["seconds"])
        assert spent == (2, 40, 3.0, 7.0)
        assert [w["id"] for w in document["winners"]] == [one.id, two.id]
        assert [w["score"]["raw"] for w in document["winners"]] == [0.9, 0.7]
        assert document["references"] == {"order": vars(score(0.95))}
        assert (document["chance"], document["ceiling"]) == ({"order": 0.5}, {"order": 1.0})
        assert document["operators"]["found"] == {"uses": 20, "better": 18, "kept": 12}
        assert document["archive"] == []

    def test_document_of_a_generalist_has_a_winner_for_each_task(self, tmp_path):
        recipe = small(task=users_tasks(tmp_path, "Fore", "Late"))
        both = motif(0.6, score(0.9, task="fore"), score(0.7, task="late"))
        run = finished(both, recipe=recipe, references=(None, score(0.95, task="late")))
        document = report.run_document(run)
        assert [w["score"]["task"] for w in document["winners"]] == ["fore", "late"]
        assert document["references"] == {"fore": None, "late": vars(score(0.95, task="late"))}

    def test_prints_winners_beside_reference_ceiling_and_chance(self, capsys):
        one = motif(0.6, score(0.9))
        report.print_run(finished(one, archive=({"motif": one.id},) * 3))
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "run order-s1-abc finished: 2 epochs, 40 evaluations, 7 s"
        rows = [
            line.split()[:4] for line in lines if line.split()[1:2] and line.split()[1][:2] in ("0.", "1.")
        ]
        assert rows == [
            [one.id[:8], "0.900", "0.030", "0.80"],
            ["hand-wired", "0.950", "0.030", "0.90"],
            ["ceiling", "1.000", "1.00"],
            ["chance", "0.500", "0.00"],
        ]
        text = "\n".join(lines)
        assert "Scores on 1000 trials never used in the search" in text
        assert "3 elites of its archives are motifs too." in text
        assert "Children that stayed, by operator: found 12 of 20." in text
        assert f"evocircuits show {one.id[:8]}" in text

    def test_without_a_reference_prints_none(self, tmp_path, capsys):
        recipe = small(task=users_tasks(tmp_path, "Fore"))
        report.print_run(finished(motif(0.6, score(0.9, task="fore")), recipe=recipe, references=(None,)))
        assert "hand-wired" not in capsys.readouterr().out

    def test_that_found_nothing_says_so(self, capsys):
        report.print_run(finished())
        out = capsys.readouterr().out
        assert "No circuit did better than chance" in out
        assert report.run_document(finished())["winners"] == []

    def test_in_which_no_operator_had_a_part_says_nothing_of_them(self, capsys):
        quiet = tuple(
            {"evaluations": 1, "simulated_s": 1.0, "islands": [{"operators": {}}]} for _ in range(2)
        )
        report.print_run(finished(motif(0.6, score(0.9)), reports=quiet))
        assert "operator" not in capsys.readouterr().out


def test_training_notes_follow_the_table(capsys):
    arm = {"motif": {"mean": 0.9, "low": 0.8, "high": 1.0}}
    names = ("test_accuracy", "spikes", "synaptic_events", "parameters")
    runs = [{"seed": 0}, {"seed": 1}]
    report.print_training({"summary": dict.fromkeys(names, arm), "runs": runs, "notes": ["too small"]})
    out = capsys.readouterr().out.splitlines()
    assert out[1].split()[:3] == ["motif", "90.0%", "10.0%"]
    assert out[-1] == "Note: too small."
