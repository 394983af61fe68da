"""Read a format's output back by a parser of someone else's, and compare it value by value.

    python3 tests/lib/readback.py FORMAT ROWS OUTPUT

ROWS: the first line is a list of column names, each other one a row, as Python literals: texts are
bytes, unknown is None, ("nan",) and the like stand for what no number is. Prints what differs, and
ends with status 1 then.
"""

import ast
import csv
import json
import re
import sys

ODD = {"nan": None, "inf": None, "-inf": None}


def text(raw):
    """Bytes as text: what is no UTF-8 as \\xNN."""
    return raw.decode("utf-8", "backslashreplace")


# Unicode 15.1: Default_Ignorable_Code_Point, Bidi_Control, Zl, Zp, interlinear annotations.
HIDDEN = [(0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
          (0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F),
          (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A),
          (0xE0000, 0xE0FFF)]


def is_control(char):
    """What may not be shown: controls, and what has no width or turns the direction."""
    code = ord(char)
    if code < 0xA0:
        return code < 0x20 or code >= 0x7F
    return any(first <= code <= last for first, last in HIDDEN)


def hex_controls(string):
    return "".join(
        "".join("\\x%02x" % b for b in c.encode()) if is_control(c) else c for c in string)


def number(value):
    """A number's one text: as short as it reads back, whole ones without an exponent."""
    if float(value).is_integer() and abs(value) <= 2**53:
        return "%d" % value
    return value


def plain(value):
    """A list or a histogram in a format that has only texts."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        if value and isinstance(value[0], dict) and "count" in value[0]:
            return " ".join("%s..%s:%s" % (number(b["from"]), number(b["to"]), number(b["count"]))
                            for b in value if b["count"])
        return ",".join("%s/%s" % (i.get("pid", "?"), i.get("fd", "?")) if isinstance(i, dict)
                        else plain_item(i) for i in value)
    return None


def plain_item(item):
    return hex_controls(text(item)) if isinstance(item, bytes) else str(number(item))


def as_json(value):
    if isinstance(value, bytes):
        return text(value)
    if isinstance(value, tuple):
        return ODD[value[0]]
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {text(key) if isinstance(key, bytes) else key: as_json(item) for key, item in value.items()}
    return value


def digits(number_text):
    return len(re.sub(r"e.*|[-.]", "", number_text).strip("0"))


def same_number(got, want):
    """The text of a number reads back as the number; of a whole one it is the plain digits, of another
    one it has no more digits than it takes."""
    shortest = number(want)
    if isinstance(shortest, str):
        return got == shortest
    # Of what is next to 0 fewer digits would do.
    if not re.match(r"-?[0-9.]+(e[-+][0-9]+)?$", got):
        return False
    return float(got) == want and (digits(got) <= digits(repr(float(want))) or abs(want) < sys.float_info.min)


def same_text(want, got, render):
    if want is None or isinstance(want, tuple):
        return got == ""
    if isinstance(want, (list, bool)):
        return got == plain(want)
    if isinstance(want, bytes):
        return got == render(want)
    return same_number(got, want)


def differences(names, rows, got_rows, same):
    if len(got_rows) != len(rows):
        yield "%d rows, %d are expected" % (len(got_rows), len(rows))
    for i, (want, got) in enumerate(zip(rows, got_rows)):
        if len(got) != len(want):
            yield "row %d has %d fields, %d are expected" % (i + 1, len(got), len(want))
        for name, w, g in zip(names, want, got):
            if not same(w, g):
                yield "row %d, %s: got %r, want %r" % (i + 1, name, g, w)


def no_controls(raw, allowed):
    for i, char in enumerate(raw.decode("utf-8")):
        if is_control(char) and char not in allowed:
            yield "a control byte %r at %d" % (char, i)


def read_objects(objects, names):
    keys = [text(n) for n in names]
    for i, pairs in enumerate(objects):
        if [k for k, _ in pairs] != keys:
            yield "row %d has the keys %r" % (i + 1, [k for k, _ in pairs])


def pairs_of(text_of_json, whole):
    def hook(pairs):
        return Pairs(pairs)
    loads = json.JSONDecoder(object_pairs_hook=hook, parse_constant=lambda c: 1 / 0).decode
    return loads(text_of_json) if whole else [loads(l) for l in text_of_json.split("\n") if l]


class Pairs(list):
    """The keys and values of an object in their order."""


def unpaired(value):
    if isinstance(value, Pairs):
        return {k: unpaired(v) for k, v in value}
    return [unpaired(v) for v in value] if isinstance(value, list) else value


def check_json(raw, names, rows, whole):
    objects = pairs_of(raw.decode("utf-8"), whole)
    yield from read_objects(objects, names)
    got = [[unpaired(v) for _, v in pairs] for pairs in objects]

    def same(want, value):
        want = as_json(want)
        return value == want and isinstance(value, bool) == isinstance(want, bool)
    yield from differences(names, rows, got, same)
    if not raw.endswith(b"\n") and (whole or rows):
        yield "the last line has no end"


def check_csv(raw, names, rows):
    if raw.count(b"\n") != raw.count(b"\r\n"):
        yield "a line does not end in CR LF"
    lines = raw.decode("utf-8").split("\r\n")
    csv.field_size_limit(2**31)
    got = list(csv.reader((line + "\r\n" for line in lines[:-1]), strict=True))

    def render(value):
        return hex_controls(text(value))
    if got[0] != [render(n) for n in names]:
        yield "the header is %r" % got[0]
    yield from differences(names, rows, got[1:], lambda w, g: same_text(w, g, render))
    yield from no_controls(raw, "\r\n")


SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}


def escaped(raw):
    """As the table does it: reads back without doubt."""
    return "".join("\\x%02x" % (ord(c) - 0xDC00) if 0xDC80 <= ord(c) <= 0xDCFF else SHORT.get(c) or hex_controls(c)
                   for c in raw.decode("utf-8", "surrogateescape"))


def check_tsv(raw, names, rows):
    got = [line.split("\t") for line in raw.decode("utf-8").split("\n")]
    if got.pop() != [""]:
        yield "the last line has no end"
    if got[0] != [escaped(n) for n in names]:
        yield "the header is %r" % got[0]
    yield from differences(names, rows, got[1:], lambda w, g: same_text(w, g, escaped))
    yield from no_controls(raw, "\t\n")


def check_records(raw, names, rows):
    got, width = [], None
    for line in raw.decode("utf-8").split("\n")[:-1]:
        if re.match(r"-\[ RECORD %d \]-*\+-+$" % (len(got) + 1), line) and (not got or len(got[-1]) == len(names)):
            got.append([])
            continue
        name = escaped(names[len(got[-1])])
        if not line.startswith(name):
            yield "the line %r, where %r is expected" % (line, name)
        width = width or line.index(" | ")
        got[-1].append(line[line.index(" | ", len(name)) + 3:])

    def same(want, value):
        if want is None or isinstance(want, tuple):
            return value == "-"
        return same_text(want, value, escaped)
    yield from differences(names, rows, got, same)
    yield from no_controls(raw, "\n")


CHECKS = {
    "json": lambda raw, names, rows: check_json(raw, names, rows, True),
    "ndjson": lambda raw, names, rows: check_json(raw, names, rows, False),
    "csv": check_csv, "tsv": check_tsv, "records": check_records,
}


def main():
    kind, rows_path, output_path = sys.argv[1:]
    with open(rows_path, "rb") as file:
        rows = [ast.literal_eval(line.decode("ascii")) for line in file]
    with open(output_path, "rb") as file:
        raw = file.read()
    found = list(CHECKS[kind](raw, rows[0], rows[1:]))
    for difference in found[:10]:
        print(difference)
    print("%d rows, %d differences" % (len(rows) - 1, len(found)))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
