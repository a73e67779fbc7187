"""Exports of other tools."""

from pathlib import Path

DATA = Path(__file__).parents[1] / "transfer" / "data"
