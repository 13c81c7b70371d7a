"""Tasks whose texts a tokenizer of KerasHub may split: it is stored in their file."""

from __future__ import annotations

from typing import Any, ClassVar

from rnnkit.data.hub_tokenizer import HubTokenizer
from rnnkit.data.vocabulary import UNKNOWN_TOKEN
from rnnkit.tasks.task import Asset


class HubTokens:
    """Mixin of tasks with an attribute `tokenizer`, which may be one of KerasHub."""

    assets: ClassVar = {
        "tokenizer.zip": Asset(
            "hub_tokenizer", HubTokenizer.to_bytes, HubTokenizer.from_bytes, optional=True
        )
    }
    tokenizer: Any

    @property
    def hub_tokenizer(self) -> HubTokenizer | None:
        """The tokenizer, where it is one of KerasHub."""
        return self.tokenizer if isinstance(self.tokenizer, HubTokenizer) else None

    @hub_tokenizer.setter
    def hub_tokenizer(self, tokenizer: HubTokenizer) -> None:
        self.tokenizer = tokenizer

    def setting_objects(self) -> dict[str, Any]:
        """Return the settings that a record of them, which is text, cannot hold."""
        own = {} if self.hub_tokenizer is None else {"tokenizer": self.hub_tokenizer}
        return {**super().setting_objects(), **own}  # type: ignore[misc]

    def _check_tokenizer(self, texts: list[str], tokens: list[list[str]]) -> None:
        """Refuse a tokenizer that cannot be saved; report how much it does not know."""
        if self.hub_tokenizer is None:
            return
        self.hub_tokenizer.check_saved(texts)
        unknown = sum(row.count(UNKNOWN_TOKEN) for row in tokens)
        if unknown:
            share = unknown / sum(map(len, tokens))
            self._startup_messages.append(  # type: ignore[attr-defined]
                f"{share:.1%} of the tokens of these texts are unknown to the "
                f"{self.hub_tokenizer.name}"
            )
