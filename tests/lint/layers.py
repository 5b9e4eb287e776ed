#!/usr/bin/python3
"""Includes follow the layers: who may use which folder, and which folder may use which library.

The link lines hold the same rules; this check names the line that breaks one.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# A third-party library has one home; where a second one is listed, the folder needs it for its own
# encryption, digest, certificates or compressed messages.
HOMES = {
    r"<grpc/|<grpc": ["frontend/gateway"],
    r"<nng/": ["common/ipc"],
    r"<lmdb\.h>": ["worker/store"],
    r"<zstd": ["worker/decode"],
    r"<zlib": ["worker/decode", "frontend/gateway"],
    r"<seccomp\.h>": ["common/confine"],
    r"<openssl/": ["worker/decode", "worker/run", "worker/value", "frontend/gateway"],
}

# Folder -> folders whose headers it may include. The longest folder that matches counts.
MAY_INCLUDE = {
    "common": ["common"],
    "worker": ["common", "worker"],
    "frontend": ["common", "frontend"],
    "cli": ["common", "worker", "frontend", "cli"],
}

# Messages (protobuf-c) and sockets are libraries, too: these parts stay free of them.
LIBRARY_FREE = ["frontend/supervisor"]

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"][^>"]+[>"])')


def sources():
    names = subprocess.run(["git", "ls-files", "-z", "*.c", "*.h"], cwd=ROOT, check=True,
                           capture_output=True)
    for name in names.stdout.decode().split("\0"):
        if name and not name.startswith("tests/") and (ROOT / name).is_file():
            yield name


def within(name, folders):
    return any(name.startswith(folder + "/") for folder in folders)


def faults_of(name, included):
    """Yields what is wrong with `name` including `included`, quotes and brackets still on."""
    for pattern, homes in HOMES.items():
        if re.match(pattern, included) and not within(name, homes):
            yield f"{included} is used only in {' and '.join(homes)}"
    if included.startswith('"') and "/" in included:
        folder = name.split("/")[0]
        # Messages made from proto/ are the contract, and everybody's.
        is_message = included.endswith('.pb-c.h"')
        allowed = is_message or within(included.strip('"'), MAY_INCLUDE.get(folder, [folder]))
        if folder in MAY_INCLUDE and not allowed:
            yield f"{folder} may not include {included}"
    if within(name, LIBRARY_FREE):
        if ".pb-c.h" in included or included.startswith('"common/ipc/'):
            yield f"the supervisor calls no library, but includes {included}"


def main():
    faults = 0
    for name in sources():
        lines = (ROOT / name).read_text(encoding="utf-8").split("\n")
        found = [(number, match.group(1)) for number, line in enumerate(lines, 1)
                 if (match := INCLUDE.match(line))]
        own = f'"{name[:-2]}.h"'
        if name.endswith(".c") and (ROOT / own.strip('"')).exists():
            if not found or found[0][1] != own:
                print(f"{name}: its own header comes first")
                faults += 1
        for number, included in found:
            for what in faults_of(name, included):
                print(f"{name}:{number}: {what}")
                faults += 1
    return 1 if faults else 0


sys.exit(main())
