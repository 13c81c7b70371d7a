"""Freed memory is kept where the user has not chosen, and only with glibc."""

import pytest

from rnnkit.backend import heap

pytestmark = pytest.mark.one_backend


@pytest.fixture
def calls(monkeypatch):
    """The calls of mallopt, none of which is made."""
    found = []

    class Library:
        @staticmethod
        def mallopt(name, value):
            found.append((name, value))
            return 1

    monkeypatch.setattr(heap.ctypes, "CDLL", lambda name: Library)
    monkeypatch.setattr(heap, "_is_glibc", lambda: True)
    for name in list(heap.os.environ):
        if name == "GLIBC_TUNABLES" or name.startswith("MALLOC_"):
            monkeypatch.delenv(name)
    return found


def test_both_limits_are_set(calls):
    assert heap.keep_freed_memory()
    assert calls == list(heap.LIMITS.items())


@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "MALLOC_ARENA_MAX", "GLIBC_TUNABLES"])
def test_a_choice_of_the_user_stands(calls, monkeypatch, name):
    monkeypatch.setenv(name, "1")
    assert not heap.keep_freed_memory()
    assert not calls


def test_another_c_library_is_left_alone(calls, monkeypatch):
    monkeypatch.setattr(heap, "_is_glibc", lambda: False)
    assert not heap.keep_freed_memory()
    assert not calls


def test_no_other_system_is_asked(monkeypatch):
    monkeypatch.setattr(heap.sys, "platform", "darwin")
    assert not heap._is_glibc()
