#!/usr/bin/python3
"""Every rule of CONFORMANCE.md names a test, and every test that is named exists."""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "CONFORMANCE.md"
NAMED = re.compile(r"`(test_\w+\.(?:py|c)): (test_\w+)`")
DEFINED = re.compile(r"^\s*(?:def|static void) (test_\w+)\(", re.MULTILINE)


def tests_of_files():
    """{file name: the names of its tests}; files of one name are taken together."""
    found = {}
    for folder in ("tests/e2e", "tests/unit"):
        for path in (ROOT / folder).rglob("test_*.*"):
            found.setdefault(path.name, set()).update(DEFINED.findall(path.read_text()))
    return found


def problems():
    known = tests_of_files()
    for number, line in enumerate(PAGE.read_text().splitlines(), 1):
        named = NAMED.findall(line)
        if line.startswith("|") and not named and line not in ("| rule | test |", "|---|---|"):
            yield f"{PAGE.name}:{number}: the rule names no test"
        for file, test in named:
            if test not in known.get(file, ()):
                yield f"{PAGE.name}:{number}: {file} has no {test}"


found = list(problems())
print("\n".join(found), end="\n" if found else "")
sys.exit(1 if found else 0)
