"""Random operations of every kind on a destination, drawn from one seed."""
from .operations import Operations

__all__ = ["Operations"]
