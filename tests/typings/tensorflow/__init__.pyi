# TensorFlow ships no type information; the stubs that Pyright brings are of an older
# release. Everything of TensorFlow is Any, so that our own code is what is checked.
from typing import Any

def __getattr__(name: str) -> Any: ...
