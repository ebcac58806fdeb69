"""Import of torch and of the training engine, once in each process that trains."""

from __future__ import annotations

import importlib

from evenhand.store.reading import no_collection


def import_engine() -> None:
    """Import what training needs, which takes seconds.

    Without garbage collection it takes a fifth less: the modules of torch and timm stay.
    """
    with no_collection():
        importlib.import_module("evenhand.train.engine")
