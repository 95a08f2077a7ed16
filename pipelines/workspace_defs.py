"""The module that workspace.yaml names: importing it reads the environment once."""

from pipelines.definitions import build_defs

defs = build_defs()
