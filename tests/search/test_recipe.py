"""Recipes: what they may say, and by what their runs are known."""

import os
from pathlib import Path

import numpy as np
import pytest

from evocircuits.errors import InputError
from evocircuits.search.recipe import PACKAGED, Recipe, load_recipe, parse_recipe
from evocircuits.tasks import TASKS
from tests.search.small import founder, users_tasks

OPERATOR = "def rewire(genome, rng, space):\n    return genome\n"
SAMPLES = {"time_ms": np.arange(10.0), "channel": [0, 1] * 5, "sample": np.arange(10), "label": [0, 1] * 5}


@pytest.fixture
def tasks(tmp_path):
    """The specifications of a user's tasks, by name."""
    return lambda *names: users_tasks(tmp_path, *names)


@pytest.fixture
def operator(tmp_path):
    """The specification of a user's operator."""
    (tmp_path / "own.py").write_text(OPERATOR)
    return f"{tmp_path}/own.py:rewire"


def refused(settings: dict) -> str:
    with pytest.raises(InputError) as caught:
        parse_recipe(settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestReading:
    def test_every_task_has_a_recipe_by_its_name(self):
        for name in TASKS:
            recipe = load_recipe(name)
            assert [task.name for task in recipe.tasks] == [name]
            assert load_recipe(PACKAGED / f"{name}.toml") == recipe

    def test_every_packaged_recipe_can_be_read(self):
        assert all(load_recipe(path).run_id for path in PACKAGED.glob("*.toml"))

    def test_overrides_replace_keys(self):
        assert load_recipe("localise", seed=7).seed == 7

    def test_missing_file_names_the_known_recipes(self, tmp_path):
        with pytest.raises(InputError, match=r"no file .* or one of .*localise, order"):
            load_recipe(tmp_path / "none.toml")

    def test_malformed_toml_says_where(self, tmp_path):
        (tmp_path / "bad.toml").write_text("task = order")
        with pytest.raises(InputError, match=r"bad\.toml: expected TOML; .*line 1"):
            load_recipe(tmp_path / "bad.toml")

    @pytest.mark.parametrize("value", ["inf", "nan"])
    @pytest.mark.parametrize("key", ["target", "parsimony", "max_delay_ms", "crossover"])
    def test_numbers_that_are_none_are_refused(self, tmp_path, key, value):
        (tmp_path / "endless.toml").write_text(f'task = "order"\n{key} = {value}\n')
        with pytest.raises(InputError, match=rf"endless\.toml: {key}: "):
            load_recipe(tmp_path / "endless.toml")

    def test_a_recipe_of_plain_values_is_the_same_recipe(self, tasks, operator):
        recipe = parse_recipe(
            {"task": tasks("Fore", "Aft"), "operators": {operator: 1.0, "split": 0}, "target": 0.9}
        )
        assert parse_recipe(recipe.model_dump()) == recipe == parse_recipe(recipe.model_dump(mode="json"))
        assert Recipe(**recipe.model_dump()).run_id == recipe.run_id


WRONG = [
    ({"task": "order", "populaton": 3}, "unknown key 'populaton'; expected task, seed"),
    ({"task": "order", "epochs": 0}, "epochs: Input should be greater than or equal to 1; got 0"),
    ({"task": "order", "epochs": "many"}, "epochs: Input should be a valid integer"),
    ({}, "task: Field required"),
    ({"task": "smell"}, "task: expected one of order, "),
    ({"task": []}, "task: "),
    ({"task": ["order", "order"]}, "task: expected different tasks; one came twice"),
    (
        {"task": ["order", "burst"]},
        "task: expected tasks with the same ports, time step and given genes; burst differs from order",
    ),
    (
        {"task": "localise", "max_neurons": 5},
        "expected at least 13 and 26, which a founder may need; got 5 and 400",
    ),
    ({"task": "order", "parents": 4, "elites": 8}, "elites: expected at most parents"),
    ({"task": "order", "objectives": ["score", "beauty"]}, "objectives: expected some of score, "),
    ({"task": "order", "objectives": []}, "objectives: Tuple should have at least 1 item"),
    ({"task": "order", "objectives": ["score", "score"]}, "objectives: expected each name once"),
    ({"task": "order", "descriptors": ["colour"]}, "descriptors: expected names among "),
    ({"task": "order", "descriptors": ["neurons", "neurons"]}, "descriptors: expected one or more distinct"),
    ({"task": "order", "strategies": ["hope"]}, "strategies.0: Input should be 'population'"),
    ({"task": "order", "search": "luck"}, "search: Input should be 'evolution'"),
    ({"task": "order", "operators": {"magic": 1.0}}, "operators: expected some of strength, "),
    ({"task": "order", "operators": {"split": -1.0}}, "operators: rate of split"),
    ({"task": "order", "operators": {"none.py:f": 1.0}}, "none.py: expected a file that can be read"),
    ({"task": "none.py:Mine"}, "none.py: expected a file that can be read"),
    ({"task": "data:none.npz"}, "none.npz: expected a file that can be read"),
    ({"task": "order", "max_delay_ms": 0.05}, "max_delay_ms: expected more than the task's shortest delay, 0.1"),
    ({"task": "order", "search": "artificial_life"}, "search: expected the task forage for artificial_life"),
    ({"task": "order", "target": 0}, "target: Input should be greater than 0"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "message"), WRONG)
def test_wrong_settings_are_one_clear_line(settings, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message.replace(", 0.1", ", 0.1") in refused(settings)


def test_artificial_life_is_for_forage():
    assert parse_recipe({"task": "forage", "search": "artificial_life"}).search == "artificial_life"


def test_delays_are_cut_at_max_delay_ms():
    space = parse_recipe({"task": "order", "max_delay_ms": 3.0}).space
    assert space.ranges.delay_ms == (space.task.ranges.delay_ms[0], 3.0)
    assert parse_recipe({"task": "order"}).space.ranges == space.task.ranges


class TestSeveralTasks:
    def test_are_those_of_a_users_file_in_order(self, tasks):
        recipe = parse_recipe({"task": tasks("Fore", "Late")})
        assert [task.name for task in recipe.tasks] == ["fore", "late"]
        assert recipe.run_id.startswith("fore+late-s1-")

    def test_must_have_the_same_ports(self, tasks):
        [fore] = tasks("Fore")
        assert "localise differs from fore" in refused({"task": [fore, "localise"]})
        assert parse_recipe({"task": [fore, "order"]}).run_id.startswith("fore+order-")

    def test_must_have_different_names(self, tasks, tmp_path):
        [fore] = tasks("Fore")
        (tmp_path / "copy").mkdir()
        [copy] = users_tasks(tmp_path / "copy", "Fore")
        assert "different tasks" in refused({"task": [fore, copy]})


class TestRunId:
    def test_names_task_and_seed_and_changes_with_any_setting(self):
        recipe = load_recipe("localise", seed=3)
        assert recipe.run_id.startswith("localise-s3-")
        others = [{"trials": recipe.trials + 1}, {"operators": {"split": 0.1}}, {"search": "random"}]
        ids = {load_recipe("localise", seed=3, **other).run_id for other in others}
        assert len(ids | {recipe.run_id}) == 4

    def test_does_not_depend_on_where_files_lie(self, tmp_path, monkeypatch):
        ids = set()
        for folder in (tmp_path / "here", tmp_path / "there" / "deep"):
            folder.mkdir(parents=True)
            (folder / "own.py").write_text(OPERATOR)
            np.savez(folder / "clicks.npz", **SAMPLES)
            operators = {f"{folder}/own.py:rewire": 1.0}
            ids.add(parse_recipe({"task": users_tasks(folder, "Fore"), "operators": operators}).run_id)
            ids.add(parse_recipe({"task": f"data:{folder}/clicks.npz"}).run_id)
            monkeypatch.chdir(folder)
            ids.add(parse_recipe({"task": ["mine.py:Fore"], "operators": {"own.py:rewire": 1.0}}).run_id)
        assert len(ids) == 2

    @pytest.mark.parametrize("file", ["mine.py", "own.py"])
    def test_changes_with_what_files_hold(self, tasks, operator, tmp_path, file):
        settings = {"task": tasks("Fore"), "operators": {operator: 1.0}}
        before = parse_recipe(settings).run_id
        with (tmp_path / file).open("a") as text:
            text.write("\n# nothing new\n")
        assert parse_recipe(settings).run_id != before


class TestFiles:
    def test_an_own_operator_is_drawn_beside_the_others(self, operator):
        space = parse_recipe({"task": "order", "operators": {operator: 100.0}}).space
        rng = np.random.default_rng(0)
        drawn = {space.draw_operator(rng)[0] for _ in range(100)}
        assert operator in drawn
        assert len(drawn) > 1

    def test_an_own_operator_is_what_the_file_defines(self, operator, tmp_path):
        (tmp_path / "own.py").write_text(OPERATOR.replace("return genome", "raise ValueError('mine')"))
        space = parse_recipe({"task": "order", "operators": {operator: 1e9}}).space
        _, own = space.draw_operator(np.random.default_rng(0))
        with pytest.raises(InputError, match="ValueError: mine"):
            own(founder(), np.random.default_rng(0), space)

    def test_are_named_absolutely(self, tasks, tmp_path, monkeypatch):
        [fore] = tasks("Fore")
        monkeypatch.chdir(tmp_path)
        recipe = parse_recipe({"task": "mine.py:Fore"})
        assert recipe.task == fore
        assert list(recipe.files) == [fore]
        monkeypatch.chdir(os.sep)
        assert [task.name for task in Recipe(**recipe.model_dump()).tasks] == ["fore"]

    @pytest.mark.parametrize("file", ["mine.py", "own.py", "clicks.npz"])
    def test_that_changed_meanwhile_are_refused(self, tasks, operator, tmp_path, file):
        np.savez(tmp_path / "clicks.npz", **SAMPLES)
        task = f"data:{tmp_path}/clicks.npz" if file == "clicks.npz" else tasks("Fore")
        recipe = parse_recipe({"task": task, "operators": {operator: 1.0}})
        path: Path = tmp_path / file
        if file == "clicks.npz":
            np.savez(path, **SAMPLES | {"time_ms": np.arange(10.0) / 2})
        else:
            path.write_text(path.read_text() + "\n# something new\n")
        said = refused(recipe.model_dump(mode="json"))
        assert f"{file}" in said
        assert "expected the file that the run began with; it has changed" in said
        with pytest.raises(InputError, match="it has changed"):
            _ = Recipe(**recipe.model_dump()).space, Recipe(**recipe.model_dump()).tasks
