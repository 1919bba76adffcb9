"""Archives that would fill the memory, never end or surprise skops are refused before they are loaded."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tabular_dl.errors import DataError
from tabular_dl.limits import VARIABLE
from tabular_dl.tracking import archive_checks
from tabular_dl.tracking.persistence import load_model

OLD = Path(__file__).parent / "models" / "blend_before_packages.skops"


@pytest.fixture(scope="module")
def members() -> dict[str, bytes]:
    with zipfile.ZipFile(OLD) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def schema(members: dict[str, bytes]) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(members["schema.json"])
    return parsed


def packed(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def with_schema(members: dict[str, bytes], schema: object) -> bytes:
    return packed(members | {"schema.json": json.dumps(schema).encode()})


def refusal(folder: Path, content: bytes) -> str:
    (folder / "model.skops").write_bytes(content)
    with pytest.raises(DataError) as refused:
        load_model(folder / "model.skops")
    message = str(refused.value)
    assert message.startswith(str(folder / "model.skops"))
    assert "\n" not in message
    return message


def test_a_zip_bomb_is_refused_with_both_limits_and_the_option(members: dict[str, bytes], tmp_path: Path) -> None:
    bomb = packed(members | {"1.npy": b"\0" * 120_000_000})
    assert len(bomb) < 1_500_000
    message = refusal(tmp_path, bomb)
    assert "times its size unpacked (122," in message
    assert "the limit is 50. If you trust it: tabular-dl --limits " in message


def test_the_limit_of_bytes_is_that_of_all_members(
    members: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked = sum(map(len, members.values()))
    monkeypatch.setattr(archive_checks, "MOST_BYTES", unpacked - 1)
    assert f"it has {unpacked:,} bytes unpacked, the limit is {unpacked - 1:,}. " in refusal(tmp_path, packed(members))
    monkeypatch.setenv(VARIABLE, "2")
    load_model(tmp_path / "model.skops")


def test_a_file_larger_than_the_limit_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "model.skops").open("wb") as file:
        file.truncate(archive_checks.MOST_BYTES + 1)  # sparse
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("the file was read"))
    with pytest.raises(DataError, match=r"1,000,000,001 bytes, the limit is 1,000,000,000\."):
        load_model(tmp_path / "model.skops")


def test_a_member_that_unpacks_to_more_than_the_directory_says_is_damaged(
    members: dict[str, bytes], tmp_path: Path
) -> None:
    content = bytearray(packed({**members, "1.npy": b"\0" * 30_000_000}))
    entry = content.rindex(b"PK\x01\x02")
    assert content[entry + 46 :].startswith(b"1.npy")
    # Size and checksum of the part that a reader gets who trusts the size, and looks one byte further.
    content[entry + 16 : entry + 20] = struct.pack("<I", zlib.crc32(bytes(11)))
    content[entry + 24 : entry + 28] = struct.pack("<I", 10)
    assert "1.npy has 11 bytes or more, its entry says 10" in refusal(tmp_path, bytes(content))


def test_members_of_one_name_are_damaged(members: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes(packed(members))
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(tmp_path / "model.skops", "a") as archive:
        archive.writestr("schema.json", b"{}")
    assert "two members 'schema.json'" in refusal(tmp_path, (tmp_path / "model.skops").read_bytes())


@pytest.mark.parametrize("name", ["/etc/passwd", "../1.npy", "a/1.npy", "1.npz", "1.pkl"])
def test_members_that_no_model_has_are_named(name: str, members: dict[str, bytes], tmp_path: Path) -> None:
    assert f"has a member {name!r}" in refusal(tmp_path, packed(members | {name: b""}))


def test_another_compression_is_damaged(members: dict[str, bytes], tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("schema.json", members["schema.json"])
    assert "another method than deflate" in refusal(tmp_path, buffer.getvalue())


@pytest.mark.parametrize("levels", [300, 900, 100_000])
def test_a_deep_schema_is_refused(levels: int, members: dict[str, bytes], tmp_path: Path) -> None:
    nested = b'{"a":' + b"[" * levels + b"]" * levels + b"}"
    message = refusal(tmp_path, packed(members | {"schema.json": nested}))
    assert "levels" in message
    assert "the limit is 200." in message


def test_a_schema_of_many_values_is_refused_before_it_is_parsed(
    members: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = packed(members | {"schema.json": b"[" + b"[]," * 1_000_000 + b"[]]"})
    monkeypatch.setattr(json, "loads", lambda *_, **__: pytest.fail("it was parsed"))
    assert "1,000,002 lists and dicts in schema.json, the limit is 1,000,000. " in refusal(tmp_path, content)


def test_a_schema_that_refers_to_itself_is_damaged(
    members: dict[str, bytes], schema: dict[str, Any], tmp_path: Path
) -> None:
    schema["content"]["content"]["models"]["content"].append({"__id__": schema["__id__"]})
    assert f"the node with the id {schema['__id__']} refers to itself" in refusal(
        tmp_path, with_schema(members, schema)
    )


def test_references_that_double_at_each_level_are_damaged(members: dict[str, bytes], tmp_path: Path) -> None:
    names = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode"}
    node: dict[str, Any] = names | {"__id__": 1, "content": []}
    for number in range(2, 40):
        node = names | {"__id__": number, "content": [node, {"__id__": number - 1}]}
    # 2 ** 38 nodes for whoever follows all references, as the audit of types does.
    assert "refers to itself, or to another" in refusal(tmp_path, with_schema(members, node | {"protocol": 3}))


def array(header: bytes, content: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"{'descr': '<f8', 'fortran_order': False, 'shape': (500000000000,), }\n", "claims 4,000,000,000,000 bytes"),
        (b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999999999), }\n", "claims 79,999,999,998"),
        (b"{'descr': '<U0', 'fortran_order': False, 'shape': (99999999999,), }\n", "claims 0 bytes"),
        (b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", "not an array of numbers or texts"),
        (b"{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,), }\n", "not an array of numbers"),
        (b"{'descr': [('a', '<f8', (9,))], 'fortran_order': False, 'shape': (1,), }\n", "not an array of numbers"),
        (b"{'descr': [('a', '<f8'), ('b', '<u4')], 'fortran_order': False, 'shape': (1,), }\n", "claims 12 bytes"),
        (b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }\n", "not an array of numbers"),
        (b"__import__('os').system('true')\n", "not an array of numbers"),
    ],
    ids=[
        *("terabytes", "more than any number", "no bytes", "objects", "fields of objects", "fields of arrays"),
        *("more fields than bytes", "negative", "code"),
    ],
)
def test_an_array_is_refused_by_its_header(
    header: bytes, reason: str, members: dict[str, bytes], tmp_path: Path
) -> None:
    name = next(name for name in members if name.endswith(".npy"))
    message = refusal(tmp_path, packed(members | {name: array(header, b"\0" * 8)}))
    assert name in message
    assert reason in message


def test_one_array_under_many_nodes_is_damaged(
    members: dict[str, bytes], schema: dict[str, Any], tmp_path: Path
) -> None:
    content = io.BytesIO()
    np.save(content, np.zeros(100_000))
    node = {"__class__": "ndarray", "__module__": "numpy", "__loader__": "NdArrayNode", "type": "numpy"}
    many = [node | {"file": "1.npy", "__id__": number} for number in range(1, 100)]
    schema["content"]["content"]["models"]["content"] += many
    message = refusal(tmp_path, with_schema(members | {"1.npy": content.getvalue()}, schema))
    assert "some of them repeatedly" in message


def test_arrays_of_all_plain_types_pass() -> None:
    arrays = [
        *(np.zeros((2, 3), kind) for kind in ("f2", "f4", "f8", ">f8", "i1", "i8", "u1", "u8", "?", "c16")),
        np.array(["a", "bc"]),
        np.array([b"a"]),
        np.array(["2024-01-31"], "M8[D]"),
        np.array([1], "m8[ns]"),
        np.asfortranarray(np.ones((2, 3))),
        np.array(1.5),
        np.zeros(0),
    ]
    for number, values in enumerate(arrays):
        buffer = io.BytesIO()
        np.save(buffer, values)
        archive_checks._check_array(f"{number}.npy", buffer.getvalue(), len(buffer.getvalue()))
