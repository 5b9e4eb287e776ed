#!/usr/bin/python3
"""Sends what an input file of Fivetran's destination tester describes to a running weir.

Run by `make tester ARGS=...` and `make demo`. Exit status: 0 done, 1 the server refused something
or could not be reached, 2 the input file or the options are wrong.
"""
import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from datetime import datetime, timezone

import grpc
from client import Client
from changes import write_time
from report import report
from scenario import BadInput, read_scenario
from session import Refusal, Session


def options():
    parser = argparse.ArgumentParser(prog="tester", description=__doc__.split("\n", maxsplit=1)[0])
    add = parser.add_argument
    add("--host", default="localhost")
    add("--port", default=50052, type=int)
    add("--serve", action="store_true",
        help="instead of a running weir: one of its own, with a temporary data folder")
    add("--schema-name", default="tester")
    add("--input-file", required=True, action="append",
        help="JSON; given several times, one file after the other")
    add("--plain-text", action="store_true", help="batch files neither compressed nor encrypted")
    add("--working-dir", help="where batch files are written and stay; else a temporary folder")
    add("--weir", default=os.environ.get("WEIR"),
        help="the binary: shows the tables' rows afterwards; default: $WEIR")
    add("--data-dir", default="weir-data", help="of the server, for --weir")
    add("--clean", action="store_true", help="drop the file's tables first, if they are there")
    add("--sync-time", default=write_time(datetime.now(timezone.utc)),
        help="_fivetran_synced of the first operation; default: now")
    return parser.parse_args()


def served(given, resources):
    """Starts a server that ends with `resources`, and points the options at it."""
    from server import Server  # which wants to know the binary at once
    server = resources.enter_context(Server())
    given.port, given.data_dir = server.port, server.data_dir


def run_file(path, given, client, folder):
    print(f"== {path}", flush=True)
    session = Session(client, read_scenario(path), given.schema_name, folder, print,
                      given.plain_text, given.sync_time)
    if given.clean:
        session.clean()
    session.run()
    for line in report(session, given.weir, given.data_dir):
        print(line)


def main():
    given = options()
    with ExitStack() as resources:
        folder = os.path.abspath(given.working_dir or resources.enter_context(
            tempfile.TemporaryDirectory(prefix="weir-tester-")))
        os.makedirs(folder, exist_ok=True)
        if given.serve:
            served(given, resources)
        client = resources.enter_context(Client(f"{given.host}:{given.port}"))
        try:
            for path in given.input_file:
                run_file(path, given, client, folder)
        except BadInput as problem:
            print(f"tester: {problem}", file=sys.stderr)
            return 2
        except Refusal as problem:
            print(f"tester: {problem}", file=sys.stderr)
            return 1
        except grpc.RpcError as problem:
            print(f"tester: {given.host}:{given.port}: {problem.code().name}: {problem.details()}",
                  file=sys.stderr)
            return 1
    return 0


sys.exit(main())
