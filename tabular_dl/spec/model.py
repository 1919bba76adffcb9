"""Section ``model`` of a pipeline specification: the networks of this package, or a model of another library."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from tabular_dl.errors import did_you_mean
from tabular_dl.estimators import MODELS, NETWORK

__all__ = ["ModelSpec", "model_as_mapping"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def model_as_mapping(value: object) -> object:
    """Return the section ``model`` in its long form: a name alone is short for ``{name: ...}``.

    ``estimator`` is another word for ``name``, for a class; null is for networks.

    Examples
    --------
    >>> model_as_mapping("knn"), model_as_mapping({"estimator": "sklearn.svm:SVC"})
    ({'name': 'knn'}, {'name': 'sklearn.svm:SVC'})
    """
    if value is None:
        return {}
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, dict) and "estimator" in value:
        if "name" in value:
            raise ValueError("name and estimator say the same: keep one of the two.")
        return {"name" if key == "estimator" else key: item for key, item in value.items()}
    return value


def _checked_patience(value: object) -> object:
    if value not in ("auto", None) and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ValueError(f"expected auto, null or a number of rounds from 1 on, found {value!r}.")
    return value


class ModelSpec(_Frozen):
    """Model that is trained on each fold: the networks of this package, or a model of another library."""

    name: str = Field(
        default=NETWORK, description="network, a model such as lightgbm, or a class as package.module:Class."
    )
    parameters: dict[str, Any] = Field(default={}, description="Parameters of the model's class.")
    early_stopping: Annotated[
        Annotated[int, Field(ge=1, strict=True)] | Literal["auto"] | None, BeforeValidator(_checked_patience)
    ] = Field(
        default="auto",
        description="Boosting rounds without a smaller loss on held-out rows after which boosting stops.",
    )

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        if ":" not in name and name not in (NETWORK, *MODELS):
            hint = did_you_mean(name, (NETWORK, *MODELS))
            raise ValueError(f"there is no {name!r}. {hint} A class is named as package.module:Class.")
        return name

    @field_validator("parameters", mode="before")
    @classmethod
    def _null_as_empty(cls, section: object) -> object:
        return {} if section is None else section

    @model_validator(mode="after")
    def _of_networks(self) -> ModelSpec:
        if self.is_network and self.parameters:
            raise ValueError("parameters: those of networks are keys of network and training.")
        return self

    @property
    def is_network(self) -> bool:
        """Whether the networks of this package are trained."""
        return self.name == NETWORK
