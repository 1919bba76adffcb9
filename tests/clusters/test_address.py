"""Addresses of clusters as users write them."""

from __future__ import annotations

import pytest

from tabular_dl.clusters.address import ClusterAddress, read_address
from tabular_dl.errors import UserError


def test_what_can_be_written() -> None:
    assert read_address("local:2") == ClusterAddress("local", 2)
    assert read_address("loky:16") == ClusterAddress("loky", 16)
    assert read_address("tls://[::1]:8786") == ClusterAddress("scheduler", address="tls://[::1]:8786")


@pytest.mark.parametrize(
    "text",
    ["", "local", "local:0", "local:-1", "local:9999", "loky:1", "tcp://", "tcp://host", "tcp://host:0", "host:8786"],
)
def test_anything_else_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(UserError, match=r"expected local:N or loky:N .* like tcp://HOST:8786; found"):
        read_address(text)
