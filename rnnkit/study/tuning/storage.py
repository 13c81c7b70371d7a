"""Where the trials of a search are recorded: a study of Optuna in a journal file or a database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from rnnkit.errors import InputError, quote

JOURNAL = "journal.log"  # in the search's folder, where no storage is given
RECORD = "rnnkit"  # the attribute of a study that holds what its trials have in common
Pruner = Literal["median", "hyperband", "none"]
_STARTUP = 5  # trials that are not pruned
_WARM_UP = 2  # the first epoch after which a trial may be pruned


def import_optuna() -> Any:
    """Return the module optuna, which reports errors alone.

    Raises:
        InputError: it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise InputError(
            f'A search needs Optuna, which cannot be imported ({error}): pip install "rnnkit[tune]"'
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def open_study(
    folder: Path, storage: str | None, name: str, *, direction: str, pruner: Pruner
) -> Any:
    """Open the study of a search, or begin it.

    Args:
        folder: of the search.
        storage: a URL that Optuna takes, such as ``"sqlite:///search.db"``, or the path of a
            journal file; None = `JOURNAL` in the folder.
        name: of the study in the storage.
        direction: "minimize" or "maximize".
        pruner: what ends trials early.

    Raises:
        InputError: the storage cannot be used.
    """
    optuna = import_optuna()
    try:
        return optuna.create_study(
            storage=_storage(optuna, folder, storage),
            study_name=name,
            direction=direction,
            load_if_exists=True,
            pruner=_pruner(optuna, pruner),
        )
    except (ImportError, OSError, ValueError, RuntimeError, optuna.exceptions.OptunaError) as error:
        raise _unusable(storage or folder / JOURNAL, error) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "sqlalchemy":  # its errors have no base here
            raise
        raise _unusable(storage, error) from error


def _storage(optuna: Any, folder: Path, storage: str | None) -> Any:
    if storage is not None and "://" in storage:
        return optuna.storages.RDBStorage(storage)
    path = folder / JOURNAL if storage is None else Path(storage).expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    journal = optuna.storages.journal
    lock = None
    if os.name == "nt":  # no symbolic links without rights
        lock = journal.JournalFileOpenLock(str(path))
    return optuna.storages.JournalStorage(journal.JournalFileBackend(str(path), lock_obj=lock))


def _pruner(optuna: Any, name: Pruner) -> Any:
    """Return a pruner; none of them prunes after the first epoch.

    "median" prunes a trial whose best value so far is worse than the median of the others after as
    many epochs (Golovin et al., 2017); "hyperband" gives many trials few epochs (Li et al., 2018).
    """
    if name == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=_STARTUP, n_warmup_steps=_WARM_UP)
    if name == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=_WARM_UP)
    return optuna.pruners.NopPruner()


def _unusable(storage: Any, error: Exception) -> InputError:
    reason = " ".join(str(error).split())[:400]
    return InputError(
        f"storage is {quote(str(storage))}, which cannot be used: {reason}. Expected a URL that "
        "Optuna takes, such as sqlite:///search.db or mysql://user@host/db (with its driver "
        "installed), or the path of a journal file."
    )
