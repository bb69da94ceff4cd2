"""XGBoost behind FastAPI, served by uvicorn, one process.

    fastapi_xgboost.py PORT TREES NAME...     NAME: the numbers of a request, in the model's order
"""

import sys

import fastapi
import numpy
import pydantic
import uvicorn
import xgboost

from learned import learned

port, trees, names = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
x, y = learned(numpy, len(names))
model = xgboost.XGBClassifier(n_estimators=trees, max_depth=6, learning_rate=0.05, n_jobs=1, tree_method="hist").fit(x, y)
Event = pydantic.create_model("Event", transaction_id=(str, ...), **{n: (float, ...) for n in names})
app = fastapi.FastAPI()


@app.post("/predict")
async def predict(event: Event):
    p = float(model.predict_proba(numpy.array([[getattr(event, n) for n in names]]))[0, 1])
    return {"id": event.transaction_id, "probability": p, "outcome": "review" if p > 0.5 else "approve"}


print("ready", flush=True)
uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)
