"""Post-hoc methods: other predictions from a trained network, without further training.

A post-hoc method is fitted on the kept logits of the validation split, if it needs them, and then
predicts from logits alone. It uses neither test labels nor images.
"""

from evenhand.metrics import Outputs
from evenhand.posthoc.outputs import PostHoc, Predict, Trained

IMPORT_ALL = True

__all__ = ["Outputs", "PostHoc", "Predict", "Trained"]
