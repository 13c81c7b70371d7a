"""A trained model behind HTTP: what `rnnkit serve` starts.

FastAPI and uvicorn, the extra ``serve``, are imported when an application is made.
"""

from __future__ import annotations

from rnnkit.serving.limits import Limits
from rnnkit.serving.server import require_serving, serve

__all__ = ["Limits", "require_serving", "serve"]
