"""A day of traffic of five million customers, in minutes, through a state that holds a part of them: memory
stays within its limit, what was evicted is counted and told, and decisions that lack it say so.

The figures are printed, and are in build/soak-five-million.json.
"""

import datetime
import json
import os
import pathlib
import random
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CUSTOMERS, SHOPS = 5_000_000, 20_000
EVENTS = int(os.environ.get("ASSAY_SOAK_EVENTS", "8000000"))
STATE_MIB, BATCH_MIB = 512, 128
BESIDE_MIB = 160  # the program, a frame being read and one being written, the ids
DAY = 86_400

SETTINGS = f"""\
sources: {{transactions: {{file: day.csv}}}}
event: {{id: id, time: at, amount: amount}}
entities: {{customer: customer, shop: shop}}
features:
  n_1h: count() by customer over 1h
  n_1d: count() by customer over 1d
  mean_1d: mean(amount) by customer over 1d
  ratio: amount / mean(amount) by customer over 1d prior
  shop_1h: count() by shop over 1h
rules:
  SPREE: {{when: n_1h >= 4, then: review}}
  UNUSUAL: {{when: n_1d > 2 and ratio > 5, then: review}}
model: {{kind: none}}
outcomes: [approve, review]
decision: {{review: 500}}
memory: {STATE_MIB}MiB
batch: {{memory: {BATCH_MIB}MiB}}
"""


def make_day(path):
    """In order of time; seven in ten events are of any customer, the others of one in fifty."""
    rng = random.Random(5)
    start = datetime.datetime(2024, 5, 1)
    pick, share = rng.randrange, rng.random
    with open(path, "w") as f:
        f.write("id,at,customer,shop,amount\n")
        i = 0
        for second in range(DAY):
            at = (start + datetime.timedelta(seconds=second)).isoformat() + "Z"
            until = EVENTS * (second + 1) // DAY
            lines = []
            for n in range(i, until):
                customer = pick(CUSTOMERS) if share() < 0.7 else pick(CUSTOMERS // 50)
                lines.append(f"{n},{at},{customer},{pick(SHOPS)},{pick(100000) / 100}\n")
            f.write("".join(lines))
            i = until


def resident_mib(process):
    try:
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        return 0


def watch(command, folder):
    """Runs it; the peak of its resident memory in MiB, and its output."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    peak = 0
    while process.poll() is None:
        peak = max(peak, resident_mib(process))
        time.sleep(0.05)
    assert process.returncode == 0
    return peak, process.stdout.read()


def test_a_day_of_five_million(binary, tmp_path):
    (tmp_path / "assay.yaml").write_text(SETTINGS)
    make_day(tmp_path / "day.csv")
    begun = time.monotonic()
    peak, out = watch([binary, "score", "-o", "scores.csv", "--json", "-q"], tmp_path)
    took = time.monotonic() - begun
    told = json.loads(out)
    customer, shop = told["state"]
    figures = {
        "events": told["rows"],
        "seconds": round(took, 1),
        "events_per_s": round(told["rows"] / took),
        "peak_resident_mib": round(peak),
        "memory_mib": STATE_MIB,
        "state_mib": round(sum(k["bytes"] for k in told["state"]) / 2**20),
        "customers_held": customer["entities"],
        "customers_evicted": customer["evicted"],
        "shops_evicted": shop["evicted"],
        "decisions_that_say_forgotten": told["forgotten"],
    }
    print("\n" + json.dumps(figures, indent=1))
    (ROOT / "build" / "soak-five-million.json").write_text(json.dumps(figures))
    assert told["rows"] == EVENTS and told["spilled_bytes"] < 80 * EVENTS  # ids at most: it is in order
    assert peak < STATE_MIB + BATCH_MIB + BESIDE_MIB
    assert figures["state_mib"] <= STATE_MIB
    # Each customer seen is held, was evicted, or was freed by age.
    assert customer["evicted"] > 100_000
    assert customer["entities"] + customer["evicted"] + customer["expired"] >= min(CUSTOMERS, EVENTS) * 0.6
    assert 0 < told["forgotten"] < EVENTS
    # In words, too.
    told = subprocess.run(
        [binary, "check", "--rate", str(EVENTS / DAY), "--entities", f"customer={CUSTOMERS}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 3 and "need more memory" in told.stderr  # and it was known before
