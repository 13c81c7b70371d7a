"""The records of runs by the name that they had before `rnnkit.records.checks`."""

from __future__ import annotations

from rnnkit.records.checks import (
    DATA,
    ENVIRONMENT,
    RESULTS,
    SETTINGS,
    check_record,
    read_epochs,
    read_json,
    read_results,
    read_settings,
)

__all__ = [
    "DATA",
    "ENVIRONMENT",
    "RESULTS",
    "SETTINGS",
    "check_record",
    "read_epochs",
    "read_json",
    "read_results",
    "read_settings",
]
