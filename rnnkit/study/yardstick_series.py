"""Old names of `rnnkit.baselines`, for one release."""

from rnnkit.deprecation import renamed_names

__getattr__ = renamed_names(
    __name__,
    {
        "measure_persistence": "rnnkit.baselines.forecasts:persistence",
        "measure_autoregression": "rnnkit.baselines.forecasts:linear_autoregression",
    },
)
