"""Seeds of random runs: the one that is asked for, or some, and more until the time is up."""
import os
import random
import time

SEED = os.environ.get("WEIR_TEST_SEED")


def seeds(fixed, seconds):
    """Prints each before it is used. At least one beside the fixed ones is new."""
    if SEED is not None:
        yield int(SEED)
        return
    end = time.monotonic() + seconds
    for seed in fixed:
        yield told(seed)
    yield told(new())
    while time.monotonic() < end:
        yield told(new())


def new():
    return random.SystemRandom().randrange(2**32)


def told(seed):
    print(f"WEIR_TEST_SEED={seed}", flush=True)
    return seed
