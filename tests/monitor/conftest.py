"""Shared by the tests of this room."""

import warnings

with warnings.catch_warnings():
    # TensorBoard's pages bring a copy of html5lib that warns, once, that it is old.
    warnings.filterwarnings("ignore", message="html5lib's sanitizer is deprecated")
    import tensorboard.plugins.text.text_plugin  # noqa: F401
