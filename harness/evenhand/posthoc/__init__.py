"""Post-hoc maps: from what a trained network said to other predictions, without training again.

A map is fitted on the kept logits of the validation split, if it needs them, and then predicts
from logits alone. It sees no test label, and no image.
"""

from evenhand.posthoc.outputs import Outputs, PostHoc, Predict, Trained

IMPORT_ALL = True

__all__ = ["Outputs", "PostHoc", "Predict", "Trained"]
