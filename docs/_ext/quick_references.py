"""References to names that no page describes, such as `int`, are given up at once.

Sphinx compares each annotation of each signature with the ends of all names: a third of a build.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain


class QuickPythonDomain(PythonDomain):
    """The Python domain, which remembers the last parts of the names that pages describe."""

    last_parts: tuple[int, frozenset[str]] = (0, frozenset())

    def find_obj(
        self,
        env: Any,
        modname: str,
        classname: str,
        name: str,
        type: str | None,
        searchmode: int = 0,
    ) -> list[Any]:
        """Return the objects of a name; all of them end with its last part."""
        if self.last_parts[0] != len(self.objects):
            parts = frozenset(known.rpartition(".")[2] for known in self.objects)
            self.last_parts = len(self.objects), parts
        if name.removesuffix("()").rpartition(".")[2] not in self.last_parts[1]:
            return []
        return super().find_obj(env, modname, classname, name, type, searchmode)


def setup(app: Sphinx) -> dict[str, bool]:
    """Put the domain in the place of the one of Sphinx."""
    app.add_domain(QuickPythonDomain, override=True)
    return {"parallel_read_safe": True}
