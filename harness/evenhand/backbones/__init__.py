"""Networks by name: CIFAR ResNets, a linear map and an MLP of our own, and every model of timm.

`names.py` declares them without importing torch; `networks/` makes them, with `networks.build`.
"""

IMPORT_ALL = True
