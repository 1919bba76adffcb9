"""Section ``ensemble`` of a pipeline file: folds, members, how rows are divided into folds, and further trainings.

`tabular_dl.model_selection.row_splits` makes the folds; here is which key goes with which split.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

__all__ = ["EnsembleSpec", "PseudoLabelsSpec"]

Split = Literal["stratified", "plain", "group", "stratified_group", "time", "column"]
# Splits that read each key of ``ensemble`` for a column, a gap or a number of repeats.
_SPLITS_WITH: dict[str, tuple[str | None, ...]] = {
    "group": ("group", "stratified_group", "column", None),
    "time": ("time",),
    "fold": ("column",),
    "gap": ("time",),
    "repeats": ("stratified", "plain", "group", "stratified_group", None),
}
# Splits that require a key.
_NEEDED = {"group": ("group", "stratified_group"), "time": ("time",), "fold": ("column",)}


class PseudoLabelsSpec(BaseModel):
    """Rows without a target that are trained on with predicted labels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: Annotated[float, Field(gt=0, le=1, strict=True)] = Field(
        default=0.5,
        description="Share of the rows without a target that are trained on: of classes those predicted most surely.",
    )
    rounds: Annotated[int, Field(ge=1, le=10, strict=True)] = Field(
        default=1, description="Number of times that labels are predicted and models trained again."
    )


class EnsembleSpec(BaseModel):
    """Number of networks, folds x members, and how rows are divided into folds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folds: Annotated[int, Field(ge=2, le=2**31 - 1, strict=True)] = Field(
        default=5, description="Number of folds; with split: column, that of the column's values."
    )
    members: Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)] = Field(
        default=4, description="Number of networks, or models, of each fold."
    )
    split: Split | None = Field(
        default=None,
        description=(
            "How rows are divided into folds, as test rows are from training rows: stratified (labels, or small and "
            "large numbers, in equal shares), plain, group, stratified_group, time (each fold is predicted from "
            "earlier rows) or column (your own folds). By default stratified for labels and plain for numbers, with "
            "group in whole groups."
        ),
    )
    group: str | None = Field(
        default=None,
        min_length=1,
        validate_default=True,
        description="Column or feature that groups rows: rows with equal values share a fold.",
    )
    time: str | None = Field(
        default=None,
        min_length=1,
        validate_default=True,
        description="Column or feature with the time of each row, numbers or dates, for split: time.",
    )
    fold: str | None = Field(
        default=None,
        min_length=1,
        validate_default=True,
        description="Column with the fold of each training row, for split: column; it is no feature.",
    )
    gap: Annotated[int, Field(ge=0, le=2**31 - 1, strict=True)] | None = Field(
        default=None,
        description="Number of different times between training rows and the rows of a fold, which are left out.",
    )
    repeats: Annotated[int, Field(ge=1, le=1000, strict=True)] | None = Field(
        default=None, description="Number of times that all rows are divided into folds, each time with another seed."
    )

    pseudo_labels: PseudoLabelsSpec | None = Field(
        default=None,
        description=(
            "Train each fold once more on test rows, and training rows without a target, with the probabilities or "
            "numbers that its own models predict as labels, so that scores stay unbiased; {} for the defaults."
        ),
    )
    refit: Literal["all"] | None = Field(
        default=None,
        description=(
            "all: train once more on all rows, for the folds' mean number of epochs or boosting rounds; new rows are "
            "predicted by these models beside those of the folds."
        ),
    )

    @property
    def trainings(self) -> int:
        """Number of folds of all repeats, and of one more by time, for new rows; the user's own folds may be others."""
        return self.folds * (self.repeats or 1) + (self.split == "time")

    @field_validator("group", "time", "fold", "gap", "repeats")
    @classmethod
    def _of_the_split(cls, value: Any, info: ValidationInfo) -> Any:
        if "split" not in info.data:  # which has an error of its own
            return value
        key, split = str(info.field_name), info.data["split"]
        needed, splits = _NEEDED.get(key, ()), _SPLITS_WITH[key]
        if value is None and split in needed:
            raise ValueError(f"split: {split} needs the name of a column: write {key}: COLUMN.")
        if value is not None and split not in splits:
            given = "no split is given" if split is None else f"found split: {split}"
            allowed = [word for word in splits if word is not None]
            raise ValueError(
                f"{key} is for split: {' or '.join(allowed)}, {given}. Write split: {allowed[0]}, or leave {key} out."
            )
        return value
