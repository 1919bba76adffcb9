"""Raw rows of a map and derived features that are its columns, which a cross-fit reads in place of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sklearn.pipeline import Pipeline

from tabular_dl.errors import SpecError
from tabular_dl.preprocessing.mapped_fit import fit_mapped
from tabular_dl.preprocessing.mapped_matrix import MappedMatrix

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from tabular_dl.preprocessing.derived_features import DerivedFeatures
    from tabular_dl.tables import RowMap

__all__ = ["MappedRows"]

STEPS = ("features", "preprocessing")


@dataclass(frozen=True, eq=False)
class MappedRows:
    """Rows of a table that is larger than memory.

    Attributes
    ----------
    table : RowMap
        Map with the columns that rules read: raw ones and derived features.
    features : DerivedFeatures
        Fitted features, which are computed for each row alone.
    example : DataFrame of shape (some rows, columns)
        Some raw rows.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np, pandas as pd
    >>> from tabular_dl.preprocessing.column_transformer import build_preprocessing
    >>> from tabular_dl.preprocessing.derived_features import DerivedFeatures
    >>> from tabular_dl.tables import write_row_map
    >>> people, features = pd.DataFrame({"age": [20.0, 30.0, 70.0]}), DerivedFeatures({})
    >>> encoder = build_preprocessing([{"columns": ["age"], "scale": "minmax"}])
    >>> with TemporaryDirectory() as folder:
    ...     table = write_row_map(Path(folder) / "map", [people], {"age": "number"}, 3)
    ...     rows = MappedRows(table, features.fit(people), people)
    ...     steps, matrix = rows.encoded(Pipeline([("features", features), ("preprocessing", encoder)]), np.arange(2))
    ...     print(matrix[:].ravel().tolist(), steps.transform(people).ravel().tolist())
    [0.0, 1.0, 5.0] [0.0, 1.0, 5.0]
    """

    table: RowMap
    features: DerivedFeatures
    example: pd.DataFrame

    def __len__(self) -> int:
        return len(self.table)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of raw columns."""
        return len(self.table), self.example.shape[1]

    def encoded(self, steps: Pipeline | None, train: np.ndarray[Any, Any]) -> tuple[Pipeline, MappedMatrix]:
        """Return the steps before a model, fitted to training rows, and the matrix of all rows.

        Parameters
        ----------
        steps : Pipeline
            Unfitted steps of `tabular_dl.spec.build_pipeline`: features and preprocessing.
        train : ndarray of int
            Numbers of the training rows.

        Returns
        -------
        tuple of Pipeline and MappedMatrix
            Steps, which transform raw rows, and the matrix.

        Raises
        ------
        SpecError
            If there are other steps, or one of them needs all rows at once.
        """
        names = () if steps is None else tuple(name for name, _ in steps.steps)
        if steps is None or names != STEPS:
            raise SpecError(
                f"A table that is larger than memory is read by the steps {' and '.join(STEPS)}, found "
                f"{', '.join(names) or 'none'}: leave features.python out."
            )
        fitted = fit_mapped(steps[-1], self.table, train)
        return Pipeline([(STEPS[0], self.features), (STEPS[1], fitted)]), MappedMatrix(fitted, self.table)
