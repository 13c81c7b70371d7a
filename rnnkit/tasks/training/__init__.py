"""Training of tasks: batches for Keras, schedules, optimizers, losses."""
