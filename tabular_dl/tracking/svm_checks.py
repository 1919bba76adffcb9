"""Checks of scikit-learn's support vector machines: libsvm trusts the stored numbers of support vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["check_svm"]

CLASSIFIERS = ("c_svc", "nu_svc")


def check_svm(model: Any) -> bool:
    """Return whether the arrays of a support vector machine have consistent shapes.

    Parameters
    ----------
    model : SVC, NuSVC, SVR, NuSVR or OneClassSVM
        Loaded model.

    Returns
    -------
    bool
        False if libsvm would read beyond an array, or an array has another type.

    Examples
    --------
    >>> from sklearn.svm import SVR
    >>> model = SVR().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 3.0])
    >>> check_svm(model)
    True
    >>> model._n_support[0] = 1000
    >>> check_svm(model)
    False
    """
    if "_impl" in vars(model) or model._sparse is not False or model.kernel == "precomputed":
        return False
    vectors, counts, features = model.support_vectors_, model._n_support, model.n_features_in_
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2 or not isinstance(counts, np.ndarray):
        return False
    several = model._impl in CLASSIFIERS
    groups, total = len(model.classes_) if several else 2, len(vectors)
    pairs = groups * (groups - 1) // 2
    shapes: dict[str, tuple[tuple[int, ...], Any]] = {
        "support_": ((total,), np.int32),
        "support_vectors_": ((total, features), np.float64),
        "_n_support": ((groups,), np.int32),
        "_dual_coef_": ((groups - 1, total), np.float64),
        "_intercept_": ((pairs,), np.float64),
    }
    if not all(_is_array(getattr(model, name), *kind) for name, kind in shapes.items()):
        return False
    sums = counts.sum(dtype=np.int64) == total if several else (counts == total).all()
    # Without probabilities, these are empty.
    scales = [getattr(model, name) for name in ("_probA", "_probB")]
    fits = any(all(_is_array(scale, (length,), np.float64) for scale in scales) for length in (0, pairs))
    return bool(groups >= 2 and (counts >= 0).all() and sums and fits and tuple(model.shape_fit_)[1:] == (features,))


def _is_array(value: Any, shape: tuple[int, ...], kind: Any) -> bool:
    return isinstance(value, np.ndarray) and value.shape == shape and value.dtype == kind and value.flags.c_contiguous
