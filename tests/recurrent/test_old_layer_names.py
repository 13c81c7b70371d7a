"""Old public names of the layers warn and are served until the next release."""

import pytest

from rnnkit.layers import GRU
from rnnkit.recurrent import base, cells
from rnnkit.recurrent.pointer import PointerGenerator, ScheduledSampling


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        (base, "Options", "RecurrentOptions"),
        (cells, "as_they_are", "identity"),
        (cells, "cut_candidate", "split_recurrent_kernel"),
    ],
)
def test_an_old_name_warns_and_is_served(module, old, new):
    with pytest.warns(DeprecationWarning, match=f"{old!r} .* is now called {new!r}"):
        assert getattr(module, old) is getattr(module, new)


def test_the_cell_type_of_a_layer_had_another_name():
    with pytest.warns(DeprecationWarning, match="'system' .* is now called 'cell_type'"):
        assert GRU(2).system == "gru_reset_after"
    with pytest.warns(DeprecationWarning, match="'system' .* is now called 'cell_type'"):

        class Mine(base.RecurrentLayer):
            gates = 1
            system = "mine"

    assert Mine(2).cell_type == "mine"


@pytest.mark.parametrize(
    ("layer", "shapes"),
    [
        (
            PointerGenerator(),
            {
                "scores_shape": (2, 3, 9),
                "weights_shape": (2, 3, 4),
                "source_shape": (2, 4),
                "told_shape": (2, 3, 5),
                "words_shape": (2, 3, 6),
            },
        ),
        (ScheduledSampling(0.5), {"entering_shape": (2, 3), "scores_shape": (2, 3, 7)}),
    ],
)
def test_saved_layers_are_built_from_the_old_names_of_their_inputs(layer, shapes):
    layer.build_from_config({"shapes_dict": shapes})
    assert layer.weights
