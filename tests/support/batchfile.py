"""Batch files as Fivetran writes them: CSV, compressed, then encrypted.

A file is [16-byte IV | AES-256-CBC, PKCS#7] over [zstd, gzip or nothing] over CSV. Each layer is a
plain function from bytes to bytes, so that a test can damage what it likes between two of them.
"""
import gzip
import os
import random
import string

import zstandard
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import destination_sdk_pb2 as sdk

# The writer quotes cells of this many characters whatever they hold, markers included.
QUOTED_FROM = 25


class Marker:
    """A cell that is no text."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name


NULL = Marker("NULL")
UNMODIFIED = Marker("UNMODIFIED")


def random_marker(prefix):
    """A null or unmodified string as real requests carry it."""
    letters = string.ascii_letters + string.digits
    return prefix + "".join(random.choice(letters) for _ in range(32))


def quote(cell):
    return '"' + cell.replace('"', '""') + '"'


def cell_text(cell, null_string, unmodified_string, quoted_from=QUOTED_FROM):
    if cell is NULL and null_string == "":
        return ""
    if cell is NULL:
        cell = null_string
    elif cell is UNMODIFIED:
        cell = unmodified_string
    special = cell == "" or any(c in cell for c in ',"\r\n')
    return quote(cell) if special or len(cell) >= quoted_from else cell


def csv(header, rows, null_string="", unmodified_string="", quoted_from=QUOTED_FROM, line_end="\n"):
    """The bytes of a CSV file. Cells are str, NULL or UNMODIFIED."""
    lines = [",".join(cell_text(cell, null_string, unmodified_string, quoted_from) for cell in row)
             for row in [header, *rows]]
    return "".join(line + line_end for line in lines).encode()


def zstd(plain):
    """One frame without content size and checksum, as real files are."""
    compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    return compressor.compress(plain) + compressor.flush()


def aes(plain, key):
    padder = padding.PKCS7(128).padder()
    return encrypt_blocks(padder.update(plain) + padder.finalize(), key)


def encrypt_blocks(blocks, key):
    """Without padding, for files whose padding is wrong."""
    iv = os.urandom(16)
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return iv + encryptor.update(blocks) + encryptor.finalize()


COMPRESS = {sdk.OFF: lambda plain: plain, sdk.ZSTD: zstd, sdk.GZIP: gzip.compress}


class BatchFiles:
    """The files of one batch and what the request says about them."""

    def __init__(self, folder, compression=sdk.ZSTD, encryption=sdk.AES, null_string=None,
                 unmodified_string=None, quoted_from=QUOTED_FROM, line_end="\n"):
        self.folder = folder
        self.compression = compression
        self.encryption = encryption
        self.null_string = random_marker("null-") if null_string is None else null_string
        self.unmodified_string = (random_marker("unmod-") if unmodified_string is None
                                  else unmodified_string)
        self.quoted_from = quoted_from
        self.line_end = line_end
        self.keys = {}

    def params(self):
        return sdk.FileParams(compression=self.compression, encryption=self.encryption,
                              null_string=self.null_string,
                              unmodified_string=self.unmodified_string)

    def add(self, header, rows, name=None):
        """Writes a file of rows and returns its path."""
        return self.add_csv(csv(header, rows, self.null_string, self.unmodified_string,
                                self.quoted_from, self.line_end), name)

    def add_csv(self, plain, name=None):
        return self.add_compressed(COMPRESS[self.compression](plain), name)

    def add_compressed(self, compressed, name=None):
        if self.encryption == sdk.NONE:
            return self.add_raw(compressed, name=name)
        key = os.urandom(32)
        return self.add_raw(aes(compressed, key), key, name)

    def add_raw(self, content, key=None, name=None):
        path = os.path.join(self.folder, name or f"batch-{os.urandom(6).hex()}.csv")
        with open(path, "wb") as file:
            file.write(content)
        if key is not None:
            self.keys[path] = key
        return path
