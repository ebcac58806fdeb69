"""Resolve, plan, execute: inline in one process, or on Ray Tune; both give the same records."""
