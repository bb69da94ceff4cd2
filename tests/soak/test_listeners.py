"""A listener of /v1/live who never reads is dropped within about a minute, and others are told every second meanwhile."""

import json
import pathlib
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from test_console_server import Stream, event, start, wait_live  # noqa: E402,F401

MOST_S = 90  # the system keeps 64 KB of the stream for it, and HTTP_IDLE_MAX_S passes without a byte


def test_who_does_not_read_is_dropped(start):  # noqa: F811
    server = start()
    wait_live(server).close()
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    deaf.connect(("127.0.0.1", server.port))
    deaf.sendall(b"GET /v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    stream, over = Stream(server), threading.Event()

    def decide():
        i = 0
        while not over.wait(0.02):
            i += 1
            assert server.ask("POST", "/v1/decisions", {**event(i % 60), "id": f"{i}-" + "w" * 240})[0] == 200

    deciding = threading.Thread(target=decide)
    deciding.start()
    ends = f":{server.port:04X}", f":{deaf.getsockname()[1]:04X}"

    def held():
        """The server's end is open: what it sends at the end waits behind what is not read, so ours cannot tell."""
        rows = [row.split() for row in open("/proc/net/tcp")]
        return any(row[1].endswith(ends[0]) and row[2].endswith(ends[1]) and row[3] == "01" for row in rows)

    begun, numbers = time.monotonic(), []
    try:
        while held():
            assert time.monotonic() - begun < MOST_S, "it is still held"
            numbers.append(stream.event()[0])
    finally:
        over.set()
        deciding.join()
    print(json.dumps({"dropped_after_s": round(time.monotonic() - begun, 1)}))
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
