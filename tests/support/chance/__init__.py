"""Random operations of every kind on a destination, drawn from one seed."""
from .counts import Counts
from .kills import VICTIMS
from .run import KILLING, Run
from .seeds import seeds

__all__ = ["Counts", "KILLING", "Run", "VICTIMS", "seeds"]
