from evocircuits.lineage import Birth, Lineage, first_births


def lineage(**parents: str) -> Lineage:
    """Of `m`; the parents of each in one text."""
    births = {child: Birth(child, tuple(named.split())) for child, named in parents.items()}
    return Lineage("m", births)


FORK = lineage(m="a x", a="b", b="f", x="y", y="b", f="")
"""m from a and x, whose lines meet in b."""


def test_founders_had_no_parents_and_of_others_nothing_is_known():
    assert FORK.founders == ["f"]
    assert FORK.unknown == []
    assert lineage(m="a", a="z").unknown == ["z"]
    assert lineage().unknown == ["m"]


def test_mothers_are_a_line():
    assert FORK.mothers == ["m", "a", "b", "f"]
    assert lineage(m="a", a="m").mothers == ["m", "a"]


def test_walk_sets_other_parents_in_and_stops_where_lines_meet():
    steps = [
        ("m", 0, False),
        ("x", 1, False),
        ("y", 1, False),
        ("b", 1, True),
        ("a", 0, False),
        ("b", 0, False),
    ]
    assert list(FORK.walk()) == [*steps, ("f", 0, False)]


def test_walk_goes_on_from_everyone_once():
    twice = lineage(m="a x", a="b y", x="z", y="z", z="w", b="")
    walked = list(twice.walk())
    assert [id for id, _, elsewhere in walked if not elsewhere].count("w") == 1
    assert ("z", 1, True) in walked


def test_depth_is_of_the_longest_way():
    assert FORK.depths() == {"m": 0, "a": 1, "x": 1, "y": 2, "b": 3, "f": 4}


def test_deep_lineages_are_no_matter():
    births = {str(k): Birth(str(k), (str(k + 1),)) for k in range(5000)}
    deep = Lineage("0", births)
    assert deep.depths()["5000"] == len(list(deep.walk())) - 1 == 5000


def test_of_births_in_several_runs_that_in_the_first_named_counts():
    births = [Birth("a", ("x",), run="2"), Birth("a", ("y",), run="1"), Birth("a", ("z",))]
    assert first_births(births)["a"].parents == ("z",)
    assert first_births(births, "2")["a"].parents == ("x",)
    assert first_births(births[:2], "9")["a"].parents == ("y",)
