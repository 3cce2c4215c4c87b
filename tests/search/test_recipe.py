import pytest

from evocircuits.errors import InputError
from evocircuits.search.recipe import PACKAGED, load_recipe, parse_recipe


def test_packaged_recipes_load_by_name_and_by_path():
    assert load_recipe("localise") == load_recipe(PACKAGED / "localise.toml")
    for path in PACKAGED.glob("*.toml"):
        assert load_recipe(path).task == path.stem


def test_overrides_replace_keys():
    assert load_recipe("localise", seed=7).seed == 7


def test_run_id_names_task_and_seed_and_changes_with_any_setting():
    recipe = load_recipe("localise", seed=3)
    assert recipe.run_id.startswith("localise-s3-")
    assert load_recipe("localise", seed=3, trials=recipe.trials + 1).run_id != recipe.run_id


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"task": "order", "populaton": 3}, "unknown key 'populaton'; expected task, seed"),
        ({"task": "order", "epochs": 0}, "epochs: Input should be greater than or equal to 1; got 0"),
        ({"task": "order", "epochs": "many"}, "epochs: Input should be a valid integer"),
        ({"task": "smell"}, "task: expected one of order, "),
        (
            {"task": "localise", "max_neurons": 5},
            "expected at least 13 and 26, which a founder may need; got 5 and 400",
        ),
        ({}, "task: Field required"),
        ({"task": "order", "parents": 4, "elites": 8}, "elites: expected at most parents"),
    ],
)
def test_wrong_settings_are_one_clear_line(settings, message):
    with pytest.raises(InputError) as error:
        parse_recipe(settings)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_file_names_the_known_recipes(tmp_path):
    with pytest.raises(InputError, match=r"no file .* or one of .*localise, order"):
        load_recipe(tmp_path / "none.toml")


def test_malformed_toml_says_where(tmp_path):
    (tmp_path / "bad.toml").write_text("task = order")
    with pytest.raises(InputError, match=r"bad\.toml: expected TOML; .*line 1"):
        load_recipe(tmp_path / "bad.toml")
