"""The development suite: how tables are split, how figures are computed, and what the report counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error

from benchmarks.quality.figures import GROUPS, figures, group_means
from benchmarks.quality.others import OTHERS, predict
from benchmarks.quality.report import comparable, ranks, ratios, verdict
from benchmarks.quality.store import add_row, read_rows
from benchmarks.quality.tables import ID, TABLES, Table, split

rng = np.random.default_rng(0)


def _table(problem: str = "binary", rows: int = 200) -> Table:
    """Return a table in which each row of features occurs about five times."""
    frame = pd.DataFrame({"x": rng.integers(0, rows // 5, rows), "colour": "red", "y": rng.integers(0, 2, rows)})
    return Table("toy", lambda: frame, "y", problem)


def test_there_are_at_least_14_tables() -> None:
    assert len(TABLES) >= 14
    assert {table.problem for table in TABLES.values()} == {"binary", "multiclass", "regression"}


def test_no_row_is_in_both_parts() -> None:
    table = _table()
    for number in range(table.splits):
        train, test = split(table, number)
        assert table.splits == 3
        assert len(test) == 50
        assert not set(train["x"]) & set(test["x"])
        assert not set(train[ID]) & set(test[ID])


def test_splits_have_different_test_rows_and_are_the_same_each_time() -> None:
    table = _table()
    first, second, again = (split(table, number)[1]["x"].tolist() for number in (0, 1, 0))
    assert first == again != second


def test_classes_are_as_frequent_in_the_test_rows_as_in_all() -> None:
    frame = pd.DataFrame({"x": np.arange(100), "y": ["rare"] * 8 + ["frequent"] * 92})
    _, test = split(Table("toy", lambda: frame, "y", "binary"), 0)
    assert test["y"].value_counts().to_dict() == {"frequent": 23, "rare": 2}


def test_rows_by_time_are_split_at_the_time() -> None:
    frame = pd.DataFrame({"month": np.arange(12), "y": np.arange(12.0)})
    table = Table("toy", lambda: frame, "y", "regression", is_test=lambda rows: rows["month"] >= 9)
    train, test = split(table, 0)
    assert table.splits == 1
    assert train["month"].tolist() == list(range(9))
    assert test["month"].tolist() == [9, 10, 11]


@pytest.mark.parametrize("name", ["digits", "breast_cancer", "diabetes"])
def test_tables_of_scikit_learn_keep_all_rows(name: str) -> None:
    train, test = split(TABLES[name], 0)
    assert len(train) + len(test) == len(TABLES[name].frame())


def test_figures_of_classes_are_those_of_scikit_learn() -> None:
    truth = pd.Series(rng.choice(["a", "b", "c"], 60), name="y")
    probabilities = rng.dirichlet([1, 1, 1], 60)
    labels = np.array(["a", "b", "c"])[probabilities.argmax(axis=1)]
    found = figures(truth, pd.DataFrame(probabilities, columns=["p_a", "p_b", "p_c"]).assign(y=labels), "multiclass")
    assert found.error == pytest.approx((labels != truth).mean())
    assert found.log_loss == pytest.approx(log_loss(truth, probabilities))
    assert found.auc == pytest.approx(roc_auc_score(truth, probabilities, multi_class="ovr"))
    assert found.losses_by_group.mean() == pytest.approx(found.error)  # groups of 3 rows each


def test_figures_of_numbers_are_those_of_scikit_learn() -> None:
    truth, predicted = pd.Series(rng.normal(size=60), name="y"), rng.normal(size=60)
    found = figures(truth, pd.DataFrame({"y": predicted}), "regression")
    assert found.rmse == pytest.approx(root_mean_squared_error(truth, predicted))
    assert np.sqrt(found.losses_by_group.mean()) == pytest.approx(found.rmse)
    assert np.isnan(found.error)


def test_an_impossible_probability_has_a_bounded_loss() -> None:
    truth = pd.Series([0, 1] * 20, name="y")
    wrong = pd.DataFrame({"y": 1 - truth, "p_0": truth * 1.0, "p_1": 1.0 - truth})
    found = figures(truth, wrong, "binary")
    assert (found.error, found.auc) == (1, 0)
    assert found.log_loss == pytest.approx(6 * np.log(10))


@pytest.mark.parametrize("name", ["hist_gradient_boosting", "linear"])
def test_a_model_reads_missing_values_and_categories_of_the_test_rows_only(name: str) -> None:
    x = rng.normal(size=80)
    train = pd.DataFrame(
        {ID: np.arange(80), "x": x, "text": ["left", "right"] * 40, "y": np.where(x > 0, "up", "down")}
    )
    test = pd.DataFrame({ID: [80, 81, 82], "x": [3.0, -3.0, np.nan], "text": ["left", "middle", None]})
    predictions = predict(OTHERS[name], train, test, "y", "binary")
    assert predictions["y"].tolist()[:2] == ["up", "down"]
    np.testing.assert_allclose(predictions[["p_down", "p_up"]].sum(axis=1), 1)


# The report


def _row(table: str, variant: str, losses: np.ndarray, number: int = 0) -> dict[str, object]:
    """Return a row of the file whose figure is the root of the mean of squared errors by group."""
    by_group = " ".join(map(str, losses))
    return {
        "table": table,
        "variant": variant,
        "split": number,
        "rmse": np.sqrt(losses.mean()),
        "losses_by_group": by_group,
        "commit": "0123456",
    }


def _rows() -> pd.DataFrame:
    ones, noise = np.ones(GROUPS), np.tile([0.5, -0.5], GROUPS // 2)
    rows = [
        _row("clear", "ours", ones),
        _row("clear", "theirs", 2 * ones + noise),
        _row("noisy", "ours", ones + 10 * noise + 5),
        _row("noisy", "theirs", ones + 5.5),
        _row("nearly", "ours", ones),
        _row("nearly", "theirs", 1.001 * ones),
        _row("alone", "ours", ones),
    ]
    return pd.DataFrame(rows).assign(error=np.nan, log_loss=np.nan, log_losses_by_group=np.nan)


def test_variants_are_compared_on_the_tables_that_all_have() -> None:
    assert set(comparable(_rows(), ["ours", "theirs"])["table"]) == {"clear", "noisy", "nearly"}
    assert set(comparable(_rows(), ["ours"])["table"]) == {"clear", "noisy", "nearly", "alone"}


def test_ranks_by_hand() -> None:
    # Ours has the lower RMSE on all three tables: 1 of 1.41, 2.45 of 2.55, 1 of 1.0005.
    found = ranks(comparable(_rows(), ["ours", "theirs"]), "figure")
    assert found.to_dict() == {"ours": 1, "theirs": 2}


def test_ratios_by_hand() -> None:
    rows = comparable(_rows(), ["ours", "theirs"])
    # The cube root of sqrt(2) * sqrt(6.5 / 6) * sqrt(1.001).
    assert ratios(rows, "ours").to_dict() == pytest.approx({"ours": 1, "theirs": (2 * 6.5 / 6 * 1.001) ** (1 / 6)})


def test_wins_ties_and_losses_by_hand() -> None:
    rows = comparable(_rows(), ["ours", "theirs"])
    # Differences of squared errors, and their standard errors of 20 groups: 1 and 0.115; 0.5 and 1.15; 0.001 and 0, but
    # 0.05 % of the RMSE.
    verdicts = {name: verdict(rows, name, "ours", "theirs") for name in ("clear", "noisy", "nearly")}
    assert verdicts == {"clear": 1, "noisy": 0, "nearly": 0}
    assert verdict(rows, "clear", "theirs", "ours") == -1


def test_three_splits_tell_more_than_one() -> None:
    ones, noise = np.ones(GROUPS), np.tile([0.5, -0.5], GROUPS // 2)
    # A difference of 0.1 with a standard error of 0.115 in each split: 0.115 sqrt(1.5 / 3) = 0.081 over three of them.
    rows = [_row("toy", "ours", ones, number) for number in range(3)]
    rows += [_row("toy", "theirs", 1.1 * ones + noise, number) for number in range(3)]
    table = pd.DataFrame(rows).assign(error=np.nan, log_loss=np.nan)
    assert verdict(comparable(table, ["ours", "theirs"]), "toy", "ours", "theirs") == 1
    first = table[table["split"] == 0]
    assert verdict(comparable(first, ["ours", "theirs"]), "toy", "ours", "theirs") == 0


def test_a_later_row_replaces_that_of_the_same_split(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    for number, scale in ((0, 4), (1, 4), (0, 9)):
        add_row(file, _row("toy", "ours", scale * np.ones(GROUPS), number))
    rows = read_rows(file)
    assert rows[["split", "rmse"]].to_numpy().tolist() == [[0, 3], [1, 2]]
    assert rows["commit"].tolist() == ["0123456"] * 2


def test_groups_are_the_same_rows_for_all_variants() -> None:
    losses = rng.normal(size=97)
    np.testing.assert_allclose(group_means(2 * losses), 2 * group_means(losses))
    sizes = [len(part) for part in np.array_split(np.arange(97), GROUPS)]
    assert np.average(group_means(losses), weights=sizes) == pytest.approx(losses.mean())
