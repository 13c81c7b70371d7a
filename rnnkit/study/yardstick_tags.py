"""Old names of `rnnkit.baselines`, for one release."""

from rnnkit.deprecation import renamed_names

__getattr__ = renamed_names(
    __name__, {"measure_memory": "rnnkit.baselines.taggers:most_frequent_tag"}
)
