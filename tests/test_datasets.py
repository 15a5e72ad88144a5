"""Data sets: known samples, splits that depend on their key alone, scaling that never sees the test set."""

from __future__ import annotations

import numpy as np
import pytest

from crnsim.datasets import DATASETS, Dataset, check_layers, load_dataset, min_max, stratified_test
from crnsim.errors import InputError

NAMES = sorted(DATASETS)


def plain(x: np.ndarray, y: np.ndarray, task: str = "classification", chance: float = 0.0) -> Dataset:
    return Dataset("made up", task, x, y, x, y, False, chance, ("a",), ("t",))


@pytest.mark.parametrize("name", NAMES)
def test_arrays_agree_with_each_other_and_with_the_default_layers(name: str) -> None:
    data, info = load_dataset(name), DATASETS[name]
    assert (data.name, data.task, data.dual_rail) == (name, info.task, info.dual_rail)
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        assert len(x) == len(y)
        assert x.shape[1] == len(data.feature_names) == info.layers[0]
        assert y.shape[1] == len(data.target_names) == info.layers[-1]
        assert x.dtype == y.dtype == np.float64
    assert len(data.x_train) == info.n_train


@pytest.mark.parametrize("name", NAMES)
def test_what_has_one_rail_is_never_negative(name: str) -> None:
    for replicate in range(20):
        data = load_dataset(name, replicate=replicate)
        if not data.dual_rail:
            assert min(data.x_train.min(), data.x_test.min()) >= 0
        assert min(data.y_train.min(), data.y_test.min()) >= 0


@pytest.mark.parametrize("name", NAMES)
def test_the_same_key_gives_the_same_bits_whatever_was_loaded_before(name: str) -> None:
    first = load_dataset(name, replicate=3, seed=1)
    load_dataset(name, replicate=7, seed=2)
    again = load_dataset(name, replicate=3, seed=1)
    for array in ("x_train", "y_train", "x_test", "y_test"):
        np.testing.assert_array_equal(getattr(first, array), getattr(again, array))


@pytest.mark.parametrize("name", ["iris", "regression"])
@pytest.mark.parametrize("other", [{"replicate": 1}, {"seed": 1}])
def test_another_replicate_or_seed_gives_another_training_set(name: str, other: dict[str, int]) -> None:
    assert not np.array_equal(load_dataset(name).x_train, load_dataset(name, **other).x_train)


def test_xor_is_trained_and_tested_on_its_four_patterns() -> None:
    data = load_dataset("xor", replicate=5)
    table = {tuple(x): y[0] for x, y in zip(data.x_train, data.y_train, strict=True)}
    assert table == {(0, 0): 0, (0, 1): 1, (1, 0): 1, (1, 1): 0}
    np.testing.assert_array_equal(data.x_train, data.x_test)
    np.testing.assert_array_equal(data.y_train, data.y_test)


@pytest.mark.parametrize("seed", range(5))
def test_a_stratified_split_takes_the_same_share_of_every_class(seed: int) -> None:
    labels = np.random.default_rng(9).permutation(np.repeat([0, 1, 2], [20, 50, 30]))
    test = stratified_test(labels, 0.3, np.random.default_rng(seed))
    assert np.bincount(labels[test]).tolist() == [6, 15, 9]


def test_every_sample_is_a_test_sample_in_some_split() -> None:
    labels = np.repeat([0, 1, 2], 50)
    chosen = np.mean([stratified_test(labels, 0.3, np.random.default_rng(s)) for s in range(200)], axis=0)
    # 200 draws with chance 0.3: standard deviation 0.032, so 5 of them either way.
    np.testing.assert_allclose(chosen, 0.3, atol=0.16)


@pytest.mark.parametrize("replicate", range(5))
def test_iris_keeps_35_flowers_of_each_species_for_training_and_15_for_testing(replicate: int) -> None:
    data = load_dataset("iris", replicate=replicate)
    assert data.y_train.sum(axis=0).tolist() == [35, 35, 35]
    assert data.y_test.sum(axis=0).tolist() == [15, 15, 15]


def test_min_max_looks_at_the_training_samples_only() -> None:
    features = np.array([[2.0], [4.0], [3.0], [6.0], [1.0]])
    train = np.array([True, True, True, False, False])
    # 6 lies above the training range and stays above 1; 1 lies below it and cannot be a concentration.
    np.testing.assert_array_equal(min_max(features, train), [[0], [1], [0.5], [2], [0]])


def test_iris_targets_are_one_hot_in_the_order_of_the_names() -> None:
    data = load_dataset("iris")
    assert data.target_names == ("setosa", "versicolor", "virginica")
    np.testing.assert_array_equal(data.y_train.sum(axis=1), 1)
    # Setosa is the species with the short petals, whatever the scaling.
    petal = data.x_train[:, 2]
    assert petal[data.y_train[:, 0] == 1].max() < petal[data.y_train[:, 0] == 0].min()


def test_iris_is_scaled_by_its_training_part() -> None:
    beyond = 0
    for replicate in range(20):
        data = load_dataset("iris", replicate=replicate)
        np.testing.assert_array_equal(data.x_train.min(axis=0), 0)
        np.testing.assert_array_equal(data.x_train.max(axis=0), 1)
        beyond += int((data.x_test > 1).any())
    assert beyond > 0


def test_regression_follows_its_formula_on_two_rails() -> None:
    data = load_dataset("regression", replicate=2)
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        np.testing.assert_allclose(y, 0.5 + 0.4 * np.sin(np.pi * (x + 1)), atol=1e-14)
    assert data.x_train.min() < 0 < data.x_train.max()


def test_regression_has_one_training_point_in_each_bin_and_a_fixed_test_grid() -> None:
    one, other = load_dataset("regression", replicate=0), load_dataset("regression", replicate=1)
    position = (one.x_train[:, 0] + 1) / 2
    np.testing.assert_array_equal(np.floor(position * len(position)), np.arange(len(position)))
    np.testing.assert_array_equal(one.x_test, other.x_test)
    np.testing.assert_allclose(np.diff(one.x_test[:, 0]), 2 / len(one.x_test))


@pytest.mark.parametrize(("name", "chance"), [("xor", 1 / 2), ("iris", 1 / 3), ("regression", 0)])
def test_chance_is_the_share_of_the_commonest_class(name: str, chance: float) -> None:
    data = load_dataset(name)
    assert data.chance == pytest.approx(chance)
    if name == "iris":
        constant = np.tile([1.0, 0.0, 0.0], (len(data.y_test), 1))
        assert data.accuracy(constant, data.y_test) == pytest.approx(chance)


def test_accuracy_takes_the_largest_output_or_compares_one_output_with_a_half() -> None:
    y = np.eye(3)
    data = plain(np.zeros((3, 1)), y)
    assert data.accuracy(np.array([[5, 1, 1], [0, 0.2, 0.1], [9, 0, 1]]), y) == pytest.approx(2 / 3)
    single = np.array([[0.0], [1.0], [1.0], [0.0]])
    assert data.accuracy(np.array([[0.4], [0.6], [-3], [0.51]]), single) == pytest.approx(2 / 4)


def test_an_output_that_is_not_finite_counts_as_wrong() -> None:
    data = load_dataset("xor")
    assert data.accuracy(np.full((4, 1), np.nan), data.y_test) == 0
    iris = load_dataset("iris")
    assert iris.accuracy(np.full_like(iris.y_test, np.inf), iris.y_test) == 0


def test_outputs_of_another_shape_are_refused_with_the_right_shape() -> None:
    data = load_dataset("xor")
    with pytest.raises(InputError, match=r"\(4,\).*need \(4, 1\)"):
        data.accuracy(np.zeros(4), data.y_test)


@pytest.mark.parametrize(("wrong", "score"), [(0, 1), (1, 0.5), (2, 0), (4, 0)])
def test_a_classification_scores_between_chance_and_perfect(wrong: int, score: float) -> None:
    data = load_dataset("xor")
    outputs = data.y_test.copy()
    outputs[:wrong] = 1 - outputs[:wrong]
    assert data.score(outputs, data.y_test) == pytest.approx(score)


def test_a_regression_scores_the_share_of_variance_explained() -> None:
    data = load_dataset("regression")
    y = data.y_test
    assert data.score(y, y) == 1
    assert data.score(np.full_like(y, y.mean()), y) == pytest.approx(0, abs=1e-12)
    assert data.score(y + 10, y) == 0
    assert data.score(y + 0.1, y) == pytest.approx(1 - 0.01 / y.var())


def test_an_unknown_name_is_answered_with_the_nearest_and_all_known() -> None:
    with pytest.raises(
        InputError, match=r"unknown data set 'irsi'; did you mean 'iris'\? known: .*regression"
    ):
        load_dataset("irsi")
    with pytest.raises(InputError, match="unknown data set 'digts'"):
        check_layers("digts", (64, 10))


@pytest.mark.parametrize(
    ("name", "layers", "message"),
    [
        (
            "xor",
            (3, 6, 1),
            r"3-6-1 do not fit xor: it has 2 features and 1 targets, so the first layer must be 2",
        ),
        ("iris", (4, 8, 2), r"the last 3, as in 4-8-3"),
        ("regression", (1,), r"layers 1 do not fit regression"),
        ("xor", (), r"layers \(none\) do not fit xor"),
    ],
)
def test_layers_that_do_not_fit_are_answered_with_what_would(
    name: str, layers: tuple[int, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        check_layers(name, layers)


@pytest.mark.parametrize("name", NAMES)
def test_any_number_of_hidden_layers_fits(name: str) -> None:
    first, *_, last = DATASETS[name].layers
    check_layers(name, (first, last))
    check_layers(name, (first, 5, 7, last))
