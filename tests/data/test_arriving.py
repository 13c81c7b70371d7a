"""Lines of a stream as they arrive, and batches of what arrives."""

from __future__ import annotations

import io
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data.arriving import arriving_lines, in_batches
from rnnkit.data.tables import csv_records, json_records, split_lines
from rnnkit.errors import InputError

pytestmark = pytest.mark.one_backend


class Pipe:
    """A stream that gives its bytes in pieces of these sizes, and nothing now and then."""

    def __init__(self, data, sizes=()):
        self.data, self.sizes = io.BytesIO(data), list(sizes)

    def read(self, most):
        size = self.sizes.pop(0) if self.sizes else most
        return self.data.read(size) if size else None


TEXTS = st.text(st.sampled_from("ab é映😀\u2028\r\n\n"), max_size=30)


@settings(max_examples=80, deadline=None)
@given(TEXTS, st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.lists(st.integers(0, 4)))
def test_lines_are_those_of_the_whole_text(text, encoding, sizes):
    found = list(arriving_lines(Pipe(text.encode(encoding), sizes[:8]), "stdin", encoding))
    assert "".join(found) == text
    lines = split_lines(text)
    assert [line.rstrip("\r\n") for line in found] == (lines if lines[-1] else lines[:-1])


def test_bytes_of_another_encoding_name_their_line_and_come_after_the_lines_before():
    lines = arriving_lines(Pipe(b"one\ntwo\nthr\xe9e\n", [5, 7]), "stdin")
    assert next(lines) == "one\n"
    assert next(lines) == "two\n"
    with pytest.raises(InputError, match="stdin, line 3: byte 0xe9 is not utf-8"):
        next(lines)
    with pytest.raises(InputError, match="encoding is 'utf-9', which Python does not know"):
        next(arriving_lines(Pipe(b""), "stdin", "utf-9"))


def test_rows_of_csv_and_json_come_one_by_one():
    asked = []

    def lines(*given):
        for line in given:
            asked.append(line)
            yield line

    rows = csv_records(lines("text,id\n", '"two\n', 'lines",1\n', "x,2\n"), "stdin")
    assert next(rows)[1] == {"text": "two\nlines", "id": "1"}
    assert len(asked) == 3  # the row was handed out before the next line was asked for
    rows = json_records(lines('{"a": 1}\n', "\n", "{\n"), "stdin")
    assert next(rows) == ("stdin, line 1", {"a": 1})
    with pytest.raises(InputError, match="stdin, line 3 is damaged JSON"):
        next(rows)
    with pytest.raises(InputError, match=r"""stdin, line 2, column 1: .* The line is '"two'"""):
        list(csv_records(lines("text,id\n", '"two\n', "lines\n"), "stdin"))


def test_a_slow_producer_gets_each_answer_before_its_next_item():
    answered = threading.Event()

    def slow():
        for item in range(4):
            yield item
            assert answered.wait(5), "the item was kept back"
            answered.clear()

    found = []
    for batch in in_batches(slow(), 100):
        found.append(batch)
        answered.set()
    assert found == [[0], [1], [2], [3]]


def test_a_fast_producer_gets_whole_batches_in_order():
    batches = list(in_batches(range(1000), 64))
    assert [item for batch in batches for item in batch] == list(range(1000))
    assert max(map(len, batches)) == 64
    assert list(in_batches([], 8)) == []


def test_an_error_comes_after_the_items_before_it():
    def failing():
        yield from "abc"
        raise InputError("no more")

    batches = in_batches(failing(), 2)
    assert next(batches) == ["a", "b"]
    assert next(batches) == ["c"]
    with pytest.raises(InputError, match="no more"):
        next(batches)


def test_the_reader_ends_when_nobody_takes_any_more():
    batches = in_batches(iter(int, 1), 2)  # zeros without end
    next(batches)
    batches.close()
    for thread in threading.enumerate():
        if thread.name == "reader":
            thread.join(10)
            assert not thread.is_alive()
