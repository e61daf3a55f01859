"""A second decoder of captures, written from SPEC.md alone.

    python3 decode.py FOLDER    compare every capture in it with the JSON beside it
    python3 decode.py CAPTURE   write what it holds as JSON

Needs Python 3.9 and the packages zstandard, lz4 and brotli.
"""

import json
import struct
import sys
import zlib
from pathlib import Path

import brotli
import lz4.block
import zstandard

MAGIC = b"MEMSCOPE\r\n\x1a\n"
SYNC = b"\xf7\x9b\xc3\xa5"
CRITICAL, REPEAT = 1, 2
M64 = (1 << 64) - 1

LIFECYCLE, CONTAINER, ZST, DROP_CHAIN, CALL, HEAP, PERFORMANCE, TASKS, CONTENT = range(1, 10)
TYPE_DISTRIBUTION, FRAGMENTATION_MAP, SECURITY_VIOLATIONS, UNSAFE_FFI, MEMORY_ANALYSIS = range(0x101, 0x106)
RAW = 0x10
SITES, TYPES, HOOKS, THREADS, STRINGS = range(0x201, 0x206)
STACKS, MODULES, DERIVATIONS, RATES = range(0x207, 0x20B)
METADATA, COMMIT, INDEX, FOOTER, CHECKPOINT = 0x301, 0x302, 0x303, 0x304, 0x305
STREAMS = {
    LIFECYCLE: "LIFECYCLE",
    CONTAINER: "CONTAINER",
    ZST: "ZST",
    DROP_CHAIN: "DROP_CHAIN",
    CALL: "CALL",
    HEAP: "HEAP",
    PERFORMANCE: "PERFORMANCE",
    TASKS: "TASKS",
    CONTENT: "CONTENT",
    TYPE_DISTRIBUTION: "TYPE_DISTRIBUTION",
    FRAGMENTATION_MAP: "FRAGMENTATION_MAP",
    SECURITY_VIOLATIONS: "SECURITY_VIOLATIONS",
    UNSAFE_FFI: "UNSAFE_FFI",
    MEMORY_ANALYSIS: "MEMORY_ANALYSIS",
}
TABLES = {
    STRINGS: "strings",
    THREADS: "threads",
    SITES: "sites",
    TYPES: "types",
    HOOKS: "hooks",
    RATES: "rates",
    MODULES: "modules",
    STACKS: "stacks",
    DERIVATIONS: "derivations",
}
KNOWN = {*STREAMS, *TABLES, RAW, METADATA, COMMIT, INDEX, FOOTER, CHECKPOINT}

KINDS = {1: "born", 2: "cloned", 3: "exit", 4: "moved"}
CONTAINERS = ["vec", "string", "hash_map", "b_tree_map", "vec_deque", "box", "rc", "arc"]
REASONS = {1: "birth", 2: "drop", 3: "asked", 4: "exit"}
OUTCOMES = {0: "unknown", 1: "dropped"}
CALL_OUTCOMES = {0: "unknown", 1: "returned", 2: "unwound", 3: "pending", 4: "open"}
HEAP_KINDS = {1: "alloc", 2: "alloc_zeroed", 3: "realloc", 4: "free"}
TASK_KINDS = {1: "started", 2: "completed", 3: "cancelled", 4: "unwound"}
METRICS = dict(
    enumerate(
        "resident_bytes minor_faults major_faults user_time system_time ring_fill drain_cycle drain_time events lost "
        "capture_bytes heap_bytes heap_blocks heap_peak allocations allocated_bytes mark frees "
        "freed_bytes reallocations heap_peak_bound paused held_up".split(),
        1,
    )
)
VIOLATIONS = {1: "use_after_end", 2: "dangling", 3: "double_end", 4: "bad_free", 5: "not_wiped"}
CROSSINGS = {1: "called", 2: "called_back", 3: "given", 4: "taken", 5: "freed_across"}
SEVERITIES = {1: "note", 2: "warning", 3: "error"}
SITE_KINDS = (
    "variable argument type snapshot function async_function return static thread_local constructor".split()
)
ESCAPES = ["dropped", "returned", "captured", "passed"]
VARIANCES = ["covariant", "contravariant", "invariant"]


class Damaged(Exception):
    """Bytes that contradict the specification."""


def need(condition, what):
    if not condition:
        raise Damaged(what)


# Section 1.


def varint(data, at):
    value = 0
    for number in range(10):
        need(at < len(data), "a varint ends early")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << (7 * number)
        if byte < 0x80:
            need(value <= M64, "a varint beyond 64 bits")
            return value, at
    raise Damaged("a varint of more than 10 bytes")


def varints(data):
    at, values = 0, []
    while at < len(data):
        value, at = varint(data, at)
        values.append(value)
    return values


def unzigzag(value):
    return (value >> 1) ^ -(value & 1)


# Section 2.


class Header:
    """A frame header, and where it is."""

    def __init__(self, data, at):
        self.at = at
        (
            self.type,
            self.flags,
            self.codec,
            self.encoding,
            self.version,
            self.seq,
            self.stored,
            self.raw,
            self.rows,
            self.source,
            self.t_min,
            self.t_max,
            self.payload_crc,
        ) = struct.unpack_from("<HHBBHQIIIIQQI", data, at + 8)
        self.end = at + 64 + (self.stored + 7) // 8 * 8


def header_at(data, at, tag):
    """The frame header at a position, if there is one of this file."""
    head = data[at : at + 64]
    if len(head) < 64 or head[:4] != SYNC or (tag and head[4:8] != tag):
        return None
    if zlib.crc32(head[:60]) != struct.unpack_from("<I", head, 60)[0]:
        return None
    header = Header(data, at)
    if header.stored > 16 << 20 or header.raw > 64 << 20 or header.rows > 1 << 20:
        return None
    return header


def payload_of(data, header):
    padded = data[header.at + 64 : header.end]
    need(len(padded) == header.end - header.at - 64, "an incomplete frame")
    need(zlib.crc32(padded) == header.payload_crc, "a payload with another checksum")
    return padded[: header.stored]


def search(data, at, tag):
    while at + 64 <= len(data):
        at = data.find(SYNC, at)
        if at < 0:
            break
        if header_at(data, at, tag):
            return at
        at += 1
    return len(data)


def scan(data, tag):
    """Section 9: hops from frame to frame, and searches for the next where there is none."""
    frames, at, seq = [], 64, 0
    while at < len(data):
        header = header_at(data, at, tag)
        if header and header.end <= len(data):
            tag = tag or data[at + 4 : at + 8]
            if header.seq >= seq:
                frames.append(header)
                seq = header.seq + 1
            at = header.end
        elif header:
            at = search(data, at + 64, tag)
        else:
            start = at + 1
            if frames and frames[-1].end == at:
                try:
                    payload_of(data, frames[-1])
                except Damaged:
                    seq = frames[-1].seq
                    start = frames.pop().at + 64
            at = search(data, start, tag)
    return frames


def is_complete(data, tag):
    footer = header_at(data, len(data) - 64, tag) if len(data) >= 128 else None
    return bool(footer) and (footer.type, footer.stored, footer.t_max) == (FOOTER, 0, len(data))


# Section 4.


def decompress(codec, stored, raw_len):
    try:
        if codec == 0:
            raw = stored
        elif codec == 1:
            raw = lz4.block.decompress(stored, uncompressed_size=raw_len)
        elif codec == 2:
            decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 26)
            raw = decompressor.decompress(stored, max_output_size=max(raw_len, 1))
        elif codec == 3:
            raw = brotli.decompress(stored)
        else:
            raise Damaged(f"codec {codec}")
    except (zstandard.ZstdError, lz4.block.LZ4BlockError, brotli.error) as error:
        raise Damaged(str(error)) from error
    need(len(raw) == raw_len, "another raw length")
    return raw


# Section 5.


def planes(raw, rows):
    need(rows > 0 and len(raw) % rows == 0 and 1 <= len(raw) // rows <= 8, "planes")
    words = [0] * rows
    for place in range(len(raw) // rows):
        plane = raw[place * rows : (place + 1) * rows]
        words = [word | byte << (8 * place) for word, byte in zip(words, plane)]
    return words


def exactly(words, rows):
    need(len(words) == rows, "another number of words")
    return words


def sum_up(differences):
    words, word = [], 0
    for difference in differences:
        word = (word + unzigzag(difference)) & M64
        words.append(word)
    return words


def runs(raw, rows):
    values = varints(raw)
    need(len(values) % 2 == 0, "half a run")
    words = []
    for word, times in zip(values[::2], values[1::2]):
        need(0 < times <= rows - len(words), "a run of the wrong length")
        words += [word] * times
    return exactly(words, rows)


def split(raw, rows):
    need(raw, "no byte for the places")
    places = [place for place in range(8) if raw[-1] >> place & 1]
    end = len(places) * rows
    need(places and end < len(raw), "planes of the wrong length")
    words = runs(raw[end:-1], rows)
    for number, place in enumerate(places):
        need(all(not word >> 8 * place & 0xFF for word in words), "a byte twice")
        plane = raw[number * rows : (number + 1) * rows]
        words = [word | byte << 8 * place for word, byte in zip(words, plane)]
    return words


def columns_of(header, payload):
    """The words of each column, by its id; a coded one as its table."""
    need(len(payload) >= 8, "no directory")
    count, _, crc = struct.unpack_from("<HHI", payload)
    need(count <= 64, "too many columns")
    end = 8 + 16 * count
    directory = payload[:end]
    need(len(directory) == end, "half a directory")
    need(zlib.crc32(directory[:4] + directory[8:]) == crc, "a directory with another checksum")
    columns, at, total = {}, end, end
    for number in range(count):
        column, encoding, codec, stored, raw_len, crc = struct.unpack_from(
            "<HBBIII", payload, 8 + 16 * number
        )
        need(column not in columns, "a column twice")
        part = payload[at : at + stored]
        at += stored
        total += raw_len
        need(zlib.crc32(part) == crc, "a column with another checksum")
        raw = decompress(codec, part, raw_len)
        rows = header.rows
        if encoding == 0:
            values = varints(raw)
            need(len(values) == 1, "not one word")
            words = values * rows
        elif encoding == 1:
            words = planes(raw, rows)
        elif encoding == 2:
            words = exactly(varints(raw), rows)
        elif encoding == 3:
            words = sum_up(exactly(varints(raw), rows))
        elif encoding == 4:
            words = sum_up(planes(raw, rows))
        elif encoding == 5:
            words = runs(raw, rows)
        elif encoding == 6:
            need(column != 0, "coded shapes")
            words = varints(raw)
        elif encoding == 7:
            words = split(raw, rows)
        elif encoding == 8:
            words = sum_up(split(raw, rows))
        else:
            raise Damaged(f"encoding {encoding}")
        columns[column] = (encoding, words)
    need(at == len(payload), "bytes after the columns")
    need(total == header.raw, "another raw length")
    shapes = columns.get(0, (0, [0] * header.rows))[1]
    need(not shapes or max(shapes) < header.rows, "a shape without a row")
    for column, (encoding, words) in columns.items():
        if encoding == 6:
            need(not shapes or max(shapes) < len(words), "a shape without a word")
            words = [words[shape] for shape in shapes]
        columns[column] = words
    return columns


def some(word):
    return word - 1 if word else None


def some_u32(word):
    need(word <= 1 << 32, "a word beyond 32 bits")
    return some(word)


def u32(word):
    need(word < 1 << 32, "a word beyond 32 bits")
    return word


def number(word):
    return word


def flag(word):
    need(word < 2, "neither 0 nor 1")
    return bool(word)


def one_of(names):
    def name(word):
        need(word in names, "an unknown id")
        return names[word]

    return name


CONTAINER_IDS = dict(enumerate(CONTAINERS, 1))
COLUMNS = {
    LIFECYCLE: [
        (1, "ts", number),
        (2, "kind", one_of(KINDS)),
        (3, "site", u32),
        (4, "type", u32),
        (5, "value", number),
        (6, "origin", number),
        (7, "thread", u32),
    ],
    CONTAINER: [
        (1, "ts", number),
        (2, "value", number),
        (3, "site", u32),
        (4, "type", u32),
        (5, "field", u32),
        (6, "kind", one_of(CONTAINER_IDS)),
        (7, "reason", one_of(REASONS)),
        (8, "len", some),
        (9, "capacity", some),
        (10, "element_size", u32),
        (11, "addr", some),
        (12, "strong", some),
        (13, "weak", some),
        (14, "thread", u32),
    ],
    DROP_CHAIN: [
        (1, "ts", number),
        (2, "duration", some),
        (3, "value", number),
        (4, "site", u32),
        (5, "type", u32),
        (6, "depth", u32),
        (7, "outcome", one_of(OUTCOMES)),
        (8, "panicking", flag),
        (9, "thread", u32),
    ],
    CALL: [
        (1, "ts", number),
        (2, "duration", some),
        (3, "site", u32),
        (4, "task", some),
        (5, "depth", u32),
        (6, "outcome", one_of(CALL_OUTCOMES)),
        (7, "thread", u32),
    ],
    HEAP: [
        (1, "ts", number),
        (2, "kind", one_of(HEAP_KINDS)),
        (3, "block", some),
        (4, "addr", number),
        (5, "size", number),
        (6, "old_size", some),
        (7, "align", u32),
        (8, "site", some_u32),
        (9, "stack", some_u32),
        (10, "thread", u32),
    ],
    PERFORMANCE: [
        (1, "ts", number),
        (2, "metric", one_of(METRICS)),
        (3, "subject", number),
        (4, "value", number),
        (5, "thread", some_u32),
    ],
    TASKS: [
        (1, "ts", number),
        (2, "kind", one_of(TASK_KINDS)),
        (3, "task", number),
        (4, "parent", some),
        (5, "site", u32),
        (6, "executor_id", some),
        (7, "thread", u32),
    ],
    CONTENT: [
        (1, "ts", number),
        (2, "value", number),
        (3, "site", u32),
        (4, "type", u32),
        (5, "field", u32),
        (6, "reason", one_of(REASONS)),
        (7, "blocks", some),
        (8, "used_bytes", some),
        (9, "room_bytes", some),
        (10, "unknown", some),
        (11, "shared", some),
        (12, "keys", some),
        (13, "distinct", some),
        (14, "homes", some),
        (15, "fullest", some),
        (16, "buckets", some),
        (17, "thread", u32),
    ],
    TYPE_DISTRIBUTION: [
        (1, "derivation", u32),
        (2, "type", u32),
        (3, "site", u32),
        (4, "born", some),
        (5, "ended", some),
        (6, "alive", some),
        (7, "alive_bytes", some),
        (8, "peak_bytes", some),
    ],
    FRAGMENTATION_MAP: [
        (1, "derivation", u32),
        (2, "ts", number),
        (3, "addr", number),
        (4, "len", number),
        (5, "blocks", number),
        (6, "live_bytes", number),
        (7, "largest_hole", number),
    ],
    SECURITY_VIOLATIONS: [
        (1, "derivation", u32),
        (2, "ts", number),
        (3, "kind", one_of(VIOLATIONS)),
        (4, "site", some_u32),
        (5, "type", some_u32),
        (6, "value", some),
        (7, "addr", some),
        (8, "detail", some_u32),
        (9, "thread", some_u32),
    ],
    UNSAFE_FFI: [
        (1, "derivation", u32),
        (2, "ts", number),
        (3, "kind", one_of(CROSSINGS)),
        (4, "site", some_u32),
        (5, "value", some),
        (6, "addr", some),
        (7, "size", some),
        (8, "detail", some_u32),
        (9, "thread", some_u32),
    ],
    MEMORY_ANALYSIS: [
        (1, "derivation", u32),
        (2, "rule", u32),
        (3, "severity", one_of(SEVERITIES)),
        (4, "site", some_u32),
        (5, "type", some_u32),
        (6, "value", some),
        (7, "count", number),
        (8, "bytes", some),
        (9, "detail", some_u32),
    ],
}
COLUMNS[ZST] = COLUMNS[LIFECYCLE]


WEIGHT = 32767
# What a chunk lacks where its word is 0 in all rows; a row with this word does not say it.
def left_out(bits):
    need(bits < 8, "an unknown thing that was left out")
    return {"left_out": bits} if bits else {}


def old_addr(word):
    return {"old_addr": word - 1} if word else {}


def stack(word):
    return {"stack": word - 1} if word else {}


def spawned_at(word):
    need(word <= 1 << 32, "a text that cannot be")
    return {"spawned_at": word - 1} if word else {}


def spawner(word):
    return {"spawner": word - 1} if word else {}


ADDITIONAL = {
    DROP_CHAIN: [(10, left_out), (11, stack)],
    CALL: [(8, left_out)],
    HEAP: [(11, old_addr)],
    TASKS: [(8, spawned_at), (9, spawner)],
}


def rows_of(header, payload):
    """The rows of a chunk, and how many events each stands for."""
    need((header.encoding, header.codec, header.version) == (2, 0, 1), "another version")
    columns = columns_of(header, payload)
    rows = [{} for _ in range(header.rows)]
    for column, name, meaning in COLUMNS[header.type]:
        need(column in columns, f"no column {name}")
        for row, word in zip(rows, columns[column]):
            row[name] = meaning(word)
    for additional, meaning in ADDITIONAL.get(header.type, []):
        for row, word in zip(rows, columns.get(additional, [])):
            row.update(meaning(word))
    return list(zip(rows, columns.get(WEIGHT, [1] * header.rows)))


# Section 6.2.

PAD, BORN, END, SNAPSHOT, SECOND, CALLED, TASK, CONTENTS, HASHES, ALLOC, FREE, REALLOC = range(12)
WIDE, CLONED, UNREAD, DROPPED, MOVED, EXIT, PANICKING, PENDING, UNTOLD = 0x80, 1, 2, 1, 2, 4, 8, 1, 2


def raw_rows_of(header, payload, tables):
    """The rows of the events in a RAW frame, by stream."""
    need((header.encoding, header.codec, header.version) == (3, 0, 1), "another version")
    need(len(payload) >= 24, "half a head")
    ring, codec, count, crc, thread, slots, first = struct.unpack_from("<HBBIIIQ", payload)
    head = payload[: 24 + 24 * count]
    need(len(head) == 24 + 24 * count, "half a head")
    need(zlib.crc32(head[:4] + head[8:]) == crc, "a head with another checksum")
    need(header.raw == len(head) + 32 * slots and header.rows <= 65536, "another length")
    raw = decompress(codec, payload[len(head) :], 32 * slots)
    words = list(struct.iter_unpack("<QQQQ", raw))
    rows, at, events = {}, 0, 0
    while at < slots:
        position, (ts, word, p0, p1) = first + at, words[at]
        hook_id, kind, flags = word & 0xFFFFFFFF, word >> 32 & 0xFF, word >> 40 & 0xFF
        at += 1
        if kind == PAD:
            continue
        second = None
        if flags & WIDE or kind == SNAPSHOT:
            need(at < slots, "half an event")
            second = words[at]
            at += 1
        if kind in (ALLOC, FREE, REALLOC):
            row = {
                "ts": ts,
                "kind": HEAP_KINDS[{ALLOC: 2 if flags & 0x40 else 1, FREE: 4, REALLOC: 3}[kind]],
                "block": ring << 48 | position & (1 << 48) - 1 if kind == ALLOC else None,
                "addr": p0,
                "size": p1,
                "old_size": None,
                "align": 1 << min(flags & 0x3F, 31),
                "site": hook_id or None,
                "stack": second[0] >> 32 or None if second else None,
                "thread": thread,
            }
            if kind == REALLOC:
                still = (p0, p1 & 0xFFFFFFFF, p1 >> 32)
                moved, row["size"], row["old_size"] = (second[2], p1, second[3]) if second else still
                row |= old_addr(moved + 1)
            weight = max(1, second[0] & 0xFFFFFFFF) if second else 1
            rows.setdefault(HEAP, []).append((row, weight))
            events += 1
            continue
        need(hook_id in tables[HOOKS], "an unknown hook")
        hook = tables[HOOKS][hook_id]
        weight = tables[RATES].get(hook_id, {"one_in": 1})["one_in"]
        if kind == CALLED:
            duration = p1 & (1 << 48) - 1
            row = {
                "ts": ts,
                "duration": None if duration == (1 << 48) - 1 else duration,
                "site": hook["site"],
                "task": p0 or None,
                "depth": p1 >> 48,
                "outcome": CALL_OUTCOMES[
                    2 if flags & PANICKING else 3 if flags & PENDING else 0 if flags & UNTOLD else 1
                ],
                "thread": thread,
            } | left_out(flags >> 4 & 7)
            rows.setdefault(CALL, []).append((row, weight))
            events += 1
            continue
        if kind == TASK:
            need(flags & 7 in TASK_KINDS, "an unknown kind of task event")
            begins = flags & 7 == 1
            row = {
                "ts": ts,
                "kind": TASK_KINDS[flags & 7],
                "task": ring << 48 | position & (1 << 48) - 1 if begins else p0,
                "parent": p0 if begins and p0 else None,
                "site": hook["site"],
                "executor_id": p1 - 1 if p1 else None,
                "thread": thread,
            }
            if begins and second and second[0] & 0xFFFFFFFF:
                row |= spawned_at((second[0] & 0xFFFFFFFF) + 1) | spawner(second[2] + 1 if second[2] else 0)
            rows.setdefault(TASKS, []).append((row, weight))
            events += 1
            continue
        need(hook["type_id"] in tables[TYPES], "an unknown type")
        type_def = tables[TYPES][hook["type_id"]]
        of = {"ts": ts, "site": hook["site"], "type": hook["type_id"], "thread": thread}
        lifecycle = LIFECYCLE if type_def["size"] else ZST
        events += 1

        def state(value, field, reason, container, addr, len_, capacity):
            need(container is not None, "a state of no container")
            counted = container["kind"] in ("rc", "arc")
            has_capacity = container["kind"] in ("vec", "string", "hash_map", "vec_deque")
            row = of | {
                "value": value,
                "field": field,
                "kind": container["kind"],
                "reason": reason,
                "len": None if counted else len_,
                "capacity": capacity if has_capacity else None,
                "element_size": container["element_size"],
                "addr": addr or None,
                "strong": len_ if counted else None,
                "weak": capacity if counted else None,
            }
            rows.setdefault(CONTAINER, []).append((row, weight))

        if kind == BORN:
            value = ring << 48 | position & (1 << 48) - 1
            cloned = flags & CLONED
            row = of | {"kind": "cloned" if cloned else "born", "value": value, "origin": p0 if cloned else 0}
            rows.setdefault(lifecycle, []).append((row, weight))
            if not flags & (CLONED | UNREAD) and type_def["container"] is not None:
                sizes = (p0, second[0]) if second else (p0 & 0xFFFFFFFF, p0 >> 32)
                state(value, 0, REASONS[1], type_def["container"], p1, *sizes)
        elif kind == END and flags & (EXIT | MOVED):
            row = of | {"kind": "moved" if flags & MOVED else "exit", "value": p0, "origin": 0}
            rows.setdefault(lifecycle, []).append((row, weight))
        elif kind == END:
            duration = p1 & (1 << 48) - 1
            row = of | {
                "duration": None if duration == (1 << 48) - 1 else duration,
                "value": p0,
                "depth": p1 >> 48,
                "outcome": OUTCOMES[1 if flags & DROPPED else 0],
                "panicking": bool(flags & PANICKING),
            } | left_out(flags >> 4 & 7)
            if second and second[0] >> 32:
                row["stack"] = second[0] >> 32
            rows.setdefault(DROP_CHAIN, []).append((row, weight))
        elif kind == SNAPSHOT:
            field, reason = second[3] & 0xFFFFFFFF, second[3] >> 32 & 0xFF
            fields = type_def["fields"] or []
            need(reason in REASONS and field <= len(fields), "an unknown snapshot")
            container = fields[field - 1]["container"] if field else type_def["container"]
            state(p0, field, REASONS[reason], container, p1, second[0], second[2])
        elif kind in (CONTENTS, HASHES):
            need(second is not None, "half an event")
            field, reason = second[2] >> 32, flags & 7
            fields = type_def["fields"] or []
            need(reason in REASONS and field <= len(fields), "an unknown content")
            container = fields[field - 1]["container"] if field else type_def["container"]
            need(container is not None, "the content of no container")
            row = dict.fromkeys([name for _, name, _ in COLUMNS[CONTENT]])
            row |= of | {"value": p0, "field": field, "reason": REASONS[reason]}
            low, high = second[0] & 0xFFFFFFFF, second[0] >> 32
            count_or_homes = second[2] & 0xFFFFFFFF
            if kind == CONTENTS:
                row["blocks"] = None if count_or_homes == 0xFFFFFFFF else count_or_homes
                row["used_bytes"], row["room_bytes"] = p1, second[0]
                row["unknown"], row["shared"] = second[3] & 0xFFFFFFFF, second[3] >> 32
            else:
                row["keys"], row["buckets"] = p1, second[3]
                if low or not p1:
                    row["distinct"], row["homes"], row["fullest"] = low, count_or_homes, high
            rows.setdefault(CONTENT, []).append((row, weight))
        else:
            raise Damaged(f"an event of kind {kind}")
    found = [
        (stream, len(of), min(row["ts"] for row, _ in of), max(row["ts"] for row, _ in of))
        for stream, of in sorted(rows.items())
    ]
    said = [struct.unpack_from("<HxxIQQ", head, 24 + 24 * entry) for entry in range(count)]
    need(found == said and events == header.rows, "other events than the head says")
    return rows


# Section 6.


class Records:
    """Reads what bincode wrote."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        need(self.at + count <= len(self.data), "a record ends early")
        self.at += count
        return self.data[self.at - count : self.at]

    def int(self):
        first = self.take(1)[0]
        if first < 251:
            return first
        need(first <= 253, "an integer")
        return int.from_bytes(self.take(1 << (first - 250)), "little")

    def bool(self):
        return flag(self.take(1)[0])

    def str(self):
        try:
            return self.take(self.int()).decode()
        except UnicodeDecodeError as error:
            raise Damaged(str(error)) from error

    def list(self, item):
        return [item() for _ in range(self.int())]

    def option(self, item):
        return item() if self.bool() else None

    def variant(self, names):
        place = self.int()
        need(place < len(names), "an unknown variant")
        return names[place]

    def container(self):
        return {"kind": self.variant(CONTAINERS), "element_size": self.int()}

    def field(self):
        return {
            "name": self.str(),
            "type_name": self.str(),
            "variant": self.option(self.str),
            "offset": self.option(self.int),
            "size": self.int(),
            "align": self.int(),
            "container": self.option(self.container),
            "marker": self.option(self.marker),
        }

    def marker(self):
        variance = lambda: [self.str(), self.option(lambda: self.variant(VARIANCES))]
        return {
            "variance": self.list(variance),
            "send": self.option(self.bool),
            "sync": self.option(self.bool),
        }

    def site(self):
        return {
            "id": self.int(),
            "kind": self.variant(SITE_KINDS),
            "name": self.str(),
            "module": self.str(),
            "file": self.str(),
            "line": self.int(),
            "column": self.int(),
            "tags": self.list(self.str),
            "escape": self.option(lambda: self.variant(ESCAPES)),
        }

    def type(self):
        return {
            "id": self.int(),
            "name": self.str(),
            "size": self.int(),
            "align": self.int(),
            "needs_drop": self.bool(),
            "has_niche": self.bool(),
            "container": self.option(self.container),
            "fields": self.option(lambda: self.list(self.field)),
        }

    def hook(self):
        return {"id": self.int(), "site": self.int(), "type_id": self.int()}

    def rate(self):
        return {"hook": self.int(), "one_in": self.int()}

    def thread(self):
        return {"id": self.int(), "name": self.option(self.str), "os_id": self.option(self.int)}

    def string(self):
        return {"id": self.int(), "text": self.str()}

    def stack(self):
        return {"id": self.int(), "addresses": self.list(self.int), "truncated": self.bool()}

    def module(self):
        return {
            "id": self.int(),
            "path": self.str(),
            "build_id": self.option(self.str),
            "start": self.int(),
            "end": self.int(),
            "bias": self.int(),
        }

    def derivation(self):
        return {
            "id": self.int(),
            "tool": self.str(),
            "version": self.str(),
            "frames": self.list(lambda: [self.int(), self.int()]),
            "made_unix_ns": self.int(),
        }

    def reading(self):
        return {"ticks": self.int(), "mono_ns": self.int()}

    def tally(self):
        return {
            "frame_type": self.int(),
            "chunks": self.int(),
            "rows": self.int(),
            "bytes": self.int(),
            "lost": self.int(),
        }

    def checkpoint(self):
        return {
            "previous": self.option(self.int),
            "index": self.int(),
            "repeated": self.option(self.int),
            "streams": self.list(self.tally),
        }

    def metadata(self):
        return {
            "program": self.str(),
            "args": self.list(self.str),
            "pid": self.int(),
            "exe": self.str(),
            "memscope_version": self.str(),
            "target": self.str(),
            "started_unix_ns": self.int(),
            "clock_source": self.str(),
            "clock": [self.reading(), self.reading()],
            "ring_capacity": self.int(),
            "labels": self.list(lambda: [self.str(), self.str()]),
        }


def records_of(header, payload, skip=0):
    need((header.encoding, header.version) == (1, 1), "another version")
    records = Records(decompress(header.codec, payload, header.raw)[skip:])
    item = {
        SITES: records.site,
        TYPES: records.type,
        HOOKS: records.hook,
        RATES: records.rate,
        THREADS: records.thread,
        STRINGS: records.string,
        STACKS: records.stack,
        MODULES: records.module,
        DERIVATIONS: records.derivation,
        METADATA: records.metadata,
        CHECKPOINT: records.checkpoint,
    }[header.type]
    found = [item() for _ in range(header.rows)]
    need(records.at == len(records.data), "bytes after the records")
    return found


# Section 7.


def frames_of_chain(data, tag, at):
    """The offsets of all frames that a checkpoint and those before it name, ascending."""
    links = []
    while at is not None:
        header = header_at(data, at, tag)
        need(header and header.type == CHECKPOINT, "no checkpoint where one should be")
        checkpoint = records_of(header, payload_of(data, header))[0]
        need(checkpoint["index"] <= at, "an index behind its checkpoint")
        named, index_frames, index = [], [], checkpoint["index"]
        while index < at:
            frame = header_at(data, index, tag)
            need(frame and frame.type == INDEX, "no index where one should be")
            index_frames.append(index)
            rows = columns_of(frame, payload_of(data, frame))
            for row in zip(*(rows[column] for column in range(1, 10))):
                there = header_at(data, row[0], tag)
                need(there, "no frame where one is named")
                fields = (there.type, there.flags, there.seq, there.stored, there.rows)
                need(row[1:6] == fields, "another frame than is named")
                times = (there.source, there.t_min, there.t_max)
                need(row[6:] == times, "a frame of other times than is named")
                named.append(row[0])
            index = frame.end
        need(index == at, "an index that does not end where its checkpoint begins")
        links.append([*named, *index_frames, at])
        need(checkpoint["previous"] is None or checkpoint["previous"] < at, "a loop")
        at = checkpoint["previous"]
    return [offset for link in reversed(links) for offset in link]


# The whole file.


def tag_of(data):
    """The tag of the file: by its header, or by a frame if that is damaged."""
    head = data[:64]
    if head[:12] == MAGIC and zlib.crc32(head[:60]) == struct.unpack_from("<I", head, 60)[0]:
        major, minor, incompat = struct.unpack_from("<HHQ", head, 12)
        need((major, minor) == (0, 3), f"format {major}.{minor}")
        need(incompat == 0, f"features {incompat:#x}")
        return head[32:36]
    at = 64 if header_at(data, 64, None) else search(data, 0, None)
    need(at < len(data) and (at == 64 or head[:12] == MAGIC), "not a capture")
    return data[at + 4 : at + 8]


def decode(data):
    tag = tag_of(data)
    tables = {frame_type: {} for frame_type in TABLES}
    rows = {name: [] for name in STREAMS.values()}
    metadata = None
    frames = scan(data, tag)
    for header in frames:
        need(header.type in KNOWN or not header.flags & CRITICAL, "an unknown critical frame")
        try:
            payload = payload_of(data, header)
            if header.type in STREAMS:
                rows[STREAMS[header.type]] += rows_of(header, payload)
            elif header.type == RAW:
                for stream, found in raw_rows_of(header, payload, tables).items():
                    rows[STREAMS[stream]] += found
            elif header.type in tables:
                for record in records_of(header, payload):
                    tables[header.type][record["hook" if header.type == RATES else "id"]] = record
            elif header.type == METADATA:
                metadata = records_of(header, payload, 64)[-1]
        except Damaged as damage:
            print(f"frame {header.seq}: {damage}", file=sys.stderr)
    in_order = lambda table: [table[id] for id in sorted(table)]
    defs = {name: in_order(tables[frame_type]) for frame_type, name in TABLES.items()}
    if not defs["rates"]:
        del defs["rates"]
    weights = {name: [weight for _, weight in found] for name, found in rows.items()}
    weights = {name: found for name, found in weights.items() if any(weight != 1 for weight in found)}
    return {
        "metadata": metadata,
        "defs": defs,
        "complete": is_complete(data, tag),
        "rows": {name: [row for row, _ in found] for name, found in rows.items()},
    } | ({"weights": weights} if weights else {})


def check_index(data):
    """The chain of checkpoints names the frames that hopping finds, and the footer the newest of them."""
    tag = tag_of(data)
    frames = scan(data, tag)
    newest = [frame.at for frame in frames if frame.type == CHECKPOINT][-1:]
    if is_complete(data, tag):
        need([struct.unpack_from("<Q", data, len(data) - 24)[0]] == newest, "another checkpoint")
    for at in newest:
        there = [frame.at for frame in frames if frame.at <= at]
        need(frames_of_chain(data, tag, at) == there, "an index that is not of all frames")


def main():
    path = Path(sys.argv[1])
    if not path.is_dir():
        json.dump(decode(path.read_bytes()), sys.stdout)
        return 0
    captures = sorted(path.glob("*.memscope"))
    wrong = 0
    for capture in captures:
        expected = json.loads(capture.with_name(capture.stem + ".json").read_text())
        same = decode(capture.read_bytes()) == expected
        if not capture.name.startswith("damage"):
            check_index(capture.read_bytes())
        print(f"{capture.name}: {'as expected' if same else 'DIFFERENT'}")
        wrong += not same
    return 1 if wrong or not captures else 0


if __name__ == "__main__":
    sys.exit(main())
