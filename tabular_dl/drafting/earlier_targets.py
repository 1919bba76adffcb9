"""Feature of a group's earlier targets, drafted where they predict the target beyond group and date."""

from __future__ import annotations

from collections.abc import Collection

from tabular_dl.drafting.column_defaults import Treatments
from tabular_dl.profiling import GroupDrift
from tabular_dl.tables import free_name

__all__ = ["add_earlier_targets"]


def add_earlier_targets(
    treatments: Treatments, drift: GroupDrift | None, target: str, taken: Collection[str], *, logarithm: bool
) -> None:
    """Add the mean of a group's targets up to the latest step that is known of all test rows, and a rule for it.

    Parameters
    ----------
    treatments : Treatments
        Features and rules of a draft, which are changed in place.
    drift : GroupDrift or None
        Groups whose level changes; None if there are none, and nothing is added.
    target : str
        Column to predict.
    taken : collection of str
        Names of columns.
    logarithm : bool
        Whether the logarithm of the target is learned, so that ranks are the better scale.

    Examples
    --------
    >>> treatments = Treatments()
    >>> drift = GroupDrift(("shop",), "date", 16, 28, "day", 0.4)
    >>> add_earlier_targets(treatments, drift, "sold", ["date", "shop"], logarithm=False)
    >>> treatments.features["sold_before"]["lag"], treatments.rules
    (16, [{'columns': ['sold_before'], 'impute': 'median', 'scale': 'standard'}])
    """
    if drift is None:
        return
    name = free_name(f"{target}_before", {*taken, *treatments.features})
    steps = "steps" if drift.unit == "number" else f"{drift.unit}s"
    treatments.features[name] = drift.feature(target)
    treatments.feature_reasons[name] = (
        f"Mean of {target} by {' and '.join(drift.by)} over {drift.window} {steps} that end {drift.ahead} {steps} "
        f"before a row, as far as test rows lie ahead: beyond group and date, {target} correlates with it by "
        f"{drift.correlation:.2f}."
    )
    treatments.rules.append({"columns": [name], "impute": "median", "scale": "quantile" if logarithm else "standard"})
    treatments.rule_reasons.append("Earlier targets.")
