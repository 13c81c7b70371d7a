"""Old name of `rnnkit.monitor.classification`."""

from rnnkit.deprecation import renamed_names

__getattr__ = renamed_names(
    __name__, {"Examples": "rnnkit.monitor.classification:ClassificationReport"}
)
