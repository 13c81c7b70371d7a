"""Checkpoints and signals of a training, of tasks and of word vectors."""
