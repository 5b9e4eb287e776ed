"""How much longer than usual a test waits: sanitizers slow everything down."""
import os

SANITIZED = os.environ.get("WEIR_TEST_SANITIZE", "") != ""

# A test that waits for something waits this many times longer.
PATIENCE = 5 if SANITIZED else 1
