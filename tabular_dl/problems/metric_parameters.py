"""Parameters of metrics, such as the beta of an F-score: their bounds, and their text in the name of a metric."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Parameter"]


@dataclass(frozen=True)
class Parameter:
    """Parameter of a metric.

    Parameters
    ----------
    name : str
        Name in a pipeline file.
    default : float or None
        Value if the file gives none; None if the metric then does without.
    low, high : float
        Bounds: a whole number may be equal to them, another number lies between them.
    whole : bool, default=False
        Whether the value is a whole number.
    """

    name: str
    default: float | None
    low: float
    high: float
    whole: bool = False

    def read(self, text: str) -> object:
        """Return the value in the name of a metric, unchecked; the default if the name has none."""
        try:
            return float(text) if text else self.default
        except ValueError:
            return text

    def text(self, value: float) -> str:
        """Return a value as text for the name of a metric.

        Examples
        --------
        >>> Parameter("beta", 2, 0, 100).text(0.5), Parameter("k", 3, 1, 9, whole=True).text(3)
        ('0.5', '3')
        """
        short = f"{value:g}"
        return short if float(short) == value else repr(value)

    def checked(self, value: object) -> float:
        """Return a value of the parameter.

        Raises
        ------
        ValueError
            If it is no number within the bounds; the message states them.

        Examples
        --------
        >>> Parameter("quantile", 0.5, 0, 1).checked(1.5)
        Traceback (most recent call last):
        ...
        ValueError: expected a quantile between 0 and 1, found 1.5.
        """
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
        if self.whole:
            if number is not None and number % 1 == 0 and self.low <= number <= self.high:
                return int(number)
            raise ValueError(f"expected a whole {self.name} from {self.low:g} to {self.high:g}, found {value!r}.")
        if number is not None and self.low < number < self.high:
            return float(number)
        raise ValueError(f"expected a {self.name} between {self.low:g} and {self.high:g}, found {value!r}.")
