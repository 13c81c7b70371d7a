"""Former home of `rnnkit.data.tokenizer`; removed in the next release."""

from rnnkit.data.tokenizer import END_OF_LINE as END_OF_LINE
from rnnkit.deprecation import renamed_names

__getattr__ = renamed_names(__name__, {"TextUnits": "rnnkit.data.tokenizer:Tokenizer"})
