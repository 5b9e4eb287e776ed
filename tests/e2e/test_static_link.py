"""The executable is self-contained: it starts where nothing but the C library is."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

WEIR = Path(os.environ["WEIR"])

# The C library's own parts.
C_LIBRARY = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1",
             "libresolv.so.2", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class StaticLink(unittest.TestCase):
    def test_only_the_c_library_is_linked_dynamically(self):
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", WEIR))

        self.assertIn("libc.so.6", needed)
        self.assertEqual(set(needed) - C_LIBRARY, set())

    def test_it_is_the_only_executable_beside_itself(self):
        executables = [path.name for path in WEIR.parent.rglob("*")
                       if path.is_file() and os.access(path, os.X_OK)]

        self.assertEqual(executables, ["weir"])

    @unittest.skipUnless(os.geteuid() == 0, "chroot is root's")
    def test_it_starts_in_a_root_with_only_the_c_library(self):
        with tempfile.TemporaryDirectory() as root:
            for library in re.findall(r"(/\S+\.so\S*) ", run("ldd", WEIR)):
                target = Path(root + library)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(library, target)
            shutil.copy(WEIR, root)
            Path(root, "dev").mkdir()
            Path(root, "dev/null").touch()

            self.assertIn("weir", run("chroot", root, "/weir", "--version"))


if __name__ == "__main__":
    unittest.main()
