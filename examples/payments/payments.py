#!/usr/bin/env python3
"""What stands for a card team's own systems here: the file of past payments, and the API that has the new ones.

payments.py generate FOLDER              a made-up file with the columns of the public one, where that is not there
payments.py cut FILE FROM UNTIL          the header and the payments of [FROM, UNTIL), as CSV
payments.py serve FILE FROM [--port N]   an API: GET /v1/payments answers with the next payments from FROM on
"""

import argparse
import csv
import datetime
import gzip
import http.server
import io
import json
import pathlib
import random
import subprocess
import sys

TIME = "trans_date_trans_time"
COLUMNS = ("trans_date_trans_time,cc_num,merchant,category,amt,first,last,gender,street,city,state,zip,lat,long,city_pop,job,dob,"
           "trans_num,unix_time,merch_lat,merch_long,is_fraud").split(",")
NUMBERS = {"amt", "lat", "long", "city_pop", "unix_time", "merch_lat", "merch_long"}
LABEL = "is_fraud"


def rows(path):
    """The file's rows as {column: text}; .gz, and .zst by the program zstd."""
    if path.suffix == ".zst":
        with subprocess.Popen(["zstd", "-dcq", path], stdout=subprocess.PIPE) as unpacked:
            yield from csv.DictReader(io.TextIOWrapper(unpacked.stdout, encoding="utf-8"))
            unpacked.stdout.close()
        return
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else open(path, encoding="utf-8") as file:
        yield from csv.DictReader(file)


def between(path, begin, end):
    return (row for row in rows(path) if begin <= row[TIME] < end)


def cut(path, begin, end):
    out = csv.DictWriter(sys.stdout, COLUMNS, extrasaction="ignore", lineterminator="\n")
    out.writeheader()
    out.writerows(between(path, begin, end))


class Api:
    """Each answer has the next payments, and once more the last ones of the answer before, as such APIs do."""

    def __init__(self, path, begin, size, again):
        self.coming = between(path, begin, "9999")
        self.size, self.again, self.last = size, again, []

    def answer(self):
        fresh = []
        for row in self.coming:
            del row[LABEL]  # nobody knows it yet
            fresh.append({name: number(value) if name in NUMBERS else value for name, value in row.items()})
            if len(fresh) == self.size:
                break
        body = {"payments": self.last + fresh, "next": len(fresh) == self.size}
        self.last = fresh[-self.again:]
        return json.dumps(body).encode()


def number(text):
    return float(text) if "." in text else int(text)


def serve(path, begin, port, size, again):
    api = Api(path, begin, size, again)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            known = self.path == "/v1/payments"
            body = api.answer() if known else b'{"error": "only /v1/payments"}'
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    server = http.server.HTTPServer(("127.0.0.1", port), Handler)
    print(f"http://127.0.0.1:{server.server_port}/v1/payments", flush=True)
    server.serve_forever()


CATEGORIES = {"grocery_pos": 60, "gas_transport": 55, "home": 45, "kids_pets": 40, "shopping_pos": 50, "shopping_net": 60,
              "misc_net": 50, "misc_pos": 30, "food_dining": 35, "entertainment": 40}
TAKEN = ("shopping_net", "misc_net", "shopping_pos", "grocery_pos")
DAYS = 193  # 2019-01-01 to 2019-07-12, as in the public file


def generate(folder, cards, seed):
    """Cards pay near their home by day; some are taken over for two days and pay much, mostly late in the evening."""
    r = random.Random(seed)
    start = datetime.datetime(2019, 1, 1)
    merchants = [(f"shop_{i:03}", r.choice(list(CATEGORIES))) for i in range(20 + cards // 2)]
    found = []
    for number_of_card in range(cards):
        lat, lon = round(r.uniform(30, 47), 4), round(r.uniform(-120, -75), 4)
        born = datetime.date(1935, 1, 1) + datetime.timedelta(days=r.randrange(25000))
        card = {"cc_num": str(4000000000000000 + r.randrange(10**12)), "first": f"First{number_of_card}",
                "last": f"Last{number_of_card}", "gender": r.choice("FM"), "street": f"{r.randrange(999)} Main Street",
                "city": f"City {number_of_card % 40}", "state": r.choice(("CA", "NY", "TX")), "zip": f"{r.randrange(100000):05}",
                "lat": lat, "long": lon, "city_pop": r.randrange(200, 900000), "job": "Clerk", "dob": born}
        means = r.uniform(0.4, 1.8)
        taken = r.randrange(10, DAYS) if r.random() < 0.6 else -9

        def pay(day, stolen):
            hour = r.choice((22, 23, 0, 1, 2, 3)) if stolen and r.random() < 0.8 else min(23, max(5, round(r.gauss(14, 4))))
            at = start + datetime.timedelta(days=day, hours=hour, seconds=r.randrange(3600))
            shop, category = r.choice([m for m in merchants if m[1] in TAKEN] if stolen else merchants)
            amount = r.lognormvariate(4.8, 0.8) if stolen else r.expovariate(1 / (CATEGORIES[category] * means))
            found.append({**card, TIME: at, "merchant": shop, "category": category, "amt": f"{max(1, amount):.2f}",
                          "unix_time": int((at - datetime.datetime(1970, 1, 1)).total_seconds()),
                          "merch_lat": round(lat + r.uniform(-1, 1), 6), "merch_long": round(lon + r.uniform(-1, 1), 6),
                          LABEL: int(stolen)})

        for day in range(DAYS):
            for _ in range(r.choice((0, 0, 1, 1, 2, 3))):
                pay(day, False)
            if taken <= day < taken + 2:
                for _ in range(r.randrange(3, 7)):
                    pay(day, True)
    found.sort(key=lambda row: row[TIME])
    for row in found:
        row["trans_num"] = f"{r.getrandbits(128):032x}"
    path = folder / "sparkov" / "transactions_2019.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        out = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        out.writeheader()
        out.writerows(found)
    print(f"{path}: {len(found)} made-up payments, {sum(row[LABEL] for row in found)} of them frauds")


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = words.add_subparsers(dest="command", required=True)
    made = commands.add_parser("generate")
    made.add_argument("folder", type=pathlib.Path)
    made.add_argument("--cards", type=int, default=300)
    made.add_argument("--seed", type=int, default=1)
    part = commands.add_parser("cut")
    part.add_argument("file", type=pathlib.Path)
    part.add_argument("begin", metavar="FROM")
    part.add_argument("end", metavar="UNTIL")
    api = commands.add_parser("serve")
    api.add_argument("file", type=pathlib.Path)
    api.add_argument("begin", metavar="FROM")
    api.add_argument("--port", type=int, default=0)
    api.add_argument("--size", type=int, default=500, help="new payments of one answer")
    api.add_argument("--again", type=int, default=20, help="payments of the answer before that come again")
    asked = words.parse_args()
    if asked.command == "generate":
        generate(asked.folder, asked.cards, asked.seed)
    elif asked.command == "cut":
        cut(asked.file, asked.begin, asked.end)
    else:
        serve(asked.file, asked.begin, asked.port, asked.size, asked.again)


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(130)
