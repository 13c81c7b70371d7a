"""JAX's programs in rnnkit's cache: where, when not, and that they compute the same bits."""

import errno
import warnings

import failing_writes
import numpy as np
import pytest

from rnnkit import backend, disk, recipes
from rnnkit.backend import compilation

pytestmark = pytest.mark.skipif(backend.name != "jax", reason="JAX alone keeps programs")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Set up the cache anew in an empty folder; the tests' own cache comes back afterwards."""
    import jax
    from jax._src import compilation_cache

    from rnnkit.backend.jax import caching

    names = ("jax_compilation_cache_dir", "jax_enable_compilation_cache")
    before = {name: getattr(jax.config, name) for name in names}
    monkeypatch.setattr(compilation_cache, "get_file_cache", compilation_cache.get_file_cache)
    monkeypatch.setattr(caching, "_reason", "")
    monkeypatch.setattr(disk, "_warned", set())
    monkeypatch.setenv("RNNKIT_CACHE", str(tmp_path))
    monkeypatch.delenv(compilation.VARIABLE, raising=False)

    def set_up(**config):
        for name, value in {"jax_compilation_cache_dir": None, **config}.items():
            jax.config.update(name, value)
        compilation_cache.reset_cache()
        jax.clear_caches()
        caching.set_up()
        return compilation.machine_folder(
            f"jax{jax.__version__}", f"jaxlib{caching.jaxlib.__version__}"
        )

    yield set_up
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()
    jax.clear_caches()


def run_once(number=3.0):
    """Compile and run a small program of its own; what was compiled for it."""
    import jax
    import jax.numpy as jnp

    x = np.full((5,), number, "float32")
    before = compilation.compilations()
    found = jax.jit(lambda x: jnp.tanh(x) * x + jnp.cumsum(x))(x)
    np.testing.assert_allclose(found, np.tanh(x) * x + np.cumsum(x), rtol=1e-5)
    return compilation.compilations().since(before)


def test_a_program_is_compiled_once_and_kept_for_the_owner(cache):
    import jax

    folder = cache()
    first = run_once()
    assert (first.programs, first.from_cache) == (1, 0)
    assert first.seconds > 0
    assert len(list(folder.glob("*.program"))) == 1
    assert folder.stat().st_mode & 0o077 == 0
    jax.clear_caches()
    again = run_once()
    assert (again.programs, again.from_cache) == (1, 1)
    assert compilation.describe_cache().startswith("1 programs, ")
    assert compilation.compiling() is None
    compilation.clear_cache()
    assert not folder.exists()
    jax.clear_caches()
    assert run_once().from_cache == 0


@pytest.mark.parametrize(
    ("config", "variable", "told"),
    [
        ({}, "off", "RNNKIT_COMPILATION_CACHE"),
        ({"jax_enable_compilation_cache": False}, "on", "JAX_ENABLE"),
        ({"jax_compilation_cache_dir": "OWN"}, "on", "JAX's own, in "),
    ],
)
def test_the_user_decides(cache, tmp_path, monkeypatch, config, variable, told):
    import jax

    monkeypatch.setenv(compilation.VARIABLE, variable)
    config = {name: str(tmp_path / "own") if v == "OWN" else v for name, v in config.items()}
    cache(**config)
    run_once()
    assert told in compilation.describe_cache()
    assert not compilation.root().exists()
    for name, value in config.items():
        assert getattr(jax.config, name) == value
    assert (tmp_path / "own").exists() == ("jax_compilation_cache_dir" in config)


def test_it_can_be_switched_off_and_on_again(cache):
    import jax

    folder = cache()
    run_once(1.0)
    compilation.use_cache(False)
    assert "off" in compilation.describe_cache()
    jax.clear_caches()
    assert run_once(1.0).from_cache == 0
    assert len(list(folder.iterdir())) == 1
    compilation.use_cache(True)
    jax.clear_caches()
    assert run_once(1.0).from_cache == 1


def test_a_folder_that_is_set_later_is_used_by_jax_itself(cache, tmp_path):
    import jax

    cache()
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "own"))
    run_once()
    assert list((tmp_path / "own").glob("*-cache"))
    assert not compilation.root().exists()
    assert "JAX's own" in compilation.describe_cache()


def test_an_unknown_value_of_the_variable_is_refused(monkeypatch):
    monkeypatch.setenv(compilation.VARIABLE, "/tmp/mine")
    with pytest.raises(backend.BackendError, match="RNNKIT_CACHE names another folder"):
        compilation.switched_off()


@pytest.mark.parametrize("trouble", ["damaged", "full", "read-only"])
def test_a_program_runs_whatever_happens_to_the_cache(cache, monkeypatch, trouble):
    import jax

    folder = cache()
    if trouble != "damaged":
        number = {"full": errno.ENOSPC, "read-only": errno.EROFS}[trouble]
        failing_writes.watch(monkeypatch, folder, number).full_at = 0
        with pytest.warns(UserWarning, match="not kept") as caught:
            run_once()
        assert len(caught) == 1
        assert list(folder.iterdir()) == []
        return
    run_once()
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    jax.clear_caches()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run_once().from_cache == 0
        jax.clear_caches()
        assert run_once().from_cache == 1


def test_programs_made_with_other_flags_of_xla_are_others(cache, monkeypatch):
    """The quick flags of the tests must not hand out their programs to anybody else."""
    import jax

    cache()
    run_once()
    jax.clear_caches()
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=false")
    assert run_once().from_cache == 0


@pytest.mark.deep("jax")
def test_a_resumed_training_with_programs_of_the_cache_has_the_same_bits(cache, tmp_path):
    import jax

    texts, labels = ["good day", "bad day", "good", "bad"] * 4, [1, 0] * 8

    def train(epochs, folder=None):
        model = recipes.find("lstm_sentiment")(
            **{"units": 3, "embedding": "random", "embedding_size": 4, "min_count": 1},
            **{"batch_size": 8, "max_length": 8, "learning_rate_schedule": "constant"},
        )
        model.fit(texts, labels, epochs=epochs, verbose=0, checkpoints=folder)
        return model.get_weights()

    cache(jax_enable_compilation_cache=False)
    compiled = train(2)
    jax.config.update("jax_enable_compilation_cache", True)
    folder = cache()
    train(1, tmp_path / "run")
    written = len(list(folder.iterdir()))
    jax.clear_caches()
    before = compilation.compilations()
    resumed = train(2, tmp_path / "run")
    came = compilation.compilations().since(before)
    assert came.from_cache >= 2  # of a step in training and more
    assert written >= came.from_cache
    for one, other in zip(compiled, resumed, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_version_that_reads_programs_back_wrongly_keeps_none(cache, monkeypatch):
    """With JAX 0.6.0 a second training with programs of the cache learned nothing."""
    import jax

    monkeypatch.setattr(jax, "__version__", "0.6.0")
    monkeypatch.setattr(jax, "__version_info__", (0, 6, 0))
    folder = cache()
    assert run_once().from_cache == 0
    assert not folder.exists()
    assert "JAX 0.6.0 reads programs back wrongly" in compilation.describe_cache()
