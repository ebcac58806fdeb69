"""The networks themselves, in torch. Nothing is imported here: listing names must not need it."""
