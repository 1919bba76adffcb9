"""A stored model is compressed, loses nothing by it, and MLflow's description states its size."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skops.io
import yaml
from mlflow.utils import environment, requirements_utils
from sklearn.preprocessing import StandardScaler

from tabular_dl.tracking.compressed import compress, save_model

SCALER = StandardScaler().fit(np.arange(400.0).reshape(4, 100))


def test_a_compressed_archive_has_the_same_content_and_is_read_as_before(tmp_path: Path) -> None:
    file = tmp_path / "model.skops"
    skops.io.dump(SCALER, file)
    plain = file.read_bytes()
    before = zipfile.ZipFile(io.BytesIO(plain))
    compress(file)
    assert file.stat().st_size < len(plain) / 3
    with zipfile.ZipFile(file) as after:
        assert after.namelist() == before.namelist()
        for name in after.namelist():
            assert after.getinfo(name).compress_type == zipfile.ZIP_DEFLATED
            if name == "schema.json":
                assert json.loads(after.read(name)) == json.loads(before.read(name))
                assert b"\n" not in after.read(name)
            else:
                assert after.read(name) == before.read(name)
    np.testing.assert_array_equal(skops.io.load(file).mean_, SCALER.mean_)


def test_the_description_of_a_stored_model_states_the_size_of_its_folder(tmp_path: Path) -> None:
    save_model(SCALER, tmp_path / "model", serialization_format="skops", pip_requirements=["scikit-learn"])
    files = [file for file in (tmp_path / "model").rglob("*") if file.is_file() and file.name != "MLmodel"]
    stated = yaml.safe_load((tmp_path / "model" / "MLmodel").read_text())["model_size_bytes"]
    # The description cannot count itself before it is written.
    assert 0 < stated - sum(file.stat().st_size for file in files) < 5000


def test_installed_packages_are_not_looked_at_for_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements_utils, "_check_requirement_satisfied", lambda _: pytest.fail("it looks"))
    compare = environment.warn_dependency_requirement_mismatches
    save_model(SCALER, tmp_path / "model", serialization_format="skops", pip_requirements=["scikit-learn==1.0"])
    written = (tmp_path / "model" / "requirements.txt").read_text().splitlines()
    assert "scikit-learn==1.0" in written
    assert environment.warn_dependency_requirement_mismatches is compare
