"""Dagster declarations in the order of the flow; every body calls the engine and returns counts."""
