"""What environment.json says of the code: its commit in a checkout, nothing elsewhere."""

from __future__ import annotations

import os
import subprocess

import pytest

from rnnkit.study.environment import environment, processor, source_commit

pytestmark = pytest.mark.one_backend


def git(where, *arguments):
    name = ["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(where), *name, *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path):
    """Return a git repository with a package `rnnkit`."""
    root = tmp_path / "checkout"
    (root / "rnnkit").mkdir(parents=True)
    (root / "rnnkit" / "__init__.py").write_text("a = 1\n")
    try:
        git(root, "init", "-q")
    except FileNotFoundError:
        pytest.skip("there is no git")
    (root / "README.md").write_text("a text\n")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    return root


@pytest.fixture(autouse=True)
def _asked_anew():
    source_commit.cache_clear()
    yield
    source_commit.cache_clear()


def head(root):
    reference = (root / ".git" / "HEAD").read_text().split()[-1]
    return (root / ".git" / reference).read_text().strip()


def test_a_checkout_has_its_commit_and_whether_it_was_changed(checkout):
    assert source_commit(checkout) == {"commit": head(checkout), "dirty": False}
    (checkout / "rnnkit" / "notes.txt").write_text("not tracked")
    (checkout / "README.md").write_text("another text\n")  # no code
    source_commit.cache_clear()
    assert source_commit(checkout)["dirty"] is False
    (checkout / "rnnkit" / "__init__.py").write_text("a = 2\n")
    source_commit.cache_clear()
    assert source_commit(checkout) == {"commit": head(checkout), "dirty": True}


def test_a_package_inside_another_project_has_no_commit(checkout):
    """The repository around an environment is not rnnkit's."""
    inside = checkout / ".venv" / "site-packages"
    (inside / "rnnkit").mkdir(parents=True)
    (inside / "rnnkit" / "__init__.py").touch()
    assert source_commit(inside) == {}


def test_a_repository_that_does_not_track_rnnkit_has_no_commit(tmp_path, checkout):
    git(checkout, "rm", "-q", "--cached", "-r", "rnnkit")
    assert source_commit(checkout) == {}
    assert source_commit(tmp_path) == {}  # no repository
    assert source_commit(tmp_path / "nowhere") == {}


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    root = tmp_path / "new"
    (root / "rnnkit").mkdir(parents=True)
    (root / "rnnkit" / "__init__.py").touch()
    monkeypatch.setenv("PATH", str(tmp_path))  # no git there
    assert source_commit(root) == {}


def test_the_variables_of_a_hook_do_not_name_another_repository(checkout, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other.git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert source_commit(checkout)["commit"] == head(checkout)


def test_the_environment_names_processor_and_cores():
    here = environment()
    assert here["processor"] == processor() != ""
    assert here["cpus"] == os.cpu_count()
    assert ("commit" in here) == ("dirty" in here)
