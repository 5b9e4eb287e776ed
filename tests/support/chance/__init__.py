"""Random operations of every kind on a destination, drawn from one seed."""
from .run import Run

__all__ = ["Run"]
