"""Operators from a user's file."""

from dataclasses import replace

import numpy as np
import pytest

from evocircuits.errors import InputError
from evocircuits.search.operators.own import own_operator
from evocircuits.search.variation import found, mutate
from tests.search.spaces import PLASTIC, STATIC, assert_within, grown

SPACE = STATIC[0]
HEAD = "from dataclasses import replace\nfrom evocircuits.genome import Port\n\n"
DOUBLED = """def rewire(genome, rng, space):
    first, *rest = genome.projections
    return genome.with_genes(projections=[replace(first, strength=2 * first.strength), *rest])
"""


@pytest.fixture
def written(tmp_path):
    """Writes a file with that body and returns the specification of its `rewire`."""

    def write(body: str) -> str:
        (tmp_path / "mine.py").write_text(HEAD + body, encoding="utf-8")
        return f"{tmp_path / 'mine.py'}:rewire"

    return write


def test_a_users_operator_is_drawn_by_its_rate_and_named(written):
    spec = written(DOUBLED)
    space = replace(SPACE, rates={spec: 1000.0})
    genome = found(np.random.default_rng(0), space)
    mutant, operators = mutate(genome, np.random.default_rng(1), space)
    assert set(operators.split("+")) == {spec}
    assert mutant.projections[0].strength in [genome.projections[0].strength * 2**n for n in (1, 2, 3)]


def test_its_path_may_count_from_the_working_directory(written, tmp_path, monkeypatch):
    written(DOUBLED)
    monkeypatch.chdir(tmp_path)
    genome = found(np.random.default_rng(0), SPACE)
    changed = own_operator("mine.py:rewire")(genome, np.random.default_rng(0), SPACE)
    assert changed.projections[0].strength == 2 * genome.projections[0].strength


@pytest.mark.parametrize("space", [STATIC[0], PLASTIC[4]])
def test_what_it_returns_is_moved_into_the_ranges(written, space):
    spec = written("""def rewire(genome, rng, space):
    populations = [replace(p, tau_m_ms=1e4, t_ref_ms=0.0, bias_pA=1e9) for p in genome.populations]
    projections = [replace(j, strength=1e4, delay_ms=1e4, delay_gradient_ms=7.0) for j in genome.projections]
    return genome.with_genes(populations=populations, projections=projections)
""")
    genome = grown(space, 1)
    static = genome.with_genes(projections=[replace(j, plasticity=None) for j in genome.projections])
    assert_within(own_operator(spec)(static, np.random.default_rng(0), space), space)


def test_rules_that_the_task_does_not_allow_go_and_others_are_moved_into_their_bounds(written):
    spec = written("""from evocircuits.plasticity import ShortTerm
def rewire(genome, rng, space):
    rule = ShortTerm(1e-6, 1e6, 0.0)
    return genome.with_genes(projections=[replace(j, plasticity=rule) for j in genome.projections])
""")
    for space, kept in ((STATIC[0], False), (PLASTIC[0], True)):
        changed = own_operator(spec)(found(np.random.default_rng(0), space), np.random.default_rng(0), space)
        assert [j.plasticity is not None for j in changed.projections] == [kept] * len(changed.projections)
        assert_within(changed, space)


def test_what_exceeds_the_limits_of_size_is_no_mutant(written):
    spec = written("""def rewire(genome, rng, space):
    large = replace(genome.populations[0], id=7, port=None, size=500)
    return genome.with_genes(populations=[*genome.populations, large])
""")
    space = replace(SPACE, rates={spec: 1.0} | {name: 0.0 for name in ("strength", "delay", "gradient")})
    genome = found(np.random.default_rng(0), space)
    for seed in range(20):
        mutant, operators = mutate(genome, np.random.default_rng(seed), space)
        assert spec not in operators
        assert space.admits(mutant)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("def other(genome, rng, space): return genome\n", r"expected FILE.py:Name with a name in that file"),
        (
            "rewire = 3\n",
            r"operator .*mine.py:rewire: expected a function \(genome, rng, space\) → genome; got 3$",
        ),
        (
            "def rewire(genome): return genome\n",
            r"operator .*:rewire: expected a genome; it raised TypeError: .*takes 1",
        ),
        (
            "def rewire(genome, rng, space): raise ValueError('two\\nlines')\n",
            r"operator .*:rewire: expected a genome; it raised ValueError: two lines$",
        ),
        (
            "def rewire(genome, rng, space): return None\n",
            r"operator .*:rewire: expected it to return a Genome; got None$",
        ),
        (
            "def rewire(genome, rng, space): return genome.with_valid_genes(populations=[])\n",
            r"operator .*:rewire: expected it to return a valid genome; genome: ",
        ),
        (
            "def rewire(genome, rng, space):\n"
            "    return genome.with_valid_genes(projections=[genome.projections[0]] * 2)\n",
            r"operator .*:rewire: expected it to return a valid genome; genome: expected distinct innovation ids",
        ),
        (
            "def rewire(genome, rng, space):\n"
            "    return replace(genome, inputs=(*genome.inputs, Port('more', 1)))\n",
            r"operator .*:rewire: expected it to keep the task's ports; got others$",
        ),
    ],
)
def test_what_is_no_operator_is_one_clear_line(written, body, message):
    genome = found(np.random.default_rng(0), SPACE)
    with pytest.raises(InputError, match=message) as error:
        own_operator(written(body))(genome, np.random.default_rng(0), SPACE)
    assert "\n" not in str(error.value)


def test_an_operator_that_loses_frozen_genes_is_one_clear_line(written):
    spec = written("def rewire(genome, rng, space): return genome.with_genes(projections=[])\n")
    genome = found(np.random.default_rng(0), SPACE)
    genome = genome.with_genes(projections=[replace(j, frozen=True) for j in genome.projections])
    with pytest.raises(InputError, match=r"expected it to keep all frozen genes; \d+ is gone or changed$"):
        own_operator(spec)(genome, np.random.default_rng(0), SPACE)


def test_a_missing_file_is_one_clear_line(tmp_path):
    with pytest.raises(InputError, match=r"none\.py: expected a file that can be read"):
        replace(SPACE, rates={f"{tmp_path}/none.py:rewire": 1.0}).check_rates()
