"""Checks of a stored model before it is loaded: sizes, names, the schema's nesting, and the headers of arrays.

skops checks the types in an archive. It reads what its members unpack to, follows references between the nodes of the
schema, and allocates arrays of the size that their headers claim; all these are checked here. No more is allocated
than the file holds, and reading stops at the limits, which `tabular_dl.limits` raises.
"""

from __future__ import annotations

import copy
import json
import math
import re
from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np

from tabular_dl.errors import DataError
from tabular_dl.limits import limit, raised_by

__all__ = ["check_archive", "check_size"]

MOST_MEMBERS = 100_000
# A network of 10,000 columns has 400 MB in 20 members.
MOST_BYTES = 1_000_000_000
# Weights are compressed to nine tenths, schemas to a tenth. Archives that unpack to less than this are not compared.
MOST_RATIO, SMALL = 50, 50_000_000
# A node of the schema has two or three values, lists or dicts; skops needs a kilobyte of memory for it.
MOST_SCHEMA, MOST_VALUES, MOST_LEVELS = 60_000_000, 1_000_000, 200

CHUNK = 1 << 20
LONGEST_HEADER = 1000
_NAME = re.compile(r"schema\.json|[\w-]{1,100}\.(npy|bin)")
_HEADER = re.compile(
    rb"{'descr': (?:'([<>|=]?[biufcSUMm][\w\[\]]*)'|\[((?:\('\w*', '(?:[<>|=]?[biuf]|\|V)\d+'\)(?:, )?)+)\]), "
    rb"'fortran_order': (?:True|False), 'shape': \(([\d, ]*)\), } *\n"
)
# One of the numbers that each element of a table of nodes consists of; one without a name is space.
_FIELD = re.compile(rb"\('\w*', '([^']+)'\)")


def check_size(size: int) -> None:
    """Raise an error if a file is too large to be read.

    Parameters
    ----------
    size : int
        Size of the file in bytes.

    Raises
    ------
    DataError
        If it is above the limit.
    """
    _check_limit(size, MOST_BYTES, "bytes")


def check_archive(file: BinaryIO) -> str:
    """Raise an error if an archive is not what skops writes for a model, or beyond the limits.

    Parameters
    ----------
    file : binary file
        Archive.

    Returns
    -------
    str
        The schema.

    Raises
    ------
    DataError
        If the archive is larger than the limits.
    ValueError
        If it is not an archive of skops; errors of `zipfile` and `json` are raised as well.
    """
    packed = file.seek(0, 2)
    with ZipFile(file) as archive:
        members = archive.infolist()
        _check_directory(members, packed)
        headers = {member.filename: _read(archive, member) for member in members}
    if "schema.json" not in headers:
        raise ValueError("it has no schema.json")
    sizes = {member.filename: member.file_size for member in members}
    for name, header in headers.items():
        if name.endswith(".npy"):
            _check_array(name, header, sizes[name])
    schema = headers["schema.json"].decode()
    _check_schema(schema, sizes)
    return schema


def _check_directory(members: list[ZipInfo], packed: int) -> None:
    """Check the names, sizes and methods in the directory; `_read` compares the sizes with the members."""
    _check_limit(len(members), MOST_MEMBERS, "members")
    names = Counter(member.filename for member in members)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise ValueError(f"it has two members {twice[0][:100]!r}")
    for member in members:
        if not _NAME.fullmatch(member.filename):
            raise ValueError(f"it has a member {member.filename[:100]!r}, expected schema.json and names like 1.npy")
        if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED) or member.flag_bits & 1:
            raise ValueError(f"{member.filename} is encrypted, or compressed by another method than deflate")
        if member.filename == "schema.json":
            _check_limit(member.file_size, MOST_SCHEMA, "bytes of schema.json")
    unpacked = sum(member.file_size for member in members)
    _check_limit(unpacked, MOST_BYTES, "bytes unpacked")
    if unpacked > SMALL:
        _check_limit(unpacked // packed, MOST_RATIO, f"times its size unpacked ({unpacked:,} bytes)")


def _check_limit(actual: int, most: int, unit: str) -> None:
    if actual > limit(most):
        raise DataError(f"it has {actual:,} {unit}, the limit is {limit(most):,}. {raised_by(actual, most)}")


def _read(archive: ZipFile, member: ZipInfo) -> bytes:
    """Return the schema, or the first bytes of an array, after reading all and comparing size and checksum."""
    # One byte more than in the directory, so that a member that unpacks to more is detected.
    one_more = copy.copy(member)
    one_more.file_size += 1
    kept, size = bytearray(), 0
    with archive.open(one_more) as stream:
        while part := stream.read(CHUNK):
            size += len(part)
            if member.filename == "schema.json" or not kept:
                kept += part
    if size != member.file_size:
        raise ValueError(f"{member.filename} has {size:,} bytes or more, its entry says {member.file_size:,}")
    return bytes(kept if member.filename == "schema.json" else kept[:LONGEST_HEADER])


def _check_array(name: str, content: bytes, size: int) -> None:
    """Check that an array has a plain type, and the size that its header claims: nothing else is allocated."""
    start = {1: 10, 2: 12, 3: 12}.get(content[6] if len(content) > 6 else 0)
    if not content.startswith(b"\x93NUMPY") or start is None:
        raise ValueError(f"{name} is not an array")
    length = int.from_bytes(content[8:start], "little")
    header = _HEADER.fullmatch(content[start : start + length])
    if header is None:
        claim = content[start : start + length][:80].decode("latin1").strip()
        raise ValueError(f"{name} is not an array of numbers or texts: {claim!r}")
    kinds = [header[1]] if header[1] else _FIELD.findall(header[2])
    item_size = sum(np.dtype(kind.decode()).itemsize for kind in kinds)
    shape = [int(axis) for axis in header[3].split(b",") if axis.strip()]
    claimed = math.prod(shape) * item_size
    if start + length + claimed != size or not item_size:
        raise ValueError(f"{name} claims {claimed:,} bytes, shape {tuple(shape)}, and has {size - start - length:,}")


def _check_schema(schema: str, sizes: dict[str, int]) -> None:
    """Check how large and deep a schema is, and that none of its nodes refers to itself."""
    # Before it is parsed, as each pair of brackets takes up to a hundred times its bytes of memory.
    _check_limit(schema.count("{") + schema.count("["), MOST_VALUES, "lists and dicts in schema.json")
    try:
        parsed = json.loads(schema)
    except RecursionError:
        raise DataError(f"it has a schema.json of a thousand levels, the limit is {limit(MOST_LEVELS)}.") from None
    if not isinstance(parsed, dict):
        raise ValueError("its schema.json is not a node")
    values = list(_values(parsed))
    _check_limit(max(level for _, _, level in values), MOST_LEVELS, "levels in schema.json")
    counts = [1] * len(values)
    for place in range(len(values) - 1, 0, -1):
        counts[values[place][1]] += counts[place]
    # skops does not read a node with the id of an earlier one, but reuses the earlier object. It writes such a node
    # out each time, so both have the same number of values. A node inside itself has fewer.
    counts_by_id: dict[Hashable, int] = {}
    referred = 0
    for (value, _, _), count in zip(values, counts, strict=True):
        identity = value.get("__id__") if isinstance(value, dict) else None
        if not isinstance(identity, int | None):
            raise ValueError(f"a node has the id {str(identity)[:50]!r}, expected a number")
        if identity in counts_by_id:
            if counts_by_id[identity] != count:
                raise ValueError(f"the node with the id {identity} refers to itself, or to another one")
            continue
        if identity:
            counts_by_id[identity] = count
        if isinstance(value, dict) and isinstance(value.get("file"), str):
            referred += sizes.get(value["file"], 0)
    # skops reads an array for each node that names it.
    if referred > sum(sizes.values()):
        raise ValueError(f"its nodes name arrays of {referred:,} bytes, more than it has: some of them repeatedly")


def _values(root: dict[str, Any]) -> Iterator[tuple[Any, int, int]]:
    """Yield each dict and list with the number of its parent among them, and its level, parents first."""
    values: list[tuple[Any, int, int]] = [(root, -1, 1)]
    for place, (value, _, level) in enumerate(values):
        yield values[place]
        children = value.values() if isinstance(value, dict) else value
        values += [(child, place, level + 1) for child in children if isinstance(child, dict | list)]
