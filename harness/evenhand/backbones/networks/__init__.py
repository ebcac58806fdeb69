"""Networks in torch. Nothing is imported here, because listing names must not import torch."""
