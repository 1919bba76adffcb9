"""The report of a fit, a blend and a search: what it says, and how a browser shows it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import webbrowser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tabular_dl.tracking import runs
from tabular_dl.workflows.report import report

BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)

# What a page says of itself once it is loaded: run in the browser, read from its document.
LOOK = """
<script>
const said = [];
window.addEventListener("error", event => said.push(String(event.message)), true);
window.addEventListener("load", () => document.body.setAttribute("data-look", JSON.stringify({
  errors: said,
  figures: [...document.images].map(
    i => [i.complete && i.naturalWidth > 0, i.getBoundingClientRect().width, i.alt.length]),
  wider: document.documentElement.scrollWidth - window.innerWidth,
  headings: [...document.querySelectorAll("h2")].map(h => h.textContent),
})));
</script>
"""


def shown(page: str, folder: Path, width: int) -> dict[str, Any]:
    """Load a page in a headless browser and return what it says of itself."""
    assert BROWSER is not None
    policy = re.search(r'<meta http-equiv="Content-Security-Policy"[^>]*>', page)
    assert policy is not None
    # Only to look, the copy may run a script; what it loads stays forbidden.
    opened = policy.group(0).replace("default-src 'none'", "default-src 'none'; script-src 'unsafe-inline'")
    file = folder / "look.html"
    file.write_text(page.replace(policy.group(0), opened + LOOK), encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"]
    command += [f"--window-size={width},900", "--virtual-time-budget=5000", "--enable-logging=stderr", "--dump-dom"]
    ended = subprocess.run([*command, file.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in ended.stderr, ended.stderr
    found = re.search(r'data-look="([^"]*)"', ended.stdout)
    assert found is not None
    return json.loads(html.unescape(found.group(1)))


def test_the_report_of_a_fit_says_what_came_out(tracked: Any) -> None:
    page = (tracked.artifacts / "report.html").read_text(encoding="utf-8")
    scores = tracked.result.scores
    assert f"accuracy {scores.mean():.4f}, standard error {scores.std(ddof=1) * np.sqrt(1 / 2 + 1):.4f}" in page
    for part in ("majority class", "Verdict: ", "ROC curve", "Calibration", "shuffled", "tensorflow", "Seed"):
        assert part in page
    hardest = tracked.result.competition.train
    wrong = [i for i in hardest["PassengerId"] if f"<td>{i}</td>" in page]
    assert len(wrong) >= 10
    assert page.count("<img ") == page.count("alt=") == 7


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [1280, 500])
def test_a_browser_shows_every_figure_and_has_nothing_to_complain_of(tracked: Any, tmp_path: Path, width: int) -> None:
    page = (tracked.artifacts / "report.html").read_text(encoding="utf-8")
    look = shown(page, tmp_path, width)
    assert look["errors"] == []
    assert len(look["figures"]) == 7
    for loaded, across, text in look["figures"]:
        assert loaded
        assert 300 < across <= width
        assert text > 20
    assert look["wider"] <= 0
    assert look["headings"][0] == "Data and networks"


def test_the_command_writes_the_page_of_a_run(own: Any, cli: Any, workspace: Path, monkeypatch: Any) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    name = own.run.info.run_name
    outcome = cli("report", name, "-o", "page.html", "--open")
    assert outcome.code == 0
    assert Path("page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert opened == [Path("page.html").resolve().as_uri()]
    assert cli("report", own.run.info.run_id).code == 0
    assert Path(f"report-{name}.html").exists()


def test_a_run_without_a_report_and_no_run_are_refused(own: Any, cli: Any) -> None:
    child = own.children[0]
    assert (
        f"Run {child.info.run_name} ({child.info.run_id}) has no report.html"
        in cli("report", child.info.run_id).refused()
    )
    assert "There is no run 'nothing'" in cli("report", "nothing").refused()
    assert not list(Path().glob("report-*"))


def test_the_default_file_is_named_as_the_run(own: Any, workspace: Path) -> None:
    run = runs.find_run(own.run.info.run_id)
    assert report(run.id) == Path(f"report-{run.name}.html")
