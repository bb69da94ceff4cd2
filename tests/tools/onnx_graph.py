"""Runs the graphs that `assay model export` writes for linear models, by the words of the ONNX specification: the
operators that occur there, in double, a row at a time. So a test needs no ONNX library."""

import math
import struct

FLOAT, INT64, STRING, DOUBLE = 1, 7, 8, 11


def fields(data):
    """(number, value) of each field of a protobuf message: whole numbers, or bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        length = {1: 8, 2: None, 5: 4}[key & 7]
        length = varint() if length is None else length
        yield key >> 3, data[at : at + length]
        at += length


def of(message, number):
    return [v for k, v in fields(message) if k == number]


def tensor(message):
    """(name, values, whether it is a matrix of one column)"""
    kind, name = of(message, 2)[0], (of(message, 8) or [b""])[0].decode()
    dims = [n for v in of(message, 1) for n in ([v] if isinstance(v, int) else list(v))]
    if kind == STRING:
        return name, [v.decode() for v in of(message, 6)], False
    if of(message, 9):
        raw, code = of(message, 9)[0], {FLOAT: "f", INT64: "q", DOUBLE: "d"}[kind]
        values = [v for (v,) in struct.iter_unpack("<" + code, raw)]
    else:
        values = [v for b in of(message, 4) for (v,) in struct.iter_unpack("<f", b)]
    return name, values, len(dims) == 2


class Graph:
    def __init__(self, data):
        graph = of(data, 7)[0]
        self.inputs = [of(i, 1)[0].decode() for i in of(graph, 11)]
        self.constants = {}
        for message in of(graph, 5):
            name, values, _ = tensor(message)
            self.constants[name] = values
        self.nodes = []
        for node in of(graph, 1):
            words = {1: [], 2: [], 4: []}
            attributes = {}
            for number, value in fields(node):
                if number in words:
                    words[number].append(value.decode())
                elif number == 5:
                    attribute = dict(fields(value))
                    attributes[attribute[1].decode()] = attribute
            self.nodes.append((words[4][0], words[1], words[2][0], attributes))

    def run(self, row):
        """`row`: a number (NaN: missing) or text for each input. Gives every tensor by its name."""
        known = dict(self.constants) | {name: [row[name]] for name in self.inputs}
        for op, inputs, output, attributes in self.nodes:
            known[output] = getattr(self, op)(attributes, *(known[i] for i in inputs))
        return known

    @staticmethod
    def wide(a, b):
        n = max(len(a), len(b))
        return zip(a * n if len(a) == 1 else a, b * n if len(b) == 1 else b)

    def Concat(self, _, *parts):
        return [v for part in parts for v in part]

    def IsNaN(self, _, a):
        return [math.isnan(v) for v in a]

    def Where(self, _, condition, yes, no):
        yes = yes * len(no) if len(yes) == 1 else yes
        return [y if c else n for c, y, n in zip(condition, yes, no, strict=True)]

    def Gather(self, attributes, a, places):
        assert attributes["axis"][3] == 1
        return [a[p] for p in places]

    def Sub(self, _, a, b):
        return [x - y for x, y in self.wide(a, b)]

    def Add(self, _, a, b):
        return [x + y for x, y in self.wide(a, b)]

    def Mul(self, _, a, b):
        return [x * y for x, y in self.wide(a, b)]

    def Relu(self, _, a):
        return [max(0.0, v) for v in a]

    def MatMul(self, _, a, b):
        return [math.fsum(x * y for x, y in zip(a, b, strict=True))]

    def Sigmoid(self, _, a):
        return [1 / (1 + math.exp(-v)) for v in a]

    def Cast(self, attributes, a):
        single = attributes["to"][3] == FLOAT
        return [struct.unpack("<f", struct.pack("<f", v))[0] if single else float(v) for v in a]

    def LabelEncoder(self, attributes, a):
        keys, values = (tensor(attributes[n][5])[1] for n in ("keys_tensor", "values_tensor"))
        return [dict(zip(keys, values, strict=True)).get(v, tensor(attributes["default_tensor"][5])[1][0]) for v in a]
