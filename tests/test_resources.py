"""Bundled folders are found beside the package in a checkout, and inside it in an installed wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

import tabular_dl
from tabular_dl import resources
from tabular_dl.resources import bundled


@pytest.mark.parametrize(("folder", "file"), [("data", "wine/train.csv"), ("pipelines", "wine.yaml")])
def test_data_and_pipelines_are_found_from_any_folder(
    folder: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (bundled(folder) / file).is_file()


def test_a_checkout_has_them_beside_the_package() -> None:
    assert bundled("data") == Path(tabular_dl.__file__).parents[1] / "data"


def test_a_wheel_has_them_inside_the_package_and_what_lies_beside_it_is_none_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("site-packages/data", "site-packages/tabular_dl/data"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "site-packages" / "tabular_dl")
    assert bundled("data") == tmp_path / "site-packages" / "tabular_dl" / "data"
