"""Laws of sampling, narrowing and halving."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.model_selection.range_narrowing import FLOOR, Trial, halve, narrow, sample
from tabular_dl.model_selection.search_space import Choice, Range

LOG, LINEAR, WHOLE = Range("log_uniform", 1e-6, 1e-2), Range("uniform", 0.0, 0.8), Range("int_uniform", 1, 40)
SPACE = {"rate": LOG, "dropout": LINEAR, "width": WHOLE, "scale": Choice(("a", "b"))}


def trials(n: int, seed: int, score: Any) -> list[Trial]:
    return [Trial(values, score(values)) for values in sample(SPACE, n, np.random.default_rng(seed))]


@given(st.integers(0, 100))
@settings(max_examples=30)
def test_what_is_drawn_lies_in_its_range_and_depends_on_the_seed_alone(seed: int) -> None:
    drawn, again = (sample(SPACE, 20, np.random.default_rng(seed)) for _ in range(2))
    assert drawn == again
    for values in drawn:
        assert LOG.low <= values["rate"] <= LOG.high
        assert LINEAR.low <= values["dropout"] <= LINEAR.high
        assert values["width"] in range(1, 41)
        assert values["scale"] in ("a", "b")


def test_a_log_uniform_value_is_ten_to_the_power_of_a_uniform_one() -> None:
    drawn = np.log10([values["rate"] for values in sample(SPACE, 4000, np.random.default_rng(0))])
    np.testing.assert_allclose(np.quantile(drawn, [0.25, 0.5, 0.75]), [-5, -4, -3], atol=0.1)


@given(st.integers(0, 1000), st.integers(2, 60), st.floats(-6, -2))
@settings(max_examples=60)
def test_a_narrowed_range_spans_the_best_quarter_and_is_never_below_its_floor(seed: int, n: int, top: float) -> None:
    tried = trials(n, seed, lambda values: -abs(np.log10(values["rate"]) - top))
    narrowed, said = narrow(SPACE, tried)
    best = sorted(tried, key=lambda trial: -trial.score)[: max(2, -(-n // 4))]
    rate = narrowed["rate"]
    assert isinstance(rate, Range)
    places = [np.log10(trial.params["rate"]) for trial in best]
    assert np.log10(rate.low) <= min(places) + 1e-3
    assert np.log10(rate.high) >= max(places) - 1e-3
    # Where the floor meets an end of the range, the half beyond it is lost.
    assert np.log10(rate.high / rate.low) >= FLOOR * 4 / 2 - 1e-2
    assert len(said) == sum(narrowed[leaf] != SPACE[leaf] for leaf in SPACE)


def test_rounds_close_in_on_the_best_value() -> None:
    space: dict[str, Any] = {"rate": LOG}
    for number in range(5):
        drawn = sample(space, 30, np.random.default_rng(number))
        tried = [Trial(values, -abs(np.log10(values["rate"]) + 3.3)) for values in drawn]
        space, _ = narrow(space, tried, {"rate": LOG})
    assert space["rate"].low < 10**-3.3 < space["rate"].high
    assert np.log10(space["rate"].high / space["rate"].low) == pytest.approx(FLOOR * 4, rel=0.3)


def test_the_best_on_an_edge_widens_the_range_there_if_the_leaf_allows_it() -> None:
    tried = [Trial({"dropout": value}, value) for value in np.linspace(0, 0.8, 17)]
    narrowed, said = narrow({"dropout": LINEAR}, tried)
    assert isinstance(narrowed["dropout"], Range)
    assert narrowed["dropout"].high == pytest.approx(1.0)
    assert "the very best at the upper bound" in said[0]
    kept, _ = narrow({"dropout": LINEAR}, tried, allowed=lambda leaf, value: value < 0.9)
    assert isinstance(kept["dropout"], Range)
    assert kept["dropout"].high == pytest.approx(0.8)


def test_whole_numbers_widen_to_a_bound_that_the_leaf_allows() -> None:
    tried = [Trial({"members": value}, -value) for value in range(2, 8)]
    space = {"members": Range("int_uniform", 2, 7)}
    # A quarter of the width of 5 below 2 is 0.75: rounded it is 1, but the bound would be 0.
    kept, said = narrow(space, tried, allowed=lambda leaf, value: value >= 1)
    assert kept["members"] == Range("int_uniform", 2, 4)
    assert "edge" not in said[0]
    wider, _ = narrow(space, tried, allowed=lambda leaf, value: value >= 0)
    assert wider["members"] == Range("int_uniform", 0, 4)
    upwards = [Trial({"members": value}, value) for value in range(2, 8)]
    asked: list[Any] = []
    found, _ = narrow(space, upwards, allowed=lambda leaf, value: asked.append(value) or True)
    assert asked == [9]
    assert found["members"] == Range("int_uniform", 5, 9)


def test_a_change_is_explained_in_words() -> None:
    tried = [Trial({"rate": rate}, -abs(np.log10(rate) + 3.5)) for rate in 10 ** np.linspace(-6, -2, 64)]
    _, said = narrow({"rate": LOG}, tried)
    assert said == ["rate 1e-06..0.01 -> 8.64e-05..0.0012: the best 16 of 64 lie there"]


def test_an_option_that_is_clearly_worse_is_left_out() -> None:
    rng = np.random.default_rng(0)
    space = {"scale": Choice(("a", "b", "c"))}
    means = {"a": 0.8, "b": 0.6, "c": 0.79}
    tried = [Trial({"scale": name}, means[name] + rng.normal(0, 0.02)) for name in "abc" * 8]
    narrowed, said = narrow(space, tried)
    assert narrowed["scale"] == Choice(("a", "c"))
    assert said == ["scale a, b, c -> a, c: b clearly worse than a"]
    few = [Trial({"scale": "a"}, 0.9), Trial({"scale": "b"}, 0.1)]
    assert narrow(space, few)[0] == space


def test_diverged_trials_teach_nothing() -> None:
    diverged = [Trial({"dropout": 0.1}, float("nan"))] * 9
    assert narrow({"dropout": LINEAR}, diverged) == ({"dropout": LINEAR}, [])


@given(st.lists(st.floats(0, 1) | st.just(float("nan")), min_size=1, max_size=20), st.randoms())
@settings(max_examples=60)
def test_the_worse_half_stops(losses: list[float], random: Any) -> None:
    values = np.array(losses)
    active = np.array([random.random() < 0.7 for _ in losses])
    stopped = halve(values, active)
    assert stopped.sum() == active.sum() // 2
    assert not (stopped & ~active).any()
    left = values[active & ~stopped]
    for loss in values[stopped]:
        assert np.isnan(loss) or (left <= loss).all()
