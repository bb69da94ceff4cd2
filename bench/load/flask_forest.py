"""The classic: a scikit-learn forest in a joblib file behind Flask, served by waitress (its four threads, one process).

    flask_forest.py PORT TREES NAME...     NAME: the numbers of a request, in the model's order
"""

import pathlib
import sys
import tempfile

import flask
import joblib
import numpy
import sklearn.ensemble
import waitress

from learned import learned

port, trees, names = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
x, y = learned(numpy, len(names))
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "forest.joblib"
    joblib.dump(sklearn.ensemble.RandomForestClassifier(trees, max_depth=10, min_samples_leaf=5, random_state=1).fit(x, y), path)
    model = joblib.load(path)
app = flask.Flask("forest")


@app.post("/predict")
def predict():
    event = flask.request.get_json()
    p = float(model.predict_proba(numpy.array([[event[n] for n in names]]))[0, 1])
    return flask.jsonify(id=event["transaction_id"], probability=p, outcome="review" if p > 0.5 else "approve")


print("ready", flush=True)
waitress.serve(app, host="127.0.0.1", port=port, connection_limit=1000)
