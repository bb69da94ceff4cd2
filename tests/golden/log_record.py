#!/usr/bin/env python3
"""Digest of the segment that tests/unit/log.c (bytes_are_as_documented) writes, from the layout in
src/shell/log/log.h alone. Prints the value of GOLDEN_SEGMENT."""
import hashlib
import struct
import zlib


def record(seq, kind, flags, sealed, body, first_of_group, chain):
    fixed = struct.pack('<QqBBHIII', seq, 1700000000000001, kind, flags, 258, 1, len(sealed), len(body))
    chain = hashlib.sha256(chain + fixed + sealed + body).digest()
    if first_of_group:
        fixed = fixed[:17] + bytes([flags | 0x80]) + fixed[18:]
    covered = fixed + sealed + body + chain
    return struct.pack('<II', len(covered), zlib.crc32(covered)) + covered, chain


header = b'ASSAYLOG' + struct.pack('<IIQ', 1, 3, 1) + bytes(32)
header = (header + struct.pack('<I', zlib.crc32(header))).ljust(4096, b'\0')
first, chain = record(1, 3, 5, b'sealed', b'a body', True, bytes(32))
second, chain = record(2, 4, 5, b'', b'a body', False, chain)
print(hashlib.sha256((header + first + second).ljust(64 << 10, b'\0')).hexdigest())
