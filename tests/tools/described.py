"""What a server says of itself at /openapi.json, to hold it to: answers against the outlines, and requests made
from them by a seed, valid ones and bent ones."""

import copy
import json
import random
import re
import urllib.parse

import jsonschema

FORMATS = jsonschema.FormatChecker([])
FORMATS.checkers = {
    "date-time": (lambda v: not isinstance(v, str) or bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", v)), ())
}
OPEN = {"Event"}  # an event's own names


class Described:
    def __init__(self, document):
        self.document = document
        closed = copy.deepcopy(document)
        for name, outline in closed["components"]["schemas"].items():
            if "properties" in outline and name not in OPEN:
                outline["additionalProperties"] = False  # in tests nothing may come that is not described
        self.closed = closed
        self.resolver = jsonschema.RefResolver.from_schema(closed)

    def operations(self):
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                yield method.upper(), path, operation

    def answer_of(self, operation, status):
        answers = operation["responses"]
        answer = answers.get(str(status), answers["default"])
        return self.resolve(answer)

    def resolve(self, thing):
        while "$ref" in thing:
            at = self.document
            for part in thing["$ref"].removeprefix("#/").split("/"):
                at = at[part]
            thing = at
        return thing

    def hold(self, operation, status, headers, body):
        """The answer is one of those described; `body` is text."""
        answer = self.answer_of(operation, status)
        kinds = answer.get("content", {})
        if not kinds:
            assert body == "", (status, body)
            return
        sent = headers["Content-Type"].split(";")[0]
        assert sent in kinds, (operation["operationId"], status, sent)
        outline = kinds[sent]["schema"]
        if "json" not in sent:
            assert body
            return
        for line in body.splitlines() if sent.endswith("x-ndjson") else [body]:
            self.check(outline, json.loads(line))

    def check(self, outline, value):
        outline = self.outline_of(outline)
        jsonschema.Draft202012Validator(outline, resolver=self.resolver, format_checker=FORMATS).validate(value)

    def outline_of(self, outline):
        return {**outline, **self.closed} if "$ref" in outline else outline


WORDS = ["", "a", "b1", "c9", "é", "\u0000", "x" * 300, "2018-04-01T00:00:00Z", "yesterday", "-1", "1e999", "null", "'; --", "%s%n", "\ud83d\ude00", "../..", "{}", "0x10"]
ODD = [None, True, False, 0, -1, 1, 2**63, -(2**63), 1e308, 0.1, 12.345678901, "", [], {}, [[]], {"a": {"b": []}}] + WORDS


class Maker:
    """Requests from the description, by a seed."""

    def __init__(self, described, seed, known):
        self.d, self.random, self.known = described, random.Random(seed), known

    def value(self, outline, depth=0):
        r = self.random
        outline = self.d.resolve(outline)
        if depth > 6:
            return None
        for choice in ("oneOf", "anyOf"):
            if choice in outline:
                return self.value(r.choice(outline[choice]), depth + 1)
        if "const" in outline:
            return outline["const"]
        if "enum" in outline:
            return r.choice(outline["enum"])
        kind = outline.get("type")
        kind = r.choice(kind) if isinstance(kind, list) else kind
        if kind == "object":
            wanted = set(outline.get("required", []))
            return {
                k: self.value(v, depth + 1)
                for k, v in outline.get("properties", {}).items()
                if k in wanted or r.random() < 0.7
            }
        if kind == "array":
            return [self.value(outline.get("items", {}), depth + 1) for _ in range(r.randrange(1, 4))]
        if outline.get("format") == "date-time" and kind == "string":
            return f"2018-04-{r.randrange(1, 31):02}T{r.randrange(24):02}:{r.randrange(60):02}:00Z"
        if kind == "integer":
            return r.randrange(outline.get("minimum", -5), outline.get("maximum", 2000) + 1)
        if kind == "number":
            return r.choice([0, 1, 12.5, 999.99, r.uniform(0, 1000)])
        if kind == "boolean":
            return r.random() < 0.5
        if kind == "string":
            return r.choice(self.known + WORDS)
        return r.choice(ODD) if kind is None else None

    def bend(self, value):
        """One thing in it is another."""
        r = self.random
        if isinstance(value, dict) and value and r.random() < 0.8:
            bent, key = dict(value), r.choice(list(value))
            how = r.randrange(4)
            if how == 0:
                del bent[key]
            elif how == 1:
                bent[r.choice(WORDS)] = r.choice(ODD)
            else:
                bent[key] = self.bend(value[key])
            return bent
        if isinstance(value, list) and value and r.random() < 0.8:
            bent = list(value)
            bent[r.randrange(len(bent))] = self.bend(r.choice(bent))
            return bent
        return r.choice(ODD)

    def request(self, method, path, operation):
        """(path, body, headers)"""
        r = self.random
        query, headers = [], {}
        for p in map(self.d.resolve, operation.get("parameters", [])):
            if p["in"] == "path":
                word = r.choice(self.known + WORDS[1:])
                path = path.replace("{%s}" % p["name"], urllib.parse.quote(word.encode("utf-8", "surrogatepass"), safe=""))
            elif r.random() < 0.4:
                value = self.value(p["schema"])
                value = r.choice(ODD) if r.random() < 0.3 else value
                text = value if isinstance(value, str) else json.dumps(value)
                if p["in"] == "query":
                    query.append((p["name"], text))
                elif text.isascii() and text.isprintable():
                    headers[p["name"]] = text
        if query:
            path += "?" + urllib.parse.urlencode(query, errors="surrogatepass")
        body = None
        if "requestBody" in operation:
            kind, content = next(iter(operation["requestBody"]["content"].items()))
            headers["Content-Type"] = kind if r.random() < 0.98 else "text/plain"
            lines = r.randrange(1, 5) if kind.endswith("x-ndjson") else 1
            made = []
            for _ in range(lines):
                value = self.value(content["schema"])
                for _ in range(r.choice([0, 0, 1, 1, 2, 4])):
                    value = self.bend(value)
                made.append(json.dumps(value, ensure_ascii=r.random() < 0.5).encode("utf-8", "surrogatepass"))
            body = b"\n".join(made)
            if r.random() < 0.05:
                at = r.randrange(len(body) + 1)
                body = body[:at] + bytes([r.randrange(256)]) + body[at + 1 :]
        if r.random() < 0.2:
            headers["Accept-Encoding"] = r.choice(["gzip", "gzip;q=0", "br, *;q=0.1", ";;;q=,", "identity;q=0, gzip"])
        return path, body, headers
