#!/usr/bin/python3
"""Text files are tidy: width, white space, final newline, no words that mark unfinished work.

What clang-format settles for C is not repeated here; the width of comments is, since it leaves
those alone.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 100

COMMENT = re.compile(r"\s*(/?\*|//)")

# Prose and data have no width; corpora and golden files are bytes.
NO_WIDTH = (".md", ".json", ".txt", ".expected", ".proto", ".clang-tidy", ".clang-format")
DATA = ("tests/fuzz/corpus/", "tests/golden/")

# In two halves each, so that this file does not find itself.
UNFINISHED = re.compile(rf"\b({'TO'}DO|{'FIX'}ME|{'XX'}X|{'HA'}CK)\b")


def tracked_files():
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    for name in names.stdout.decode().split("\0"):
        if name and not name.startswith(DATA) and (ROOT / name).is_file():
            yield name


def faults_of(name, text):
    """Yields (line number, what is wrong)."""
    is_makefile = Path(name).name == "Makefile"
    is_c = name.endswith((".c", ".h"))
    has_width = not name.endswith(NO_WIDTH)
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > WIDTH and has_width and (not is_c or COMMENT.match(line)):
            yield number, f"{len(line)} columns, {WIDTH} are the limit"
        if line != line.rstrip():
            yield number, "white space at the end of the line"
        if "\t" in line and not is_makefile:
            yield number, "a tab"
        if UNFINISHED.search(line):
            yield number, "a word that marks something unfinished"
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "no newline at the end of the file"
    if text.endswith("\n\n"):
        yield text.count("\n"), "empty lines at the end of the file"


def main():
    faults = 0
    for name in tracked_files():
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, what in faults_of(name, text):
            print(f"{name}:{number}: {what}")
            faults += 1
    return 1 if faults else 0


sys.exit(main())
