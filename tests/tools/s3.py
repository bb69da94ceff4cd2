"""A small S3 of the tests' own: one bucket in memory that checks every signature itself (AWS Signature Version 4, from
its published description), lists by pages, honours If-None-Match and If-Match, and fails when it is told to."""

import datetime
import hashlib
import hmac
import http.server
import threading
import urllib.parse
import xml.sax.saxutils

ACCESS, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCY=EXAMPLE"
SKEW_SECONDS = 15 * 60


def _mac(key, words):
    return hmac.new(key, words.encode(), hashlib.sha256).digest()


def signature(secret, method, path, query, headers, signed, payload_sha256, scope):
    """What stands behind `Signature=` for a request: headers by small names, signed in order, scope
    `date/region/service/aws4_request`."""
    pairs = [p.partition("=") for p in query.split("&") if p]
    code = lambda words: urllib.parse.quote(urllib.parse.unquote(words), safe="-_.~")  # noqa: E731
    canonical = "\n".join([
        method,
        urllib.parse.quote(urllib.parse.unquote(path), safe="/-_.~"),
        "&".join(f"{k}={v}" for k, v in sorted((code(k), code(v)) for k, _, v in pairs)),
        *(f"{name}:{' '.join(headers[name].split())}" for name in signed),
        "",
        ";".join(signed),
        payload_sha256,
    ])
    words = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope,
                       hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = _mac(key, part)
    return hmac.new(key, words.encode(), hashlib.sha256).hexdigest()


class Refused(Exception):
    def __init__(self, status, code, **headers):
        self.status, self.code, self.headers = status, code, headers


class S3:
    """with S3() as s3: s3.objects is {key: bytes}, s3.asked the requests [(method, key)]."""

    def __init__(self, bucket="models", region="eu-west-1", token=None, page=3, conditions=True):
        self.bucket, self.region, self.token, self.page = bucket, region, token, page
        self.conditions = conditions
        self.objects, self.asked, self.faults, self.problems = {}, [], [], []
        self.clock = datetime.timedelta(0)
        self.denied = set()
        self.lock = threading.RLock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = 1 << 16

            def log_message(self, *_):
                pass

            def handle_one(self):
                with outer.lock:
                    outer.answer(self)

            do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = handle_one

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def endpoint(self):
        return f"http://localhost:{self.port}"

    def fail(self, how, times=1, method=None, key=""):
        """The next requests, of that method and with that in the key: a status, "drop" (no answer) or "late"
        (done, but no answer)."""
        self.faults += [(how, method, key)] * times

    def _fault(self, method, key):
        for i, (how, of, part) in enumerate(self.faults):
            if of in (None, method) and part in key:
                del self.faults[i]
                return how
        return None

    def _now(self):
        return datetime.datetime.now(datetime.timezone.utc) + self.clock

    def _check(self, request, path, query, body):
        headers = {k.lower(): v for k, v in request.headers.items()}
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        if scheme != "AWS4-HMAC-SHA256":
            raise Refused(403, "AccessDenied")
        given = dict(part.strip().split("=", 1) for part in rest.split(","))
        access, _, scope = given["Credential"].partition("/")
        signed = given["SignedHeaders"].split(";")
        payload = headers.get("x-amz-content-sha256", "")
        must = {"host", *(h for h in headers if h.startswith("x-amz-"))}
        if not must <= set(signed) or signed != sorted(signed) or not set(signed) <= set(headers):
            raise Refused(403, "AccessDenied")
        if access != ACCESS:
            raise Refused(403, "InvalidAccessKeyId")
        if scope.split("/")[1:] != [self.region, "s3", "aws4_request"]:
            raise Refused(400, "AuthorizationHeaderMalformed", **{"x-amz-bucket-region": self.region})
        if payload != hashlib.sha256(body).hexdigest():
            raise Refused(400, "XAmzContentSHA256Mismatch")
        if signature(SECRET, request.command, path, query, headers, signed, payload, scope) != given["Signature"]:
            raise Refused(403, "SignatureDoesNotMatch")
        if headers.get("x-amz-security-token") != self.token:
            raise Refused(403, "InvalidToken")
        when = datetime.datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(
            tzinfo=datetime.timezone.utc)
        if abs((self._now() - when).total_seconds()) > SKEW_SECONDS:
            raise Refused(403, "RequestTimeTooSkewed")

    def _key(self, request, path):
        host = request.headers["host"].partition(":")[0]
        path = urllib.parse.unquote(path)
        if host.endswith(".localhost"):
            bucket, key = host.removesuffix(".localhost"), path[1:]
        else:
            bucket, _, key = path[1:].partition("/")
        if bucket != self.bucket:
            raise Refused(404, "NoSuchBucket")
        return key

    @staticmethod
    def etag(body):
        return f'"{hashlib.md5(body).hexdigest()}"'

    def _do(self, request, key, query, body):
        method, there = request.command, self.objects.get(key)
        if method in self.denied:
            raise Refused(403, "AccessDenied")
        if key == "" and method == "GET":
            return 200, {}, self._list(dict(urllib.parse.parse_qsl(query, keep_blank_values=True)))
        if method in ("GET", "HEAD"):
            if there is None:
                raise Refused(404, "NoSuchKey")
            return 200, {"ETag": self.etag(there)}, there
        if method == "DELETE":
            self.objects.pop(key, None)
            return 204, {}, b""
        if self.conditions and request.headers["if-none-match"] == "*" and there is not None:
            raise Refused(412, "PreconditionFailed")
        if self.conditions and request.headers["if-match"] and (
                there is None or request.headers["if-match"] != self.etag(there)):
            raise Refused(412, "PreconditionFailed")
        self.objects[key] = body
        return 200, {"ETag": self.etag(body)}, b""

    def _list(self, asked):
        assert asked["list-type"] == "2", asked
        keys = sorted(k for k in self.objects if k.startswith(asked["prefix"]))
        after = asked.get("continuation-token", "").removeprefix("<&'+/=").removesuffix("\">")
        keys = [k for k in keys if k > after] if after else keys
        here, more = keys[: self.page], len(keys) > self.page
        text = xml.sax.saxutils.escape
        parts = [f"<Contents><Key>{text(k)}</Key><Size>{len(self.objects[k])}</Size></Contents>" for k in here]
        token = text(f"<&'+/={here[-1]}\">", {'"': "&quot;", "'": "&#39;"}) if more else ""
        return (f'<?xml version="1.0"?><ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{"".join(parts)}'
                + (f"<NextContinuationToken>{token}</NextContinuationToken>" if more else "")
                + "</ListBucketResult>").encode()

    def answer(self, request):
        body = request.rfile.read(int(request.headers["content-length"] or 0))
        path, _, query = request.path.partition("?")
        try:
            key = self._key(request, path)
            how = self._fault(request.command, key)
            self.asked.append((request.command, key))
            if how == "drop":
                request.close_connection = True
                request.connection.close()
                return
            if isinstance(how, int):
                raise Refused(how, {503: "SlowDown", 500: "InternalError", 403: "AccessDenied"}[how])
            self._check(request, path, query, body)
            status, headers, out = self._do(request, key, query, body)
            if how == "late":
                request.close_connection = True
                request.connection.close()
                return
            if how == "damage":
                out = bytes([out[0] ^ 1]) + out[1:]
        except Refused as r:
            self.problems.append(r.code)
            status, headers = r.status, r.headers
            out = f"<?xml version='1.0'?><Error><Code>{r.code}</Code><Message>no</Message></Error>".encode()
        request.send_response_only(status)
        for name, value in {**headers, "Date": self._now().strftime("%a, %d %b %Y %H:%M:%S GMT")}.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(out)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(out)
