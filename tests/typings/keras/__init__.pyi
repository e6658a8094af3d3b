# Keras ships no type information; what Pyright infers from its source (every op may return
# None) is wrong. Everything of Keras is Any, so that our own code is what is checked.
from typing import Any

def __getattr__(name: str) -> Any: ...
