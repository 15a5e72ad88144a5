"""Data sets: known samples, splits that depend on their key alone, scaling that never sees the test set."""

from __future__ import annotations

import numpy as np
import pytest

from crnsim.activations import activation
from crnsim.algebraic import forward, initial_weights, sample_order, sgd
from crnsim.datasets import DATASETS, Dataset, centred, check_layers, load_dataset, min_max, stratified_test
from crnsim.errors import InputError

#: Those that need no files from elsewhere; MNIST has tests of its own.
NAMES = sorted(name for name in DATASETS if not name.startswith("mnist"))
REGRESSIONS = sorted(name for name in NAMES if name.startswith("regression"))


def plain(x: np.ndarray, y: np.ndarray, task: str = "classification") -> Dataset:
    return Dataset("made up", task, x, y, x, y, False, ("a",), ("t",))


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


@pytest.mark.parametrize("name", ["iris", "digits", *REGRESSIONS])
@pytest.mark.parametrize("other", [{"replicate": 1}, {"seed": 1}])
def test_another_replicate_or_seed_gives_another_training_set(name: str, other: dict[str, int]) -> None:
    assert not np.array_equal(load_dataset(name).x_train, load_dataset(name, **other).x_train)


@pytest.mark.parametrize(
    ("name", "answers"), [("xor", (0, 1, 1, 0)), ("or", (0, 1, 1, 1)), ("and", (0, 0, 0, 1))]
)
def test_a_gate_is_trained_and_tested_on_its_four_patterns(name: str, answers: tuple[int, ...]) -> None:
    data = load_dataset(name, replicate=5)
    table = {tuple(x): y[0] for x, y in zip(data.x_train, data.y_train, strict=True)}
    assert table == dict(zip([(0, 0), (0, 1), (1, 0), (1, 1)], answers, strict=True))
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
    # Two rails carry both.
    np.testing.assert_array_equal(centred(features, train), [[-1], [1], [0], [3], [-2]])


def test_iris_targets_are_one_hot_in_the_order_of_the_names() -> None:
    data = load_dataset("iris")
    assert data.target_names == ("setosa", "versicolor", "virginica")
    np.testing.assert_array_equal(data.y_train.sum(axis=1), 1)
    # Setosa is the species with the short petals, whatever the scaling.
    petal = data.x_train[:, 2]
    assert petal[data.y_train[:, 0] == 1].max() < petal[data.y_train[:, 0] == 0].min()


@pytest.mark.parametrize(("name", "low"), [("iris", -1), ("iris_unit", 0)])
def test_iris_is_scaled_by_its_training_part(name: str, low: int) -> None:
    beyond = below = 0
    for replicate in range(20):
        data = load_dataset(name, replicate=replicate)
        np.testing.assert_array_equal(data.x_train.min(axis=0), low)
        np.testing.assert_array_equal(data.x_train.max(axis=0), 1)
        beyond += int((data.x_test > 1).any())
        below += int((data.x_test < low).any())
    assert beyond > 0
    # A negative concentration there is none: on one rail a smaller flower is cut off, on two it is not.
    assert (below > 0) == (low == -1)


def test_both_forms_of_iris_have_the_same_splits() -> None:
    centre, unit = (load_dataset(name, replicate=3) for name in ("iris", "iris_unit"))
    np.testing.assert_allclose((centre.x_train + 1) / 2, unit.x_train, atol=1e-15)
    np.testing.assert_array_equal(centre.y_test, unit.y_test)


def test_regression_follows_its_formula_on_two_rails() -> None:
    data = load_dataset("regression", replicate=2)
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        np.testing.assert_allclose(y, 0.5 + 0.4 * np.sin(np.pi * (x + 1)), atol=1e-14)
    assert data.x_train.min() < 0 < data.x_train.max()


FORMULAS = {
    "regression": lambda u: 0.5 - 0.4 * np.sin(np.pi * u[:, 0]),
    "regression_quadratic": lambda u: 0.1 + 0.8 * u[:, 0] ** 2,
    "regression_bump": lambda u: 0.1 + 0.8 * np.exp(-4 * u[:, 0] ** 2),
    "regression_saddle": lambda u: 0.5 + 0.4 * u[:, 0] * u[:, 1],
}


@pytest.mark.parametrize("name", REGRESSIONS)
def test_every_regression_follows_its_formula_within_0_and_1(name: str) -> None:
    data = load_dataset(name, replicate=2)
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        # Rounding of 2x - 1 alone.
        np.testing.assert_allclose(y[:, 0], FORMULAS[name](x), atol=1e-14)
        assert -1 <= x.min() < -0.8 < 0.8 < x.max() <= 1
        assert 0 <= y.min() < y.max() <= 1


def test_the_saddle_has_one_training_point_in_each_square_and_a_fixed_test_grid() -> None:
    one, other = (load_dataset("regression_saddle", replicate=r) for r in (0, 1))
    boxes = np.floor((one.x_train + 1) / 2 * 8).astype(int)
    assert sorted(map(tuple, boxes)) == [(i, j) for i in range(8) for j in range(8)]
    np.testing.assert_array_equal(one.x_test, other.x_test)
    assert len(np.unique(one.x_test, axis=0)) == 100


def test_digits_are_grey_levels_over_16_and_a_pixel_that_never_changes_stays_0() -> None:
    data = load_dataset("digits", replicate=1)
    x = np.vstack([data.x_train, data.x_test])
    assert len(x) == 1797
    assert set(np.unique(x)) == {level / 16 for level in range(17)}
    assert (x[:, 0] == 0).all()
    assert x.sum(axis=1).min() > 0


@pytest.mark.parametrize("replicate", range(3))
def test_digits_are_split_80_to_20_in_every_class(replicate: int) -> None:
    data = load_dataset("digits", replicate=replicate)
    assert (len(data.x_train), len(data.x_test)) == (1438, 359)
    share = data.y_test.sum(axis=0) / (data.y_train.sum(axis=0) + data.y_test.sum(axis=0))
    # Whole images: about 180 of each digit, so the share is exact to half of 1/174.
    np.testing.assert_allclose(share, 0.2, atol=0.5 / 174)


def test_regression_has_one_training_point_in_each_bin_and_a_fixed_test_grid() -> None:
    one, other = load_dataset("regression", replicate=0), load_dataset("regression", replicate=1)
    position = (one.x_train[:, 0] + 1) / 2
    np.testing.assert_array_equal(np.floor(position * len(position)), np.arange(len(position)))
    np.testing.assert_array_equal(one.x_test, other.x_test)
    np.testing.assert_allclose(np.diff(one.x_test[:, 0]), 2 / len(one.x_test))


def unbalanced() -> tuple[Dataset, np.ndarray]:
    """Of 1,000 samples 900 are of one class and 100 of the other."""
    y = np.repeat([0.0, 1.0], [900, 100])[:, None]
    return plain(np.zeros((1000, 1)), y), y


def test_always_guessing_one_class_scores_0_however_common_it_is() -> None:
    data, y = unbalanced()
    assert data.accuracy(np.zeros_like(y), y) == 0.9
    assert data.score(np.zeros_like(y), y) == 0
    assert data.score(np.ones_like(y), y) == 0
    assert data.score(y, y) == 1


def test_guessing_at_random_scores_about_0_on_unbalanced_classes() -> None:
    data, y = unbalanced()
    rng = np.random.default_rng(0)
    for share in (0.1, 0.5, 0.9):
        scores = [data.score((rng.uniform(size=y.shape) < share).astype(float), y) for _ in range(200)]
        # The score is the sum of two recalls minus 1, cut at 0. Its standard deviation is at most 0.053, and that
        # of a normal number cut at 0 has mean 0.4 of it: 0.021, with an error of the mean of 0.003.
        assert np.mean(scores) < 0.03


def test_a_rare_class_counts_as_much_as_a_common_one() -> None:
    data, y = unbalanced()
    half_of_the_rare, a_ninth_of_the_common = y.copy(), y.copy()
    half_of_the_rare[950:] = 0
    a_ninth_of_the_common[:100] = 1
    # Recalls (1, 1/2) and (8/9, 1): the mean, rescaled so that 1/2 is 0.
    assert data.score(half_of_the_rare, y) == pytest.approx(1 / 2)
    assert data.score(a_ninth_of_the_common, y) == pytest.approx(8 / 9)


def test_classes_that_are_equally_common_score_their_accuracy_above_chance() -> None:
    data = load_dataset("iris")
    outputs = np.random.default_rng(1).uniform(size=data.y_test.shape) + 0.5 * data.y_test
    accuracy = data.accuracy(outputs, data.y_test)
    assert 0.4 < accuracy < 1
    assert data.score(outputs, data.y_test) == pytest.approx((accuracy - 1 / 3) / (2 / 3))
    constant = np.tile([1.0, 0.0, 0.0], (len(data.y_test), 1))
    assert data.score(constant, data.y_test) == pytest.approx(0, abs=1e-12)


def test_a_class_without_a_sample_is_left_out_of_the_score() -> None:
    y = np.eye(3)[[0, 0, 1, 1]]
    data = plain(np.zeros((4, 1)), y)
    assert data.score(np.eye(3)[[0, 0, 1, 2]], y) == pytest.approx(0.5)
    assert data.score(np.eye(3)[[0, 0, 0, 0]], y) == 0
    # One class alone leaves no chance level: the share that is right.
    assert data.score(np.eye(3)[[0, 1]], np.eye(3)[[0, 0]]) == 0.5


def test_a_regression_on_equal_targets_scores_1_only_where_it_is_exact() -> None:
    y = np.full((3, 1), 0.5)
    data = plain(np.zeros((3, 1)), y, task="regression")
    assert (data.score(y, y), data.score(y + 1e-3, y)) == (1, 0)


def test_a_feature_that_is_constant_in_training_is_scaled_to_0() -> None:
    features = np.array([[2.0, 1.0], [2.0, 3.0], [5.0, 2.0]])
    train = np.array([True, True, False])
    np.testing.assert_array_equal(min_max(features, train), [[0, 0], [0, 1], [0, 0.5]])
    np.testing.assert_array_equal(centred(features, train), [[0, -1], [0, 1], [0, 0]])


def learned(name: str, replicate: int) -> tuple[np.ndarray, Dataset]:
    """Outputs on the test set after ordinary gradient descent with the default settings."""
    info, data = DATASETS[name], load_dataset(name, replicate=replicate)
    key = {"seed": 0, "dataset": name, "replicate": replicate}
    order = sample_order(info.n_train, info.epochs, **key)
    unit = activation("squareplus", h=0.1)
    weights = sgd(
        initial_weights(info.layers, **key), unit, data, order=order, learning_rate=info.learning_rate
    )
    return forward(weights, data.x_test, unit), data


@pytest.mark.parametrize("gate", ["xor", "or", "and"])
def test_gradient_descent_learns_every_gate_on_20_seeds(gate: str) -> None:
    assert [data.accuracy(out, data.y_test) for out, data in (learned(gate, r) for r in range(20))] == [
        1
    ] * 20


@pytest.mark.parametrize(
    ("name", "most"),
    # About 1.5 times what seed 0 gives: 0.03, 0.06, 0.12 and 0.12; a constant has 1.
    [
        ("regression", 0.05),
        ("regression_quadratic", 0.09),
        ("regression_bump", 0.18),
        ("regression_saddle", 0.18),
    ],
)
def test_gradient_descent_fits_every_regression(name: str, most: float) -> None:
    errors = []
    for replicate in range(5):
        outputs, data = learned(name, replicate)
        errors.append(np.sqrt(np.mean((outputs - data.y_test) ** 2)) / data.y_test.std())
    assert np.median(errors) < most


def test_gradient_descent_reads_93_percent_of_the_digits_in_the_median_of_3_splits() -> None:
    # Seed 0 gives 95 %; one of ten is chance.
    accuracies = [data.accuracy(out, data.y_test) for out, data in (learned("digits", r) for r in range(3))]
    assert np.median(accuracies) >= 0.93


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


@pytest.mark.parametrize("replicate", [0, 1])
def test_centred_digits_are_the_digits_less_the_mean_of_each_pixel(replicate):
    plain, centred = (load_dataset(name, replicate=replicate) for name in ("digits", "digits_centred"))
    mean = plain.x_train.mean(axis=0)
    np.testing.assert_allclose(centred.x_train + mean, plain.x_train, atol=1e-15)
    np.testing.assert_allclose(centred.x_test + mean, plain.x_test, atol=1e-15)
    np.testing.assert_array_equal(centred.y_train, plain.y_train)
    assert centred.dual_rail
    assert not plain.dual_rail
    # What docs/datasets.md says of it.
    for data, norm, largest in ((plain, 15.0, 10.5), (centred, 4.7, 0.70)):
        x = data.x_train
        assert (x**2).sum(axis=1).mean() == pytest.approx(norm, rel=0.02)
        assert np.linalg.eigvalsh(x.T @ x / len(x))[-1] == pytest.approx(largest, rel=0.02)
