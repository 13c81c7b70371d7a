"""Adam in one pass over each weight, for Keras's optimizer."""

from __future__ import annotations

from types import MethodType
from typing import Any

import keras
import tensorflow as tf

ADAMS = (keras.optimizers.Adam, keras.optimizers.AdamW)


def accelerate(optimizer: Any) -> None:
    """Let an Adam or AdamW of Keras update its weights with TensorFlow's fused operation.

    Keras's own update reads and writes every weight and moment a dozen times; of a table of word
    vectors that is a twentieth of a training step. The weights stay the same up to rounding.

    Example:
        >>> optimizer = keras.optimizers.Adam()
        >>> accelerate(optimizer)
        >>> optimizer.update_step.__func__.__name__
        'fused_update_step'
    """
    if type(optimizer) in ADAMS and not optimizer.amsgrad:
        optimizer.update_step = MethodType(fused_update_step, optimizer)


def fused_update_step(optimizer: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
    """Update one weight and both its moments; Keras's own update where there are replicas."""
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        type(optimizer).update_step(optimizer, gradient, variable, learning_rate)
        return
    place = optimizer._get_variable_index(variable)
    kind = variable.dtype
    step = tf.cast(optimizer.iterations.value + 1, kind)
    beta_1, beta_2 = (tf.constant(b, kind) for b in (optimizer.beta_1, optimizer.beta_2))
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=optimizer._momentums[place].value.handle,
        v=optimizer._velocities[place].value.handle,
        beta1_power=beta_1**step,
        beta2_power=beta_2**step,
        lr=tf.cast(learning_rate, kind),
        beta1=beta_1,
        beta2=beta_2,
        epsilon=tf.constant(optimizer.epsilon, kind),
        grad=tf.cast(tf.convert_to_tensor(gradient), kind),
    )
