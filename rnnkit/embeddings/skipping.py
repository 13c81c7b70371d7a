"""What a reader of word vectors does with damaged words: refuse the file, or leave them out."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path
from typing import Literal, NoReturn

from rnnkit.errors import InputError, check_choice

OnError = Literal["strict", "skip"]


class Sieve:
    """Decides about the damaged words of a file, and counts those left out.

    Args:
        path: the file, for messages.
        errors: "strict" = the first one refuses the file; "skip" = all are left out; None = like
            "strict", but for what published files are known to have.

    Example:
        >>> sieve = Sieve(Path("mine.txt"), "skip")
        >>> sieve.refuse("repeated", "line 3: the word 'the' is a duplicate of line 2")
        >>> sieve.left_out
        Counter({'repeated': 1})
    """

    def __init__(self, path: Path, errors: OnError | None) -> None:
        if errors is not None:
            check_choice("errors", errors, ("strict", "skip"))
        self.path, self.errors = path, errors
        self.left_out: Counter[str] = Counter()
        self._first: dict[str, str] = {}  # reason -> the first one

    def refuse(
        self, reason: str, what: str, cause: BaseException | None = None, known: bool = False
    ) -> None:
        """Refuse the file, or note that a word is left out.

        Args:
            reason: in one or two words, for the count.
            what: where it stands and what is wrong.
            cause: the error that was met.
            known: published files have such words.

        Raises:
            InputError: the file is refused.
        """
        if self.errors == "strict" or not (known or self.errors == "skip"):
            hint = "" if self.errors else ' errors="skip" leaves such words out.'
            raise_damaged(self.path, what, cause, hint)
        self.left_out[reason] += 1
        self._first.setdefault(reason, what)

    def report(self, read: int) -> None:
        """Warn with the count of what was left out, if anything was."""
        if self.left_out:
            reasons = "; ".join(
                f"{count:,} {reason} (the first: {self._first[reason]})"
                for reason, count in self.left_out.items()
            )
            warnings.warn(
                f"{self.path}: {read:,} words were read, and some lines left out: {reasons}.",
                stacklevel=4,
            )


def raise_damaged(
    path: Path, what: str, cause: BaseException | None = None, hint: str = ""
) -> NoReturn:
    """Raise the `InputError` of a file that cannot be read."""
    message = f"{path} is damaged or no file of word vectors: {what}. Download or write it again."
    raise InputError(message + hint) from cause
