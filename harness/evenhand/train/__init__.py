"""The engine that runs a method's stages under a recipe."""
