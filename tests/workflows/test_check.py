"""`tabular-dl check`, and the same checks before a fit: warnings in short, errors before anything is trained."""

from __future__ import annotations

import io
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from tabular_dl.checks.finding import Finding
from tabular_dl.errors import DataError
from tabular_dl.resources import bundled
from tabular_dl.workflows.check import check
from tabular_dl.workflows.console import print_findings, stop_at_errors, warn_in_short

TRAIN = pd.read_csv(bundled("data") / "wine" / "train.csv")
TEST = pd.read_csv(bundled("data") / "wine" / "test.csv")


def own_wine(folder: Path, train: pd.DataFrame = TRAIN, test: pd.DataFrame = TEST) -> Path:
    """Write a folder with the wine tables, or others."""
    folder.mkdir()
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    return folder


def printed(findings: list[Finding], width: int = 60) -> list[str]:
    said = io.StringIO()
    print_findings(findings, Console(file=said, width=width))
    return said.getvalue().splitlines()


def in_short(findings: list[Finding], width: int = 60) -> list[str]:
    said = io.StringIO()
    warn_in_short(findings, Console(file=said, width=width), "tabular-dl check 'my wine'")
    return said.getvalue().splitlines()


# The command


def test_a_clean_competition_ends_with_nothing_found(cli: Any, workspace: Path) -> None:
    outcome = cli("check", "wine")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines() == [
        "wine, multiclass: 142 training and 36 test rows",
        "nothing found",
    ]
    assert list(workspace.iterdir()) == []


def test_warnings_are_told_with_what_mends_them_and_do_not_fail(cli: Any, workspace: Path) -> None:
    answered = TEST.assign(Id=range(500, 536), cultivar=0)
    own_wine(workspace / "wine", pd.concat([TRAIN, answered]))
    outcome = cli("check", "wine", "--data", "wine")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[1].startswith("warning  36 of 36 rows of test.csv are also rows of train.csv, by all 13 columns")
    assert "  fix: data: {source: FOLDER}  # with a train.csv without these rows" in lines
    assert lines[-1] == "1 warning"


def test_an_error_ends_with_code_2_and_what_was_left_out_is_said(cli: Any, workspace: Path) -> None:
    own_wine(workspace / "wine", test=TEST.assign(hue="red").drop(columns="ash"))
    outcome = cli("check", "wine", "--data", "wine")
    assert (outcome.code, outcome.err) == (2, "")
    assert "error  test.csv, column 'hue', row 1: expected a finite number, found 'red'" in outcome.out
    assert "error  test.csv lacks columns that the rules name. 'ash':" in outcome.out
    assert re.search(r"\n2 errors\n.*other checks.*correct them, and check again", outcome.out)


def test_a_setting_changes_what_is_checked(cli: Any, workspace: Path) -> None:
    outcome = cli("check", "wine", "--set", "ensemble.folds=20")
    assert outcome.code == 0
    assert "warning  142 training rows in 20 folds: fewer than 10 to score each fold on." in outcome.out
    assert "  fix: ensemble: {folds: 14}" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["wnie"], "There is no pipeline 'wnie'. Did you mean 'wine'?"),
        (["wine", "--data", "nowhere"], "There is no folder"),
        (["wine", "--set", "data.target=color"], "there is no column 'color' (the target)"),
    ],
)
def test_what_cannot_be_read_is_refused(cli: Any, workspace: Path, arguments: list[str], message: str) -> None:
    assert message in cli("check", *arguments).refused()


def test_of_large_tables_the_sample_is_said(workspace: Path) -> None:
    random = np.random.default_rng(0)
    parts = [
        pd.DataFrame(random.normal(size=(rows, 13)), columns=TEST.columns[1:]).assign(Id=range(start, start + rows))
        for start, rows in ((0, 1600), (1600, 40))
    ]
    own_wine(workspace / "large", parts[0].assign(cultivar=random.integers(0, 3, 1600)), parts[1])
    said = io.StringIO()
    found = check("wine", ["data.source=large"], Console(file=said, width=200))
    assert found == ()
    _, nothing, sampled = said.getvalue().splitlines()
    assert nothing == "nothing found"
    assert re.match(r"Leaks and drift .* at most 1,500 rows.*\bseed 0\b", sampled)


# How findings are printed


def test_a_line_that_mends_is_one_line_however_long_and_markup_is_text() -> None:
    fix = f"- {{columns: [{', '.join('abcdefghij' * 9)}]}}  # [bold]"
    lines = printed([Finding("note", "x", "column [red] is " + "long " * 20, fix)])
    assert f"  fix: {fix}" in lines
    assert lines[0].startswith("note  column [red] is long")
    assert len(lines[0]) <= 60


def test_levels_are_counted() -> None:
    found = [Finding("error", "x", "a"), Finding("warning", "x", "b"), Finding("warning", "x", "c")]
    assert printed(found)[-1] == "1 error, 2 warnings"


@pytest.mark.parametrize("count", [1, 4, 5, 9])
def test_before_a_fit_warnings_take_five_lines_at_most(count: int) -> None:
    lines = in_short([Finding("warning", "x", f"number {number} " + "long " * 20) for number in range(count)])
    assert len(lines) == min(count, 4) + 1
    assert all(line.startswith("warning  number") and len(line) <= 60 for line in lines[:-1])
    more = f"{count - 4} more; " if count > 4 else ""
    assert re.fullmatch(re.escape(more) + r"all [\w ]+: tabular-dl check 'my wine'", lines[-1])


def test_without_a_name_warnings_are_whole_for_nothing_says_where_to_see_all() -> None:
    said = io.StringIO()
    long = "a" + " long" * 20
    warn_in_short([Finding("warning", "x", long)], Console(file=said, width=60))
    assert said.getvalue() == f"warning  {long}\n"
    said.seek(said.truncate(0))
    found = [Finding("warning", "x", "a")] * 6
    warn_in_short(found[:2], Console(file=said, width=60))
    warn_in_short(found, Console(file=said, width=60))
    assert said.getvalue().splitlines() == ["warning  a"] * 6 + ["2 more"]


def test_notes_are_not_shown_before_a_fit() -> None:
    assert in_short([Finding("note", "x", "a")]) == []


def test_before_a_fit_all_errors_are_told_with_what_mends_them() -> None:
    found = [
        Finding("error", "x", "All is wrong.", "rest: drop"),
        Finding("error", "x", "So is this."),
        Finding("warning", "x", "a"),
    ]
    with pytest.raises(DataError) as stopped:
        stop_at_errors(found, "tabular-dl check 'my wine'")
    assert str(stopped.value).splitlines() == [
        "All is wrong.",
        "  fix: rest: drop",
        "error  So is this.",
        "All findings: tabular-dl check 'my wine'",
    ]
    with pytest.raises(DataError, match=r"^So is this\.$"):
        stop_at_errors(found[1:])
    stop_at_errors(found[2:], "tabular-dl check")


# Before a fit


def test_a_fit_shows_warnings_and_goes_on(cli: Any, workspace: Path, tiny: list[str]) -> None:
    own_wine(workspace / "wine", pd.concat([TRAIN, TRAIN.head(10).assign(Id=range(500, 510))]))
    outcome = cli("fit", "wine", "--data", "wine", *tiny, "--no-track")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0].startswith("warning  train.csv: 10 of 152 rows")
    _, _, command = lines[1].partition(": ")
    program, *arguments = shlex.split(command)
    assert (program, arguments[:2]) == ("tabular-dl", ["check", "wine"])
    assert f'data.source="{workspace}/wine"' in arguments
    assert "10 of 152 rows" in cli(*arguments).out, "the command finds the same"


def test_a_fit_stops_at_an_error_before_anything_is_trained(cli: Any, workspace: Path, tiny: list[str]) -> None:
    coded = ["--set", "columns.0.encode=onehot", "--set", "columns.0.scale=none"]
    numbers = TEST.columns.drop("Id")
    own_wine(workspace / "wine", test=TEST.assign(**{name: "about " + TEST[name].astype(str) for name in numbers}))
    message = cli("fit", "wine", "--data", "wine", *coded, *tiny, "--no-track").refused()
    assert message.startswith("Column alcohol is numbers in train.csv and text in test.csv, such as 'about 12.37'")
    assert [path.name for path in workspace.iterdir()] == ["wine"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("network: {dropout: 1.3}", "network.dropout should be less than 1 or should be a list; it is 1.3."),
        ("network: {hidden: 64}", "network.hidden should be a list; it is 64."),
        ("training: {epochs: 0}", "training.epochs should be greater than or equal to 1; it is 0."),
        ("training: {optimizer: adamm}", "training.optimizer: there is no 'adamm'. Did you mean 'adam'?"),
        ("training: {shift: 2}", "training.shift needs image_shape, the height and width of the images"),
    ],
)
def test_a_value_that_no_network_can_have_is_told_with_its_line(
    cli: Any, workspace: Path, line: str, message: str
) -> None:
    text = (bundled("pipelines") / "wine.yaml").read_text(encoding="utf-8")
    section = line.split(":")[0]
    kept = [own for own in text.splitlines() if not own.startswith(f"{section}:")]
    (workspace / "own.yaml").write_text("\n".join([*kept, line]))
    for command in ("check", "fit"):
        said = cli(command, "own.yaml").refused()
        assert said.startswith(f"own.yaml, line {len(kept) + 1}: {message}"), said
