"""Engines: jobs in processes of their own, what died again, and what is refused."""

from __future__ import annotations

import socket
import sys

import pytest

from rnnkit.errors import InputError, StudyError
from rnnkit.study import compare, load_data
from rnnkit.study.agreement import refuse_other_examples, refuse_other_versions, terms_of
from rnnkit.study.engines import Job, make_engine, parse_options, run_jobs, running
from rnnkit.study.engines.jobs import Outcome, perform
from rnnkit.study.engines.on_ray import _refuse_unreachable
from rnnkit.study.engines.processes import LocalProcess, Processes
from rnnkit.study.workers import train_one

GOOD = Outcome()
DEAD = Outcome(died="signal 9")


class Scripted:
    """An engine whose jobs end as a script says, at the second look."""

    most = None

    def __init__(self, **ends):
        self.ends = {name: [*outcomes] for name, outcomes in ends.items()}
        self.started, self.stopped, self.together, self.closed = [], [], 0, False
        self.under_way = set()

    def start(self, job):
        self.started.append(job.name)
        self.under_way.add(job.name)
        self.together = max(self.together, len(self.under_way))
        return Handle(self, job.name)

    def close(self):
        self.closed = True


class Handle:
    def __init__(self, engine, name):
        self.engine, self.name, self.looks = engine, name, 0

    def outcome(self):
        self.looks += 1
        if self.looks < 2 or self.engine.ends[self.name] == []:
            return None
        self.engine.under_way.discard(self.name)
        return self.engine.ends[self.name].pop(0)

    def stop(self):
        self.engine.stopped.append(self.name)


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr(running, "POLL", 0.0)

    def call(engine, workers=None):
        said = []
        jobs = [Job(name, "", {}) for name in engine.ends]
        try:
            run_jobs(jobs, engine, said.append, workers)
        finally:
            assert engine.closed
        return said

    return call


def test_so_many_jobs_at_a_time(run):
    engine = Scripted(a=[GOOD], b=[GOOD], c=[GOOD])
    assert run(engine, workers=2) == ["[1/3] a", "[2/3] b", "[3/3] c"]
    assert engine.together == 2
    engine = Scripted(a=[GOOD], b=[GOOD], c=[GOOD])
    run(engine)
    assert engine.together == 3


def test_a_job_that_died_is_done_again(run):
    engine = Scripted(a=[DEAD, DEAD, GOOD], b=[GOOD])
    assert run(engine)[2:] == [
        "a: signal 9; again, 1 of 2",
        "[1/2] a",
        "a: signal 9; again, 2 of 2",
        "[1/2] a",
    ]
    assert engine.started == ["a", "b", "a", "a"]


def test_a_job_that_dies_each_time_ends_the_others_late(run):
    engine = Scripted(a=[DEAD, DEAD, DEAD], b=[GOOD], c=[GOOD])
    with pytest.raises(StudyError, match="a ended 3 times before it was done: signal 9"):
        run(engine, workers=1)
    assert engine.started == ["a", "b", "c", "a", "a"]


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (Outcome(told={"kind": "InputError", "message": "units is 0"}), InputError),
        (Outcome(interrupted=True), KeyboardInterrupt),
    ],
)
def test_what_is_refused_stops_all(run, end, error):
    engine = Scripted(a=[end], b=[], c=[GOOD])
    with pytest.raises(error):
        run(engine, workers=2)
    assert engine.stopped == ["b"]
    assert engine.started == ["a", "b"]


def test_processes_of_this_machine(tmp_path):
    said = []
    count = "rnnkit.errors:check_count"
    jobs = [
        Job("good", count, {"name": "seeds", "value": 1}),
        Job("bad", "os:_exit", {"status": 3}),
    ]
    with pytest.raises(StudyError, match=r"bad ended 1 times .* ended with status 3"):
        run_jobs(jobs, Processes(), said.append, workers=2, retries=0)
    assert said == ["[1/2] good", "[2/2] bad"]


class Ended:
    """Stands in for a process that ended."""

    def __init__(self, status):
        self.status = status

    def poll(self):
        return self.status


def test_what_ended_a_process_is_told(tmp_path):
    file = tmp_path / "told.json"
    assert LocalProcess(Ended(None), file).outcome() is None
    assert LocalProcess(Ended(0), file).outcome() == GOOD
    assert LocalProcess(Ended(-9), file).outcome().died == "its process ended with signal 9"
    assert LocalProcess(Ended(130), file).outcome().interrupted
    file.write_text('{"kind": "InputError", "message": "no"}')
    assert LocalProcess(Ended(2), file).outcome().told["message"] == "no"


def test_what_a_job_refuses_is_returned(tmp_path):
    job = Job("a", "rnnkit.study.workers:train_one", {"study": str(tmp_path), "name": "a"})
    told = perform(job._replace(arguments={**job.arguments, "verbose": 0}))
    assert told["kind"] == "InputError"
    assert "give --out on a file system that every machine has" in told["message"]
    with pytest.raises(InputError, match=socket.gethostname()):
        train_one(str(tmp_path), "a", 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "rays"}, "engine is 'rays'; expected one of .* Did you mean 'ray'"),
        ({"workers": 0}, "workers is 0"),
        ({"processes": 2, "workers": 2}, "processes is 2, which is short for"),
        ({"engine": "slurm", "ray_address": "a:1"}, "ray_address is 'a:1', and engine is slurm"),
        ({"workers": 2, "engine_options": {"num_cpus": 1}}, "engine is processes: only ray"),
    ],
)
def test_contradictions_are_refused_before_data_are_read(options, message):
    with pytest.raises(InputError, match=message):
        compare(["lstm_sentiment"], "no_such_data", **options)


@pytest.mark.parametrize(("engine", "module"), [("ray", "ray"), ("slurm", "submitit")])
def test_an_engine_that_is_not_installed_names_its_extra(monkeypatch, tmp_path, engine, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf'engine is {engine}.*pip install "rnnkit\[{engine}\]"'):
        make_engine(engine, tmp_path)


def test_a_cluster_that_cannot_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        _refuse_unreachable(f"ray://127.0.0.1:{port}")
    with pytest.raises(InputError, match=rf"ray_address is 127\.0\.0\.1:{port}, .*refused"):
        _refuse_unreachable(f"127.0.0.1:{port}")
    _refuse_unreachable(None)
    _refuse_unreachable("auto")


def test_slurm_without_slurm(monkeypatch, tmp_path):
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"slurm cannot be used here.*cluster=local"):
        make_engine("slurm", tmp_path)
    with pytest.raises(InputError, match=r"engine_options is .* submitit refuses it"):
        make_engine("slurm", tmp_path, {"cluster": "local", "no_such": 1})


def test_options_of_an_engine():
    assert parse_options(["a=1", "b=x=y", "c="]) == {"a": 1, "b": "x=y", "c": ""}
    with pytest.raises(InputError, match="engine_options is 'num_cpus'"):
        parse_options(["num_cpus"])


def test_other_versions_and_other_examples_are_refused():
    some, more = (load_data("sample", limit=n) for n in (10, 11))
    terms = terms_of(some)
    refuse_other_versions(terms, "the study")
    refuse_other_examples(terms, some, "the study")
    with pytest.raises(InputError, match=r"not the examples with which the study began \(in train"):
        refuse_other_examples(terms, more, "the study")
    other = {"versions": {**terms["versions"], "keras": "2.0", "backend": "theano"}}
    with pytest.raises(InputError, match=r"keras .* and not 2\.0, backend .* and not theano, with"):
        refuse_other_versions(other, "the study")
    refuse_other_versions({}, "a study of an earlier version")
