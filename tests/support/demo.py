#!/usr/bin/python3
"""A small sync, from the first call to the stored rows; run by `make demo`.

Starts a server with a temporary data folder, does what Fivetran does (test the connection, create a
table, send two batches of compressed, encrypted files), shows what is stored, and stops.
"""
import sys

from batch import Batch
from batchfile import NULL, UNMODIFIED
from model import Column, Table
from server import Server, run_weir

ORDERS = Table("shop", "orders", [
    Column("id", "LONG", key=True), Column("customer", "STRING"),
    Column("price", "DECIMAL", precision=12, scale=2), Column("paid", "BOOLEAN"),
    Column("ordered", "UTC_DATETIME"), Column("_fivetran_deleted", "BOOLEAN"),
    Column("_fivetran_synced", "UTC_DATETIME")])

SYNCED = "2024-06-01T08:00:00Z"


def say(text):
    print(f"\n== {text}", flush=True)


def expect_success(response):
    if response.WhichOneof("response") != "success":
        sys.exit(f"the server answered: {response}")


def send_batches(server, client):
    first = Batch(server.batch_dir, ORDERS)
    first.replace([
        ["1", "Ada", "19.90", "true", "2024-05-30T12:00:00Z", "false", SYNCED],
        ["2", "Grace, Rear Admiral", "250.00", "false", "2024-05-30T12:30:00.25Z", "false", SYNCED],
        ["3", 'Edsger "EWD"', NULL, "false", "2024-05-31T09:15:00Z", "false", SYNCED]])
    second = Batch(server.batch_dir, ORDERS)
    second.replace([["4", "Barbara", "7.50", "true", "2024-06-01T07:59:59Z", "false", SYNCED]])
    second.update([["2", UNMODIFIED, UNMODIFIED, "true", UNMODIFIED, UNMODIFIED, SYNCED],
                   ["1", UNMODIFIED, UNMODIFIED, UNMODIFIED, UNMODIFIED, "true", SYNCED]])
    second.delete([["3", NULL, NULL, NULL, NULL, NULL, NULL]])
    for batch in (first, second):
        expect_success(client.write(batch.request()))
    some_file = next(iter(first.files.keys))
    return some_file, first.files.keys[some_file].hex()


def main():
    with Server() as server, server.client() as client:
        print(f"serving on port {server.port}, tables in {server.data_dir}")
        for name in ("connect", "select"):
            expect_success(client.test(name))
        expect_success(client.create(ORDERS.schema, ORDERS.message()))
        batch_file, key = send_batches(server, client)

        say("one of the batch files, decrypted: weir cat --key KEY FILE")
        print(run_weir("cat", "--key", key, batch_file).stdout, end="")
        for command in (["tables"], ["describe", "shop", "orders"], ["dump", "shop", "orders"]):
            say("weir " + " ".join(command))
            print(server.weir(*command).stdout, end="")
        return server.stop()


sys.exit(main())
