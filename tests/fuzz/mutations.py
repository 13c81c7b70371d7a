"""Mutated copies of valid files: bits, bytes, slices, lines and values of JSON."""

from __future__ import annotations

import json
import random
from typing import Any

TOKENS = [
    *(b"\0", b"\xff", b"\xc3", b"\xef\xbb\xbf", b"\r\n", b"\n\n", b"\t", b" ", b'"', b'""', b","),
    *(b";", b"-1", b"0", b"1e999", b"nan", b"inf", b"1_000", b"9" * 30, b"9" * 5000, b"0x1p3"),
    *(b"null", b"[", b"{", b"}" * 3, b"\xe2\x80\xa8", b"\xc2\xa0", b"../", b"#", b"# a = b"),
]
VALUES = [
    *(None, True, -1, 0, 1, 2**31, 10**400, 0.5, 1e308, float("nan"), "", "x", "../x", "\0"),
    *([], [1], {}, {"a": 1}, [[]], "9" * 5000),
]


def mutate(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """Return a copy with one to four changes; now and then the copy is of JSON, value by value."""
    if data[:1] in (b"{", b"[") and rng.random() < 0.6:
        try:
            return json.dumps(change_json(json.loads(data), rng)).encode()
        except ValueError:  # integers of thousands of digits, or no JSON
            pass
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        data = _CHANGES[rng.randrange(len(_CHANGES))](data, rng, others)
    return data


def change_json(value: Any, rng: random.Random) -> Any:
    """Return JSON with one value replaced, left out or added, somewhere inside."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(list(value))
        kind = rng.random()
        if kind < 0.1:
            return {name: one for name, one in value.items() if name != key}
        if kind < 0.2:
            return {**value, rng.choice(("x", "", "name", key.upper())): rng.choice(VALUES)}
        return {**value, key: change_json(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = rng.randrange(len(value))
        kind = rng.random()
        if kind < 0.15:
            return value[:at] + value[at + 1 :]
        if kind < 0.3:
            return [*value, value[at]]
        return [*value[:at], change_json(value[at], rng), *value[at + 1 :]]
    return rng.choice(VALUES)


def _place(data: bytes, rng: random.Random) -> int:
    return rng.randrange(len(data) + 1)


def _flip(data: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    if not data:
        return b"\0"
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def _insert(data: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    at = _place(data, rng)
    return data[:at] + rng.choice(TOKENS) + data[at:]


def _replace(data: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    at = _place(data, rng)
    return data[:at] + rng.choice(TOKENS) + data[at + rng.randrange(6) :]


def _cut(data: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    return data[: _place(data, rng)]


def _drop(data: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    at = _place(data, rng)
    return data[:at] + data[at + rng.choice((1, 1, 2, 7, 100)) :]


def _repeat(data: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    at = _place(data, rng)
    piece = data[at : at + rng.choice((1, 4, 30))]
    return data[:at] + piece * rng.choice((2, 3, 50)) + data[at:]


def _lines(data: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    lines = data.split(b"\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a] if rng.random() < 0.5 else lines[b]
    return rng.choice((b"\n", b"\n", b"\r\n", b"\r")).join(lines)


def _splice(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    other = rng.choice(others)
    return data[: _place(data, rng)] + other[_place(other, rng) :]


_CHANGES = [_flip, _insert, _replace, _cut, _drop, _repeat, _lines, _splice]
