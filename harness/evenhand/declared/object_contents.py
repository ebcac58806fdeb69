"""Contents of the objects that variables of a notebook or a script hold, as text for a digest."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator
from typing import Any

PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...))


def attributes(value: Any) -> Iterator[tuple[str, Any]]:
    """Attributes of an instance, in its dictionary or in slots."""
    yield from getattr(value, "__dict__", {}).items()
    for base in type(value).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for key in (slots,) if isinstance(slots, str) else slots:
            if key not in ("__dict__", "__weakref__") and hasattr(value, key):
                yield key, getattr(value, key)


def state_of(network: Any) -> dict[str, Any]:
    """Weights and settings of a PyTorch module, whose pickle differs between processes."""
    plain = {f".{k}": v for k, v in attributes(network) if isinstance(v, PLAIN)}
    return {".modules": repr(network), **network.state_dict(), **plain}


def labels(value: Any) -> str:
    """Names of the columns and the index of a data frame."""
    axes: list[Any] = [getattr(value, name, None) for name in ("columns", "index")]
    return repr([list(axis) for axis in axes if hasattr(axis, "dtype")])


def text_of(value: Any) -> str:
    """Content of an array or of another object that can be stored; else its type."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    try:
        if hasattr(value, "__array__"):
            import numpy as np

            array = np.asarray(value.detach() if hasattr(value, "detach") else value)
            stated = f"{array.dtype}{array.shape}{labels(value)}"
            # The bytes of an array of objects are their places in memory.
            held = repr(array.tolist()).encode() if array.dtype.hasobject else array.tobytes()
            content = stated.encode() + held
        else:
            content = pickle.dumps(value, protocol=4)
    except Exception:
        # Foreign code: an object that cannot be stored counts by its type.
        return kind
    return f"{kind} {hashlib.sha256(content).hexdigest()}"
