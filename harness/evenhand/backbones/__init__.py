"""Backbones by name: CIFAR ResNets, a linear map, an MLP, and every model of timm.

`names.py` declares them without importing torch; `networks.build` makes them.
"""

IMPORT_ALL = True
