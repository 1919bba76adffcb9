"""From a DataFrame to a cross-validated score, with scikit-learn and the estimator only."""

from __future__ import annotations

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_wine
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tabular_dl import KerasClassifier
from tabular_dl.model_selection import standard_error

wine, cultivar = load_wine(return_X_y=True, as_frame=True)
wine["strong"] = pd.cut(wine.pop("alcohol"), [0, 12.5, 13.5, 20], labels=["light", "middle", "strong"])

columns = make_column_transformer((OneHotEncoder(), ["strong"]), remainder=StandardScaler())
model = make_pipeline(columns, KerasClassifier(hidden=[32, 16], epochs=40, members=4, random_state=0))

scores = cross_val_score(model, wine, cultivar, cv=5, scoring="accuracy")
print(f"accuracy {scores.mean():.3f}, standard error {standard_error(scores):.3f} (178 rows, 5 folds, seed 0)")
