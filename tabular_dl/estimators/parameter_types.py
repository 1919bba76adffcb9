"""Types of hyperparameters: numbers within limits, and flags."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import Field, WithJsonSchema

__all__ = [
    "Auto",
    "Bins",
    "Code",
    "Count",
    "CountOrZero",
    "Flag",
    "NotNegative",
    "Number",
    "Positive",
    "Probability",
    "Seed",
    "Share",
]

# Ends of what the networks compute with: 32-bit integers and floats. NumPy's generators take seeds of 32 bits.
MOST, LARGEST, LAST_SEED = 2**31 - 1, 1e38, 2**32 - 1
Count = Annotated[int, Field(ge=1, le=MOST, strict=True)]
CountOrZero = Annotated[int, Field(ge=0, le=MOST, strict=True)]
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False, strict=True)]
Positive = Annotated[float, Field(gt=0, le=LARGEST, allow_inf_nan=False, strict=True)]
NotNegative = Annotated[float, Field(ge=0, le=LARGEST, allow_inf_nan=False, strict=True)]
Seed = Annotated[int, Field(ge=0, le=LAST_SEED, strict=True)]
Share = Annotated[float, Field(ge=0, lt=1, strict=True)]
Probability = Annotated[float, Field(gt=0, lt=1, strict=True)]
Flag = Annotated[bool, Field(strict=True)]
# Function or class of the user, which a pipeline file names.
Code = Annotated[Callable[..., Any], WithJsonSchema({"type": "string", "pattern": r"\.py:\w+$"})]
Bins = Annotated[int, Field(ge=2, le=1024, strict=True)]
# Value of the preset, or one that follows from the data. For type checkers it is anything, as nearly all code reads
# resolved hyperparameters, of which none is "auto".
if TYPE_CHECKING:
    Auto: TypeAlias = Any
else:
    Auto = Literal["auto"]
