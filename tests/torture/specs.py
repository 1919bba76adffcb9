"""Pipeline files that nobody should send: every leaf with every kind of wrong value, keys and raw text changed.

Each file is made from its seed and its number alone, so that one that was told can be made again.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from tests.torture.mutation import Mutation

__all__ = ["FILE", "leaves", "mutation", "mutations", "whole_content", "written"]

FILE = "own.yaml"
Key = tuple[str | int, ...]


def whole_content() -> dict[str, Any]:
    """Return a valid pipeline that sets every key that there is, for the table of `tests.torture.tables`."""
    return {
        "name": "own",
        "problem": "binary",
        "data": {
            **{"source": "table", "target": "y", "id": "Id", "kaggle": "own", "train": "train.csv"},
            **{"test": "test.csv", "sample": "sample_submission.csv", "labels": None, "weight": None},
            **{"target_number": None, "stream": None},
        },
        "metric": "accuracy",
        "threshold": 0.5,
        "features": {
            "Letter": {"from": "kind", "extract": "^([a-z])", "map": {"r": "red", "g": None}, "fill": "no", "rare": 2},
            "Month": {"from": "day", "date": "month", "format": "%Y-%m-%d", "count": True},
            "Sum": {"eval": "x + 2 * n"},
            "Words": {"from": "kind", "text": "words"},
            "Mean": {"from": "x", "by": ["kind"], "statistic": "mean"},
            "Round": {"from": "day", "date": "month", "cyclic": "sin"},
            "Amount": {"from": "x", "number": True, "decimal": "."},
            "Both": {"cross": ["kind", "n"]},
            "Before": {"from": "x", "time": "day", "by": ["kind"], "lag": 1, "unit": "day"},
            "Recent": {"from": "x", "time": "day", "rolling": {"window": 3, "statistic": "mean"}},
        },
        "columns": [
            {"columns": ["x", "Sum"], "impute": "median", "missing_flag": True, "clip": 0.01, "scale": "standard"},
            {"columns": ["n"], "impute": {"constant": 0}, "scale": {"constant": 9.0}},
            {"columns": ["Round", "Amount", "Before", "Recent"], "impute": "median"},
            {"columns": ["Both"], "encode": "hash", "buckets": 4},
            {"columns": ["Both"], "encode": "target", "smoothing": [1.0, 10.0]},
            {"columns": ["kind"], "encode": "text", "components": 2},
            {"columns": ["kind", "Letter"], "encode": "onehot", "rare": 2},
            {"columns": ["Month", "Words"], "encode": "embedding"},
            {"columns": ["Mean*"], "encode": "piecewise", "bins": 3, "bin_strategy": "tree"},
        ],
        "rest": "drop",
        "model": {"name": "network", "parameters": {}, "early_stopping": 5},
        "baselines": "simple",
        "network": {
            **{"preset": "mlp", "hidden": [4, 2], "activation": "tanh", "initializer": "auto", "batch_norm": False},
            **{"parametric_activation": False, "bias_initializer": "zeros", "parametrization": "standard"},
            **{"layer_norm": False, "residual": False, "linear_skip": False, "scaling_layer": False},
            **{"shared_networks": 1, "sharing": "mini", "own_batches": True, "numeric_embedding": "piecewise_linear"},
            **{"bins": 3, "bin_strategy": "tree", "frequencies": 2, "frequency_scale": 0.1},
            **{"numeric_embedding_size": 2, "dropout_schedule": "constant", "embedding_initializer": "uniform"},
            **{"as_softmax": False, "clamp": False},
            **{"dropout": [0.1, 0.0], "input_dropout": 0.0, "l1": 0.0, "l2": 1e-5, "mc_dropout": 0, "bounds": None},
            **{"embedding_size": 2, "categorical_features": None, "normalize": False, "output": None, "loss": None},
            **{"focal_gamma": None, "focal_alpha": None},
            "blocks": None,
        },
        "training": {
            **{"weight_decay": None, "optimizer": "adam", "learning_rate": 0.01, "schedule": "constant"},
            **{"weight_decay_schedule": "constant", "label_smoothing_schedule": "flat_cos", "beta_2": 0.9},
            **{"rate_factors": {"bias": 0.5}, "decay_factors": {"bias": 0.0}, "drop_last": False},
            **{"restore_best": False, "device": "auto"},
            **{"reduce_lr": {"patience": 3, "factor": 0.5}, "clip_norm": None, "epochs": 1, "batch_size": 32},
            **{"validation_fraction": "auto", "early_stopping": 3, "monitor": "loss", "label_smoothing": 0.0},
            **{"noise": 0.0, "mixup": 0.0, "shift": 0, "image_shape": None, "class_weight": None},
            **{"metrics": ["accuracy"], "target_transform": None, "callbacks": None, "tensorboard": None},
        },
        "ensemble": {
            **{"folds": 2, "members": 1, "group": None, "split": None, "time": None, "fold": None, "gap": None},
            **{"repeats": None, "pseudo_labels": {"share": 0.5, "rounds": 1}, "refit": "all"},
        },
        "submission": {"values": None, "top_k": None},
        "search": {
            **{"l2": {"log_uniform": [1e-8, 1e-4]}, "dropout": {"choice": [0.0, 0.1]}},
            **{"columns.0.clip": {"uniform": [0.0, 0.1]}},
        },
        "seed": 0,
    }  # fmt: skip


def leaves(node: object, key: Key = ()) -> Iterator[Key]:
    """Yield the keys of everything below the root: mappings and lists before what they hold."""
    items: Any = node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ()
    for name, value in items:
        yield (*key, name)
        yield from leaves(value, (*key, name))


_LEAVES = tuple(leaves(whole_content()))


def mutations(seed: int, count: int) -> Iterator[Mutation]:
    """Yield changed pipeline files."""
    for index in range(count):
        yield mutation(seed, index)


def mutation(seed: int, index: int) -> Mutation:
    """Return the changed pipeline file of a seed and a number: three of four have one wrong value."""
    rng = np.random.default_rng([seed, index])
    change = (_value, _value, _value, _key if index % 8 == 3 else _raw)[index % 4]
    # 37 and the number of leaves have no common factor; each lap begins one further, for another kind of change.
    key = _LEAVES[(index * 37 + index // len(_LEAVES) + seed * 101) % len(_LEAVES)]
    details, content = change(rng, key)
    return Mutation(f"specs {seed}/{index}: {change.__name__.removeprefix('_')}: {details}", FILE, content)


def _parent(content: dict[str, Any], key: Key) -> Any:
    node: Any = content
    for part in key[:-1]:
        node = node[part]
    return node


def written(content: object) -> bytes:
    """Return a value as YAML: JSON, with YAML's words for numbers that JSON lacks."""
    if isinstance(content, _Raw):
        return content.text.encode("utf-8", errors="surrogatepass")
    if isinstance(content, Mapping):
        pairs = [written(str(name)) + b": " + written(value) for name, value in content.items()]
        return b"{" + b",\n".join(pairs) + b"}"
    if isinstance(content, list):
        return b"[" + b",\n".join(map(written, content)) + b"]"
    if isinstance(content, float) and not math.isfinite(content):
        return {"inf": b".inf", "-inf": b"-.inf"}.get(str(content), b".nan")
    text = repr(content) if isinstance(content, float) else json.dumps(content)
    return (
        text.encode()
        if "e" not in text or not isinstance(content, float) or "." in text
        else text.replace("e", ".0e").encode()
    )


class _Raw:
    """Text that stands in a file as it is."""

    def __init__(self, text: str) -> None:
        self.text = text


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def _wrong_values() -> tuple[Any, ...]:
    numbers = (0, 1, -1, 2, 7, 0.5, 1.5, -0.5, 1e-300, 1e308, math.nan, math.inf, -math.inf)
    huge = (
        *(2**power + more for power in (31, 32, 53, 63, 64, 200) for more in (-1, 0)),
        10**9,
        10**12,
        10**18,
        10**350,
    )
    texts = (
        *(
            "",
            " ",
            "no",
            "true",
            "1",
            "nan",
            "x",
            "x" * 5000,
            "n" * 100_000,
            "é",
            "\u202eevil",
            "a\nb",
            "a\tb",
            "\0",
            "a\0b",
        ),
        *(
            "\x07",
            "\x1b[31m",
            "😀",
            "[red]x[/]",
            "{0}",
            "%s",
            "%Y",
            "../../etc/passwd",
            "/",
            "/dev/zero",
            "~",
            "*",
            "[",
            "*" * 50,
        ),
        *(
            "a" * 30 + "!",
            "x.1",
            "Id",
            "y",
            "x",
            "kind",
            "auto",
            "none",
            "(.*)*x",
            "(a|a)*$",
            "(?",
            "[a-",
            "x + ",
            "x" + " + x" * 400,
        ),
        *(
            "9 ** 9 ** 9 * x",
            "__import__('os')",
            "(" * 200 + "x" + ")" * 200,
            "col('nowhere')",
            "keras:mnist",
            "keras:",
            "x" * 300 + ".csv",
        ),
    )
    lists = (
        [],
        [[]],
        [None],
        [1, "x"],
        ["x", "x"],
        [math.nan],
        [-1, 0],
        [64, 10**9],
        [10**6] * 5,
        list(range(2000)),
        ["x"] * 3000,
    )
    nests = (
        {},
        {"a": 1},
        {"": None},
        {"constant": None},
        {"constant": 0},
        {"constant": math.inf},
        {"choice": []},
        {"a": {"b": {}}},
    )
    more = (_nested(10), _nested(39), _nested(60), {str(place): place for place in range(3000)}, None, True, False)
    raw = (
        "2024-01-01",
        "1:30",
        "0o17",
        "0x1F",
        "1_000",
        "!!python/object:os.system x",
        "!!binary aGk=",
        "*nowhere",
        "&a 1",
        "!!int x",
    )
    return (*numbers, *huge, *texts, *lists, *nests, *more, *map(_Raw, raw))


_WRONG = _wrong_values()


def _value(rng: np.random.Generator, key: Key) -> tuple[str, bytes]:
    """Put a wrong value in a place."""
    content, value = whole_content(), _WRONG[rng.integers(len(_WRONG))]
    _parent(content, key)[key[-1]] = value
    return f"{'.'.join(map(str, key))} is {_short(value)}", written(content)


def _short(value: object) -> str:
    text = value.text if isinstance(value, _Raw) else repr(value)
    return text if len(text) < 40 else f"{text[:30]}... ({len(text)})"


def _key(rng: np.random.Generator, key: Key) -> tuple[str, bytes]:
    """Remove, misspell, repeat, move or add a key."""
    content = whole_content()
    parent, name = _parent(content, key), key[-1]
    change = str(rng.choice(["removed", "misspelt", "repeated", "nested", "moved", "long", "odd", "only"]))
    value = copy.deepcopy(parent[name])
    if change == "only":
        return f"only {name}", written({"name": "own", str(name): value})
    if not isinstance(parent, dict):
        parent.append(value)
        return f"{'.'.join(map(str, key))} appended", written(content)
    if change in ("removed", "misspelt", "moved", "long"):
        del parent[name]
    if change == "misspelt":
        parent[f"{str(name)[:-1]}_"] = value
    elif change == "repeated":
        parent[_Twice(str(name))] = value
    elif change == "nested":
        parent[name] = {name: value}
    elif change == "moved":
        content[f"{name}"] = value
    elif change == "long":
        parent[str(name) * 20_000] = value
    elif change == "odd":
        names = ["", "\0", "1", "null", "<<", "~", "é" * 10, "\u202e", "[red]", "a.b", "__class__", "x: y", "0.columns"]
        parent[names[rng.integers(len(names))]] = value
    return f"{'.'.join(map(str, key))} {change}", written(content)


class _Twice(str):
    """Key that a mapping has already: equal in the file, but not in Python."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def _raw(rng: np.random.Generator, key: Key) -> tuple[str, bytes]:
    """Change the text of the file."""
    content = written(whole_content())
    change = _RAW[rng.integers(len(_RAW))]
    return change.__name__.removeprefix("_"), change(rng, content)


def _flipped(rng: np.random.Generator, content: bytes) -> bytes:
    changed = bytearray(content)
    for place in rng.integers(0, len(content), int(rng.choice([1, 3, 20]))):
        changed[place] ^= 1 << rng.integers(8)
    return bytes(changed)


def _random(rng: np.random.Generator, content: bytes) -> bytes:
    return rng.bytes(int(rng.choice([0, 1, 100, 10_000])))


def _cut(rng: np.random.Generator, content: bytes) -> bytes:
    return content[: int(rng.integers(len(content)))]


def _encoded(rng: np.random.Generator, content: bytes) -> bytes:
    text = content.decode().replace("own", "café")
    return text.encode(str(rng.choice(["utf-16", "utf-32", "latin-1", "utf-8-sig", "cp037", "utf-7"])))


def _inserted(rng: np.random.Generator, content: bytes) -> bytes:
    texts = [
        b"\t",
        b"\0",
        b"\n",
        b"---\n",
        b"...\n",
        b"%YAML 1.1\n---\n",
        b"# ",
        b"'",
        b'"',
        b"{",
        b"}",
        b"&a ",
        b"*a",
        b"!!x ",
    ]
    texts += [
        b"? ",
        b": ",
        b"- ",
        b"| ",
        b"\xc2\x85",
        b"\xe2\x80\xa8",
        b"\xef\xbb\xbf",
        b" " * 10_000,
        b"[" * 500,
        b"<<: ",
    ]
    place = int(rng.integers(len(content)))
    return content[:place] + texts[rng.integers(len(texts))] + content[place:]


def _laughs(rng: np.random.Generator, content: bytes) -> bytes:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, int(rng.choice([5, 40]))))]
    return "\n".join(lines).encode()


def _itself(rng: np.random.Generator, content: bytes) -> bytes:
    return [b"a: &a [*a]", b"&a name: *a", b"a: &a {<<: *a}", b"&a a: &a b"][rng.integers(4)]


def _deep(rng: np.random.Generator, content: bytes) -> bytes:
    depth = int(rng.choice([50, 5000, 100_000]))
    return b"name: own\nfeatures: " + (b"[" * depth if rng.random() < 0.5 else b"{a: " * depth)


def _long(rng: np.random.Generator, content: bytes) -> bytes:
    return b"name: own\n" + b"# comment\n" * int(rng.choice([1000, 100_000, 500_000]))


def _twice(rng: np.random.Generator, content: bytes) -> bytes:
    return content + b"\n---\n" + content


def _another(rng: np.random.Generator, content: bytes) -> bytes:
    return [b"42", b"- a\n- b\n", b"text", b"null", b"true", b"<html></html>", b"a,b\n1,2\n", b"import os"][
        rng.integers(8)
    ]


_RAW: tuple[Callable[[np.random.Generator, bytes], bytes], ...] = (
    *(
        _flipped,
        _flipped,
        _random,
        _cut,
        _encoded,
        _inserted,
        _inserted,
        _laughs,
        _itself,
        _deep,
        _long,
        _twice,
        _another,
    ),
)
