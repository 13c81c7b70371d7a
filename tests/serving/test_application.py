"""What a server answers: predictions, refusals, and nothing about itself."""

import json
import re

import pytest

pytest.importorskip("fastapi")

from serving.asking import Request, ask, predict

from rnnkit.serving.application import create_app
from rnnkit.serving.limits import Limits, RateLimit

pytestmark = pytest.mark.one_backend


def one(model, request, **limits):
    (answer,) = ask(create_app(model, Limits(**limits)), request)
    return answer


def test_predictions_come_in_the_order_of_the_instances(lengths):
    answer = one(lengths, predict(["abc", "", "é 😀"]))
    assert (answer.status, answer.json) == (200, {"predictions": [{"n": 3}, {"n": 0}, {"n": 3}]})


def test_requests_at_once_share_a_call_and_get_their_own_answers(lengths):
    app = create_app(lengths, Limits(max_wait=100))
    answers = ask(app, *(predict(["x" * i] * (1 + i % 3)) for i in range(20)))
    found = [[one["n"] for one in answer.json["predictions"]] for answer in answers]
    assert found == [[i] * (1 + i % 3) for i in range(20)]
    assert len(lengths.calls) == 1


BAD = {
    "no JSON": (b"{", 422, "the body is no JSON"),
    "no text": (b"", 422, ""),
    "bytes": (b"\xff\xfe", 400, ""),
    "deep": (b"[" * 100_000, 400, ""),
    "a list": (b'["a"]', 422, "valid dictionary"),
    "null": (b"null", 422, ""),
    "no instances": (b"{}", 422, "instances: Field required"),
    "another field": (b'{"instances": ["a"], "texts": []}', 422, "texts: Extra"),
    "an empty list": (b'{"instances": []}', 422, "instances: List should have at least 1"),
    "a number": (
        b'{"instances": ["a", 3]}',
        422,
        r"instances\[1\]: Input should be a valid string",
    ),
    "a text alone": (b'{"instances": "abc"}', 422, "valid list"),
    "half a character": (b'{"instances": ["\\ud800"]}', 422, r"instances\[0\]"),
    "too many": (json.dumps({"instances": ["a"] * 5}).encode(), 422, "at most 4"),
    "too long": (json.dumps({"instances": ["a" * 11]}).encode(), 422, "at most 10 characters"),
    "many wrong": (b'{"instances": [1, 2, 3, 4]}', 422, "And 1 more"),
    "too large": (b" " * 1001, 413, "more than 1,000 bytes"),
    "a refused text": (b'{"instances": ["refuse"]}', 422, "The text is refused"),
    "an answer that is none": (b'{"instances": ["nan"]}', 422, "answer is nan"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_request_is_refused_in_a_sentence(case, lengths):
    body, status, message = BAD[case]
    limits = {"max_items": 4, "max_length": 10, "max_body": 1000}
    if case == "deep":
        limits["max_body"] = 200_000
    if case == "an answer that is none":
        limits["max_length"] = 20
    answer = one(lengths, Request(parts=(body,)), **limits)
    assert answer.status in (400, 422) if case in ("bytes", "deep") else answer.status == status
    assert list(answer.json) == ["error"]
    assert re.search(message, answer.json["error"])
    assert answer.headers["content-type"] == "application/json"


def test_a_body_that_is_not_sent_as_json_is_415(lengths):
    app = create_app(lengths)
    kinds = ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8")
    answers = ask(app, *(predict(["a"], headers=(("content-type", kind),)) for kind in kinds))
    assert [answer.status for answer in answers] == [415, 415, 200]
    assert "content-type: application/json" in answers[0].json["error"]


def test_a_failure_tells_nothing_and_spoils_no_other_request(lengths):
    app = create_app(lengths, Limits(max_wait=100))
    bad, good = ask(app, predict(["break"]), predict(["abc"]))
    assert good.json == {"predictions": [{"n": 3}]}
    assert bad.status == 500
    assert bad.json == {"error": "The server failed to answer; its log says why."}


def test_a_large_body_in_parts_is_refused_without_being_kept(lengths):
    answer = one(lengths, Request(parts=(b"x" * 600,) * 5), max_body=1000)
    assert answer.status == 413


def test_a_body_that_arrives_slowly_is_refused(lengths):
    slow = predict(["abc"])._replace(pause=0.2)
    answer = one(lengths, slow, body_seconds=0.05)
    assert (answer.status, answer.headers["connection"]) == (408, "close")


def test_who_hangs_up_costs_nothing(lengths):
    app = create_app(lengths, Limits(max_wait=50))
    gone, there = ask(app, predict(["gone"], hangs_up=True), predict(["there"]))
    assert there.json == {"predictions": [{"n": 5}]}
    assert gone.status == 499
    assert lengths.calls == [["there"]]
    half = Request(parts=(), hangs_up=True)  # before the body is whole
    assert one(lengths, half) is None


def test_a_full_queue_is_503_and_says_when_to_come_again(lengths):
    app = create_app(lengths, Limits(max_wait=100, max_queue=3, max_items=3))
    answers = ask(app, predict(["a", "b"]), predict(["c", "d"]), predict(["e"]))
    assert [answer.status for answer in answers] == [200, 503, 200]
    assert answers[1].headers["retry-after"] == "1"


def test_the_rate_of_an_address_is_limited_and_health_is_not_counted(lengths):
    app = create_app(lengths, Limits(rate=2))
    health = Request("GET", "/health")
    other = predict(["a"], address="10.0.0.2")
    answers = ask(app, predict(["a"]), predict(["a"]), predict(["a"]), other, *[health] * 5)
    assert [answer.status for answer in answers] == [200, 200, 429, 200, *[200] * 5]
    assert answers[2].headers["retry-after"] == "1"


def test_addresses_are_forgotten(monkeypatch):
    monkeypatch.setattr(RateLimit, "MOST", 10)
    limit = RateLimit(1.0)
    for number in range(100):
        assert limit.wait(str(number), now=0.0) == 0
    assert len(limit._buckets) <= 10
    assert limit.wait("99", now=0.5) == 0.5


def test_health_names_the_task_and_the_queue(lengths):
    answer = one(lengths, Request("GET", "/health"))
    assert answer.json | {"version": ""} == {
        "status": "ok",
        "task": "Lengths",
        "version": "",
        "waiting": 0,
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/predict", 405), ("GET", "/no/such", 404), ("POST", "/health", 405)],
)
def test_other_paths_are_refused_alike(method, path, status, lengths):
    answer = one(lengths, Request(method, path))
    assert (answer.status, list(answer.json)) == (status, ["error"])


def test_the_page_fetches_nothing_from_elsewhere(lengths):
    answer = one(lengths, Request("GET", "/"))
    text = answer.body.decode()
    assert "Lengths" in text
    assert not re.search(r"https?:|//\w|@[A-Z]+@|innerHTML|src=", text)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for path in ("/docs", "/redoc"):  # FastAPI's own pages load scripts
        assert one(lengths, Request("GET", path)).status == 404


def test_the_description_says_what_is_sent_and_answered(lengths):
    described = one(lengths, Request("GET", "/openapi.json"), max_items=7, max_length=9).json
    post = described["paths"]["/predict"]["post"]
    assert {"200", "400", "408", "413", "415", "422", "429", "500", "503"} == set(post["responses"])
    answered = post["responses"]["200"]["content"]["application/json"]["schema"]
    assert answered["properties"]["predictions"]["items"]["required"] == ["n"]
    asked = described["components"]["schemas"]["PredictRequest"]
    assert asked["properties"]["instances"]["maxItems"] == 7
    assert asked["properties"]["instances"]["items"]["maxLength"] == 9
    assert asked["additionalProperties"] is False
