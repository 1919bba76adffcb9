"""Stored models with one thing changed, by a seed: bytes of the archive, nodes of the schema, headers and numbers."""

from __future__ import annotations

import copy
import io
import json
import random
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["mutations"]

# Values that take the place of others.
NUMBERS = [0, -1, 1, 2, 7, 10**9, 2**63, 10**30, -0.5, 1e308, float("nan"), float("inf")]
TEXTS = ["", "0", "null", "{}", "[]", "[[0]]", '"a"', "true", "NaN", "1e999", "é" * 9, "[" * 500]
SHAPES = [(), (0,), (1,), (10**12,), (3, 4), (1, 1, 1), (0, 5)]
TYPES = ["<f8", "<f4", "<i8", "|u1", "|b1", "<U3", "|O", "<c16", ">f8", "<M8[D]"]


def mutations(model: bytes, seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """Yield changed copies of a stored model.

    Parameters
    ----------
    model : bytes
        Archive of skops.
    seed : int
        Seed; the same one gives the same copies.
    count : int
        Number of copies.

    Yields
    ------
    tuple of str and bytes
        What was changed, and the archive.
    """
    with zipfile.ZipFile(io.BytesIO(model)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for number in range(count):
        rng = random.Random(f"{seed}-{number}")  # noqa: S311 - a repeatable choice, no secret
        kind = rng.choices(["bytes", "schema", "text", "array", "member"], [2, 6, 1, 4, 1])[0]
        if kind == "bytes":
            what, content = _bytes_changed(model, rng)
        else:
            change = {"schema": _schema, "text": _text, "array": _array, "member": _member}[kind]
            changed = dict(members)
            what = change(changed, rng)
            content = _packed(changed)
        yield f"{seed}-{number} {kind}: {what}", content


def _packed(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _bytes_changed(content: bytes, rng: random.Random) -> tuple[str, bytes]:
    """Return bytes with one to eight of them flipped, deleted or inserted in one place."""
    place, length = rng.randrange(max(1, len(content))), rng.randint(1, 8)
    how = rng.choice(["flip", "delete", "insert"])
    inserted = b"" if how == "delete" else rng.randbytes(length)
    rest = content[place if how == "insert" else place + length :]
    return f"{how} {length} bytes at {place}", content[:place] + inserted + rest


def _text(members: dict[str, bytes], rng: random.Random) -> str:
    what, members["schema.json"] = _bytes_changed(members["schema.json"], rng)
    return what


def _member(members: dict[str, bytes], rng: random.Random) -> str:
    """Remove a member, or exchange two."""
    one, other = rng.choice(list(members)), rng.choice(list(members))
    if rng.random() < 0.5:
        del members[one]
        return f"without {one}"
    members[one], members[other] = members[other], members[one]
    return f"{one} and {other} exchanged"


def _schema(members: dict[str, bytes], rng: random.Random) -> str:
    """Change one value of the schema: a name, a number, a whole node, or the order or number of nodes."""
    schema = json.loads(members["schema.json"])
    places: list[tuple[Any, Any]] = []
    stack: list[Any] = [schema]
    while stack:
        value = stack.pop()
        keys = list(value) if isinstance(value, dict) else range(len(value))
        places += [(value, key) for key in keys]
        stack += [value[key] for key in keys if isinstance(value[key], dict | list)]
    parent, key = rng.choice(places)
    other_parent, other_key = rng.choice(places)
    how = rng.choice(["other", "delete", "repeat", "nest", "self", "odd", "odd", "content", "rename"])
    before = parent[key]
    if how == "other":
        parent[key] = copy.deepcopy(other_parent[other_key])
    elif how == "delete":
        del parent[key]
    elif how == "repeat" and isinstance(parent, list):
        parent.insert(key, before)
    elif how == "nest":
        parent[key] = [before]
    elif how == "self":
        parent[key] = {
            "__id__": schema["__id__"],
            "__class__": "list",
            "__module__": "builtins",
            "__loader__": "ListNode",
        }
    elif how == "rename" and isinstance(parent, dict):
        parent[rng.choice(["x", "0", "content", "__id__"])] = parent.pop(key)
    elif how == "content":
        nodes = [value for value, name in places if name == "content" and isinstance(value["content"], str)]
        node = rng.choice(nodes)
        before, key = node["content"], "content"
        node["content"] = rng.choice([*TEXTS, *map(str, NUMBERS)])
    else:
        parent[key] = rng.choice([*NUMBERS, *TEXTS, None, True, [], {}])
    members["schema.json"] = json.dumps(schema).encode()
    return f"{how} at {key!r}, which was {str(before)[:60]!r}"


def _array(members: dict[str, bytes], rng: random.Random) -> str:
    """Change an array: its header, its shape, its type, or its numbers."""
    name = rng.choice([name for name in members if name.endswith(".npy")])
    how = rng.choice(["bytes", "header", "shape", "type", "numbers", "longer"])
    if how == "bytes":
        what, members[name] = _bytes_changed(members[name], rng)
        return f"{name} {what}"
    values = np.load(io.BytesIO(members[name]))
    if how == "header":
        content = members[name]
        claimed = repr(rng.choice(SHAPES)).encode()
        start = content.index(b"'shape': ") + 9
        end = content.index(b")", start) + 1
        members[name] = content[:start] + claimed.ljust(end - start) + content[end:]
        return f"{name} claims {claimed.decode()}"
    if how == "shape":
        values = rng.choice([values.ravel(), values[np.newaxis], values[:0] if values.ndim else values, values.T])
    elif how == "longer":
        values = np.concatenate([np.atleast_1d(values)] * 2)
    elif how == "numbers" and values.dtype.kind in "fiu" and values.size:
        values = values.copy()
        with np.errstate(all="ignore"):
            values.flat[rng.randrange(values.size)] = np.array(rng.choice([0, -1, 3, 10**9, np.nan, np.inf])).astype(
                values.dtype
            )
    else:
        with np.errstate(all="ignore"):
            values = np.zeros(values.shape, np.dtype(rng.choice(TYPES)).newbyteorder("="))
    if values.dtype == object:
        members[name] = members[name].replace(b"'<f8'", b"'|O' ")
        return f"{name} of objects"
    buffer = io.BytesIO()
    np.save(buffer, values)
    members[name] = buffer.getvalue()
    return f"{name} {how}: {values.dtype} {values.shape}"
