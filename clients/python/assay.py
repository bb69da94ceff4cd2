"""A client of Assay's HTTP API in one file, of the standard library only (Python 3.9 or later).

    from assay import Client

    client = Client("http://127.0.0.1:8080", key="ask_...")
    answer = client.decide({"transaction_id": "t1", "timestamp": "2026-04-30T01:13:55Z", "amount": 480})
    if answer["outcome"] != "approve":
        print(answer["reasons"])
    client.label("t1", "fraud", source="chargeback")

Answers are plain dicts as the service gives them (docs/http-api.md); lists are iterators of dicts that
fetch page after page. What the service refuses is raised as an Error by its status.

Repeating is safe: a request that got no answer, 429 or 503 is sent again with the same Idempotency-Key,
after what Retry-After says or a growing pause. A Client may be used by several threads: each has its own
connection.
"""

from __future__ import annotations

import email.utils
import gzip
import http.client
import json
import os
import random
import re
import socket
import ssl
import threading
import time
import urllib.parse
import uuid
from datetime import datetime, timezone
from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

__all__ = [
    "Client", "FieldError", "Error", "BadRequest", "Unauthorized", "Forbidden", "NotFound", "Conflict", "TooLarge",
    "InvalidFields", "TooManyRequests", "ServerError", "Unavailable", "NoAnswer", "JobFailed", "flat", "to_pandas",
]

Row = Dict[str, Any]
Time = Union[str, datetime]

BATCH_LINES = 5000  # of one request of decide_many; the service takes 100,000
BATCH_BYTES = 8 << 20  # and 64 MiB
ANSWER_BYTES_MAX = 1 << 30
PAUSE_FIRST, PAUSE_MOST = 0.1, 10.0  # seconds before the first repetition; it doubles


class FieldError(NamedTuple):
    """A field that is not valid: where (a JSON pointer such as /amount) and why."""

    pointer: str
    detail: str


class Error(Exception):
    """The service refused. `problem` is its application/problem+json."""

    def __init__(self, status: int, problem: Mapping[str, Any], retry_after: Optional[float] = None):
        self.status = status
        self.problem = dict(problem)
        self.type: str = self.problem.get("type", "about:blank")
        self.title: str = self.problem.get("title", http.client.responses.get(status, "refused"))
        self.detail: str = self.problem.get("detail", "")
        self.request_id: Optional[str] = self.problem.get("request_id")
        self.line: Optional[int] = self.problem.get("line")
        self.retry_after = retry_after
        self.errors: List[FieldError] = [
            FieldError(e.get("pointer", ""), e.get("detail", "")) for e in self.problem.get("errors", [])
        ]
        fields = "; ".join(f"{e.pointer}: {e.detail}" for e in self.errors)
        super().__init__(f"{status} {self.title}: {fields or self.detail}")


class BadRequest(Error):
    """400: the body, a query or a header cannot be read."""


class Unauthorized(Error):
    """401: no key, or one that is not known."""


class Forbidden(Error):
    """403: the key's roles do not allow it."""


class NotFound(Error):
    """404: no such decision, event, list, model, job or entity."""


class Conflict(Error):
    """409: another event has this id; a job runs already."""


class TooLarge(Error):
    """413: the request is too large."""


class InvalidFields(Error):
    """422: `errors` has each field and why."""


class TooManyRequests(Error):
    """429, and it stayed so over all repetitions."""


class ServerError(Error):
    """5xx."""


class Unavailable(ServerError):
    """503, and it stayed so over all repetitions."""


class NoAnswer(Exception):
    """No connection, or it broke before the answer, over all repetitions."""


class JobFailed(Exception):
    """A job ended without a result; `job` is what the service says of it."""

    def __init__(self, job: Row):
        self.job = job
        super().__init__(f"{job.get('kind')} {job.get('state')}: {job.get('error', '')}")


KINDS = {
    400: BadRequest, 401: Unauthorized, 403: Forbidden, 404: NotFound, 409: Conflict, 413: TooLarge, 422: InvalidFields,
    429: TooManyRequests, 503: Unavailable,
}


def _error(status: int, problem: Any, retry_after: Optional[float] = None) -> Error:
    if not isinstance(problem, dict):
        problem = {"detail": str(problem)[:1000]}
    return KINDS.get(status, ServerError if status >= 500 else Error)(status, problem, retry_after)


def _seconds(header: Optional[str]) -> Optional[float]:
    """Retry-After: seconds or a date."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def _plain(value: Any) -> Any:
    """What json does not know: times, decimals, UUIDs, numbers of numpy."""
    if isinstance(value, datetime):
        return _time(value)
    if hasattr(value, "item"):
        return value.item()
    return str(value)


def _dump(value: Any) -> bytes:
    return json.dumps(value, default=_plain, allow_nan=False, separators=(",", ":"), ensure_ascii=False).encode()


def _time(value: Optional[Time]) -> Optional[str]:
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone: add tzinfo=timezone.utc, or what it is in")
    return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def _part(value: Any) -> str:
    return urllib.parse.quote(str(value), safe="")


def _fields(names: Optional[Sequence[str]]) -> Optional[str]:
    return None if names is None else names if isinstance(names, str) else ",".join(names)


class Client:
    """One service.

    url      http://host:port or https://host:port, maybe with a path before /v1
    key      an API key (`assay key create`) or a JWT; default the environment's ASSAY_KEY
    timeout  seconds for connecting and for each read
    retries  how often a request is sent again that got no answer, 429 or 503
    ca       file of certificates that are trusted instead of the system's (TLS)
    cert     (certificate, key) files of this client, where something before the service wants them
    """

    def __init__(self, url: str = "http://127.0.0.1:8080", key: Optional[str] = None, *, timeout: float = 30.0,
                 retries: int = 4, ca: Optional[str] = None, cert: Optional[Tuple[str, str]] = None):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"{url!r}: expected http://host:port or https://host:port")
        if parts.username is not None:
            raise ValueError("the URL holds a name or a password: give the key as key=")
        key = key if key is not None else os.environ.get("ASSAY_KEY")
        if key is not None and not re.fullmatch(r"[\x21-\x7e]+", key):
            raise ValueError("the key has letters that no key has (a line end?)")
        self.url, self.timeout, self.retries = url.rstrip("/"), timeout, retries
        self._parts, self._key = parts, key
        self._tls: Optional[ssl.SSLContext] = None
        if parts.scheme == "https":
            self._tls = ssl.create_default_context(cafile=ca)
            if cert is not None:
                self._tls.load_cert_chain(*cert)
        self._local = threading.local()

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Closes this thread's connection; the next request opens another."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
        self._local.connection = None

    # ---- requests

    def _connection(self) -> http.client.HTTPConnection:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            host, port = self._parts.hostname, self._parts.port
            if self._tls is not None:
                connection = http.client.HTTPSConnection(host, port, timeout=self.timeout, context=self._tls)
            else:
                connection = http.client.HTTPConnection(host, port, timeout=self.timeout)
            connection.connect()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._local.connection = connection
        return connection

    def _once(self, method: str, target: str, body: Optional[bytes], headers: Mapping[str, str]) -> Tuple[int, Any, bytes]:
        try:
            connection = self._connection()
            connection.request(method, self._parts.path.rstrip("/") + target, body, dict(headers))
            answer = connection.getresponse()
            raw = answer.read(ANSWER_BYTES_MAX)
            if answer.will_close:
                self.close()
        except BaseException:
            self.close()
            raise
        if answer.headers.get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        return answer.status, answer.headers, raw

    def request(self, method: str, path: str, body: Any = None, *, query: Optional[Mapping[str, Any]] = None,
                idempotency_key: Optional[str] = None, content_type: str = "application/json") -> Any:
        """Any request of docs/http-api.md: the answer's JSON (its text where it is none). Raises Error and NoAnswer."""
        given = {k: v for k, v in (query or {}).items() if v is not None}
        for name, value in given.items():
            given[name] = str(value).lower() if isinstance(value, bool) else value
        target = path + ("?" + urllib.parse.urlencode(given) if given else "")
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "assay-python"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        if method != "GET":
            headers["Idempotency-Key"] = idempotency_key or str(uuid.uuid4())
        raw = body if isinstance(body, bytes) or body is None else _dump(body)
        if raw is not None:
            headers["Content-Type"] = content_type
        status, answer_headers, text = self._until_answered(method, target, raw, headers)
        kind = answer_headers.get_content_type()
        value = json.loads(text) if kind.endswith("json") and "nd" not in kind else text.decode("utf-8", "replace")
        if status >= 400:
            raise _error(status, value, _seconds(answer_headers.get("Retry-After")))
        return value

    def _until_answered(self, method: str, target: str, body: Optional[bytes],
                        headers: Mapping[str, str]) -> Tuple[int, Any, bytes]:
        pause = PAUSE_FIRST
        for left in range(self.retries, -1, -1):
            wait: Optional[float] = None
            try:
                status, answered, text = self._once(method, target, body, headers)
                if status not in (429, 503) or left == 0:
                    return status, answered, text
                wait = _seconds(answered.get("Retry-After"))
            except ssl.SSLCertVerificationError:
                raise
            except (OSError, http.client.HTTPException) as e:
                if left == 0:
                    raise NoAnswer(f"{method} {self.url}{target}: {e or type(e).__name__}") from e
            # At least what the service asks for; between half and all of the pause, so that callers part.
            time.sleep(max(wait or 0.0, pause * random.uniform(0.5, 1.0)))
            pause = min(2 * pause, PAUSE_MOST)
        raise AssertionError("unreachable")

    def _pages(self, path: str, rows: str, query: Mapping[str, Any], limit: Optional[int]) -> Iterator[Row]:
        """At most `limit` rows, page by page."""
        cursor: Optional[str] = None
        while limit is None or limit > 0:
            size = 500 if limit is None else min(limit, 500)
            page = self.request("GET", path, query={**query, "limit": size, "cursor": cursor})
            yield from page[rows]
            cursor = page.get("next")
            if cursor is None:
                return
            if limit is not None:
                limit -= len(page[rows])

    # ---- decisions

    def decide(self, event: Mapping[str, Any], *, explain: bool = False, dry_run: bool = False,
               idempotency_key: Optional[str] = None) -> Row:
        """Decides one event. The same event again gets its first answer, with "repeated": true."""
        return self.request("POST", "/v1/decisions", dict(event), idempotency_key=idempotency_key,
                            query={"explain": explain or None, "dry_run": dry_run or None})

    def decide_many(self, events: Iterable[Mapping[str, Any]], *, explain: bool = False, dry_run: bool = False,
                    lines: int = BATCH_LINES, raises: bool = True) -> Iterator[Row]:
        """Decides events in their order: an answer for each. They are sent by `lines` (and 8 MiB) a request, so any
        iterable does, however long. An event that is refused raises, after the answers before it; those behind it in
        the same request were decided. With raises=False its problem, which has "status" and "line", is the answer."""
        if not 1 <= lines <= 100_000:
            raise ValueError("lines: expected 1 to 100000")
        sent = 0
        for part in _parts(events, lines):
            for i, answer in enumerate(self._decide_part(part, explain, dry_run)):
                if "status" in answer and "outcome" not in answer and "line" in answer:
                    answer["line"] = sent + i + 1
                    if raises:
                        raise _error(answer["status"], answer)
                yield answer
            sent += len(part)

    def _decide_part(self, part: List[bytes], explain: bool, dry_run: bool) -> List[Row]:
        """A line that found the queue full (429) is sent again, with all lines behind it, so that the order stays: those
        that were decided give their first answer again."""
        key = str(uuid.uuid4())
        pause = PAUSE_FIRST
        for left in range(self.retries, -1, -1):
            text = self.request("POST", "/v1/decisions:batch", b"\n".join(part) + b"\n", idempotency_key=key,
                                content_type="application/x-ndjson",
                                query={"explain": explain or None, "dry_run": dry_run or None})
            answers = [json.loads(line) for line in text.splitlines() if line]
            if len(answers) != len(part):
                raise NoAnswer(f"{len(part)} events sent, {len(answers)} answers came")
            if left == 0 or not any(a.get("status") in (429, 503) and "line" in a for a in answers):
                return answers
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, PAUSE_MOST)
        raise AssertionError("unreachable")

    def decision(self, event_id: Any) -> Row:
        """One decision with its inputs, reasons and label."""
        return self.request("GET", f"/v1/decisions/{_part(event_id)}")

    def explanation(self, event_id: Any) -> Row:
        """Why: all contributions, each value among those of all and of the entity itself."""
        return self.request("GET", f"/v1/decisions/{_part(event_id)}/explanation")

    def decisions(self, *, limit: Optional[int] = None, sort: Optional[str] = None, since: Optional[Time] = None,
                  until: Optional[Time] = None, received_from: Optional[Time] = None, received_to: Optional[Time] = None,
                  outcome: Optional[str] = None, level: Optional[str] = None, rule: Optional[str] = None,
                  label: Union[bool, str, None] = None, entity: Optional[str] = None, min_score: Optional[int] = None,
                  max_score: Optional[int] = None, fields: Optional[Sequence[str]] = None) -> Iterator[Row]:
        """Decisions, newest first or as `sort` says (time, -score, score), with event time from `since` on and before
        `until`. label: True, False, or "null" for those without; entity: "customer:c-1029"."""
        query = {
            "sort": sort, "from": _time(since), "to": _time(until), "received_from": _time(received_from),
            "received_to": _time(received_to), "outcome": outcome, "level": level, "rule": rule, "label": label,
            "entity": entity, "min_score": min_score, "max_score": max_score, "fields": _fields(fields),
        }
        return self._pages("/v1/decisions", "decisions", query, limit)

    def events(self, *, limit: int = 50, since: Optional[Time] = None, until: Optional[Time] = None,
               fields: Optional[Sequence[str]] = None) -> Iterator[Row]:
        """The riskiest events of the log (at most 1,000), those of the history too, decided again by the plan in force."""
        query = {"from": _time(since), "to": _time(until), "limit": limit, "fields": _fields(fields)}
        yield from self.request("GET", "/v1/events", query=query)["events"]

    def event(self, event_id: Any) -> Row:
        """One event of the log, decided again by the plan in force: with `features` and `reasons`. Nothing is recorded."""
        return self.request("POST", f"/v1/events/{_part(event_id)}:decide", {})

    # ---- labels

    def label(self, event_id: Any, label: Union[bool, int, str], *, source: Optional[str] = None,
              time: Optional[Time] = None, idempotency_key: Optional[str] = None) -> Row:
        """What an event turned out to be: True, False, "fraud" or "legit". `time`: since when that is known."""
        row = {"id": str(event_id), "label": label, "source": source, "time": _time(time)}
        return self._label_one(row, idempotency_key)

    def labels(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
        """Many: dicts with id, label, and maybe source, time, reversal; what became of each, in their order: its
        "status" is 200, 404 where there is no such event, or what else was wrong with it."""
        part: List[Mapping[str, Any]] = []
        for row in rows:
            part.append(row)
            if len(part) == 1000:
                yield from self._label(part, None)
                part = []
        if part:
            yield from self._label(part, None)

    def unlabel(self, event_id: Any, *, source: Optional[str] = None) -> Row:
        """Takes the label back."""
        return self._label_one({"id": str(event_id), "reversal": True, "source": source}, None)

    def _label_one(self, row: Mapping[str, Any], key: Optional[str]) -> Row:
        told = self._label([row], key)[0]
        if told.get("status", 200) >= 400:
            raise _error(told["status"], told)
        return told

    def _label(self, rows: List[Mapping[str, Any]], key: Optional[str]) -> List[Row]:
        body = [{k: _time(v) if k == "time" else v for k, v in row.items() if v is not None} for row in rows]
        answer = self.request("POST", "/v1/labels", body, idempotency_key=key)
        return answer["results"]

    # ---- entities, features

    def entity(self, kind: str, entity_id: Any, *, limit: int = 50) -> Row:
        """An entity: its features now, the lists it is on, its newest decisions."""
        return self.request("GET", f"/v1/entities/{_part(kind)}/{_part(entity_id)}", query={"limit": limit})

    def features(self) -> List[Row]:
        """The data dictionary of the plan in force: a row for each feature."""
        return self.request("GET", "/v1/features")["features"]

    def settings(self) -> Row:
        """The settings in force, as YAML with where each came from."""
        return self.request("GET", "/v1/settings")

    def reload(self) -> Row:
        """Brings changed settings, rules, lists and models into force; waits until that has happened."""
        return self.wait(self.request("POST", "/v1/settings:reload", {}))

    # ---- lists

    def lists(self) -> List[Row]:
        return self.request("GET", "/v1/lists")["lists"]

    def list_entries(self, name: str, *, limit: Optional[int] = None) -> Iterator[Row]:
        return self._pages(f"/v1/lists/{_part(name)}", "items", {}, limit)

    def list_add(self, name: str, values: Union[str, int, float, Iterable[Any]], *, expires: Optional[Time] = None,
                 note: Optional[str] = None, by: Optional[str] = None) -> Row:
        """Values on a list, at most 1,000, all or none. expires: "7d", a time or "never"; default what the list says."""
        return self._change_list(name, values, {"expires": _time(expires), "note": note}, by)

    def list_remove(self, name: str, values: Union[str, int, float, Iterable[Any]], *, note: Optional[str] = None,
                    by: Optional[str] = None) -> Row:
        return self._change_list(name, values, {"remove": True, "note": note}, by)

    def _change_list(self, name: str, values: Any, more: Row, by: Optional[str]) -> Row:
        several = [values] if isinstance(values, (str, int, float)) else list(values)
        more = {k: v for k, v in more.items() if v is not None}
        return self.request("POST", f"/v1/lists/{_part(name)}/entries", [{"value": v, **more} for v in several],
                            query={"by": by})

    # ---- rules, models, jobs

    def backtest(self, rules: Mapping[str, Mapping[str, Any]], *, since: Optional[Time] = None,
                 until: Optional[Time] = None, progress: Any = None) -> Row:
        """What rules would have done: {"JUMP": {"when": "amount > 100", "then": "review"}}. Waits for the result."""
        body = {"rules": {k: dict(v) for k, v in rules.items()}, "from": _time(since), "to": _time(until)}
        job = self.request("POST", "/v1/rules:backtest", {k: v for k, v in body.items() if v is not None})
        return self.wait(job, progress=progress)["result"]

    def models(self) -> List[Row]:
        return self.request("GET", "/v1/models")["models"]

    def model(self, name: str = "champion") -> Row:
        return self.request("GET", f"/v1/models/{_part(name)}")

    def promote(self, name: str, *, role: Optional[str] = None, force: bool = False, by: Optional[str] = None) -> Row:
        """Makes a model champion, or challenger or shadow (`role`); in force from the next reload on."""
        return self.request("POST", f"/v1/models/{_part(name)}:promote", {},
                            query={"as": role, "force": force or None, "by": by})

    def train(self, *, wait: bool = True, reload: bool = False, force: bool = False, progress: Any = None) -> Row:
        """Trains by the settings: the job, ended where `wait`."""
        job = self.request("POST", "/v1/models:train", {}, query={"reload": reload or None, "force": force or None})
        return self.wait(job, progress=progress) if wait else job

    def job(self, job_id: Any) -> Row:
        return self.request("GET", f"/v1/jobs/{_part(job_id)}")

    def wait(self, job: Union[str, Mapping[str, Any]], *, timeout: Optional[float] = None, progress: Any = None) -> Row:
        """Waits until the job has ended; JobFailed where it has no result, TimeoutError after `timeout` seconds.
        progress(stage, share) is called as it goes on."""
        until = None if timeout is None else time.monotonic() + timeout
        now: Row = self.job(job) if isinstance(job, str) else dict(job)
        pause = 0.05
        while now["state"] not in ("done", "failed", "cancelled"):
            if progress is not None:
                progress(now.get("stage", ""), now.get("progress", 0.0))
            if until is not None and time.monotonic() >= until:
                raise TimeoutError(f"job {now['id']} still runs: {now.get('stage', '')}")
            time.sleep(pause)
            pause = min(2 * pause, 2.0)
            now = self.job(now["id"])
        if now["state"] != "done":
            raise JobFailed(now)
        return now

    # ---- health

    def ready(self) -> bool:
        """Whether the service takes requests now; asks once."""
        try:
            status, _, _ = self._once("GET", "/readyz", None, {})
        except (OSError, http.client.HTTPException):
            return False
        return status == 200

    def catch_up(self, timeout: float = 60.0) -> None:
        """Waits until lists of decisions and what is usual for an entity have all that was decided before this call (the
        store follows the log). TimeoutError after `timeout` seconds."""
        until = time.monotonic() + timeout
        while self.request("GET", "/readyz")["store_lag"] > 0:
            if time.monotonic() >= until:
                raise TimeoutError("the store lags behind the log")
            time.sleep(0.02)


def _parts(events: Iterable[Mapping[str, Any]], lines: int) -> Iterator[List[bytes]]:
    part: List[bytes] = []
    size = 0
    for event in events:
        line = _dump(dict(event))
        if part and (len(part) == lines or size + len(line) > BATCH_BYTES):
            yield part
            part, size = [], 0
        part.append(line)
        size += len(line) + 1
    if part:
        yield part


def flat(row: Mapping[str, Any], before: str = "") -> Row:
    """One level: {"inputs": {"amount": 5}} becomes {"inputs.amount": 5}; lists stay."""
    out: Row = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            out.update(flat(value, f"{before}{name}."))
        else:
            out[before + name] = value
    return out


def to_pandas(rows: Iterable[Mapping[str, Any]]) -> Any:
    """Rows as a pandas.DataFrame, one level deep; `time`, `received` and the like become times. Needs pandas."""
    try:
        import pandas
    except ImportError as e:
        raise ImportError("to_pandas needs pandas; the rows themselves are dicts: list(rows)") from e
    frame = pandas.DataFrame([flat(row) for row in rows])
    for name in ("time", "received", "added", "expires"):
        if name in frame:
            frame[name] = pandas.to_datetime(frame[name], utc=True)
    return frame
