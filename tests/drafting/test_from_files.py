"""A draft from files reads each of them once, and its tables are those that a fit reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tabular_dl.competition import load_competition
from tabular_dl.drafting import Tables, draft_from_files


def test_each_file_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pd.DataFrame({"id": range(1, 61), "size": [n % 7 / 2 for n in range(60)], "kind": ["a", "b", "c"] * 20})
    rows[:40].assign(price=[2.0 * n for n in range(40)]).to_csv(tmp_path / "train.csv", index=False)
    rows[40:].to_csv(tmp_path / "test.csv", index=False)
    widths: list[int] = []
    parse = pd.read_csv

    def counted(*args: Any, **options: Any) -> pd.DataFrame:
        table = parse(*args, **options)
        widths.extend([table.shape[1]] * ("nrows" not in options))  # not the header alone
        return table

    monkeypatch.setattr(pd, "read_csv", counted)
    draft, competition = draft_from_files("houses", Tables(tmp_path / "train.csv"))
    assert widths == [4, 3]
    assert (draft.content["data"]["target"], draft.content["data"]["id"]) == ("price", "id")
    expected = load_competition(str(tmp_path), "price", "id")
    assert competition.test is not None
    assert expected.test is not None
    pd.testing.assert_frame_equal(competition.train, expected.train)
    pd.testing.assert_frame_equal(competition.test, expected.test)
    assert (competition.digest, competition.notes) == (expected.digest, expected.notes)
    assert competition.train["id"].tolist()[:2] == ["1", "2"]


def test_several_files_are_drafted_by_the_first_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    parts = tmp_path / "clicks" / "parts"
    parts.mkdir(parents=True)
    for part in range(2):
        rows = [f"{part}{row},{row % 7},{'yes' if row % 3 else 'no'}" for row in range(60)]
        (parts / f"{part}.csv").write_text("\n".join(["id,size,clicked", *rows]) + "\n")
    for name in ("parts", "parts/*.csv"):
        draft, competition = draft_from_files("clicks", Tables(tmp_path / "clicks" / name, target="clicked", id="id"))
        assert draft.content["data"]["train"] == ("parts" if name == "parts" else "*.csv")
        assert len(competition.train) == 60
        assert "read in blocks (2 files" in competition.notes[-1]
