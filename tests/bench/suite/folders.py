"""Folders for a while."""
import os
import subprocess
import tempfile
from contextlib import contextmanager


@contextmanager
def scratch(folder):
    """A new folder that others may enter: PostgreSQL runs as another user."""
    with tempfile.TemporaryDirectory(prefix="weir-bench-", dir=folder) as path:
        os.chmod(path, 0o755)
        yield path


@contextmanager
def copy_of(base, folder):
    """What is still to be written is written before, since it would be measured."""
    with scratch(folder) as copy:
        subprocess.run(["cp", "-a", "--sparse=always", f"{base}/.", copy], check=True)
        os.sync()
        yield copy
