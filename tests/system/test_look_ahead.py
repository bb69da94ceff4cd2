"""A feature that would see labels before they are known gains nothing: the engine shows a label to no event before
its delay, nor an event's own label ever, and the model that is tested has learned that there is nothing."""

import datetime
import random

SETTINGS = """\
sources: {{transactions: t.csv}}
event: {{id: id, time: at, label: {{field: fraud, delay: {delay}, absent: unknown}}}}
entities: {{pair: pair, one: id}}
features:
  planted: coalesce(mean(label) by {by} over 2d, 0.5)
  noise: noise
model: {{kind: logistic, validate: {{by: time, share: 0.3, gap: 0s}}}}
outcomes: [approve, review]
decision: {{review: 500}}
"""


def make(write):
    """Pairs of events an hour apart that are both fraud or both not: whoever knows the first knows the second."""
    rng = random.Random(11)
    rows = []
    for pair in range(2500):
        at = datetime.datetime(2024, 1, 1) + datetime.timedelta(minutes=17 * pair)
        fraud = int(rng.random() < 0.3)
        for late in (0, 60):
            when = at + datetime.timedelta(minutes=late)
            rows.append((when, f"{pair}-{late},{when.isoformat()}Z,p{pair},{rng.randrange(1000)},{fraud}"))
    rows.sort()
    write("t.csv", "id,at,pair,noise,fraud\n" + "\n".join(r for _, r in rows) + "\n")


def auc(run, write, **how):
    write("assay.yaml", SETTINGS.format(**how))
    r = run("train", "--json")
    assert r.exit == 0, r
    return r.json()["metrics"]["test"]["auc_roc"]


def test_labels_known_later_gain_nothing(run, write):
    make(write)
    at_once = auc(run, write, delay="0s", by="pair")
    after_a_week = auc(run, write, delay="7d", by="pair")
    own = auc(run, write, delay="0s", by="one")
    print(at_once, after_a_week, own)
    assert at_once["value"] > 0.7  # known at once, the first of a pair tells the second
    assert after_a_week["low"] < 0.5 < after_a_week["high"] and after_a_week["value"] < 0.56
    assert own["low"] < 0.5 < own["high"] and own["value"] < 0.56
