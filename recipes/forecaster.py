"""Train forecaster on counts of a road, evaluate and save it, and forecast.

python recipes/forecaster.py                 # the built-in sample, seconds
python recipes/forecaster.py pems_flow       # 27 days in five-minute steps, seconds
"""

import sys

from rnnkit import datasets
from rnnkit.recipes import forecaster

traffic = datasets.load(sys.argv[1] if len(sys.argv) > 1 else "traffic_sample")
model = forecaster(cell="hmm-lstm", horizon=1)
model.fit(traffic.train.x, validation_data=(traffic.valid.x, None))
print(model.evaluate(traffic.test.x, return_dict=True))
model.save("forecaster.keras")
print(model.predict(traffic.test.x[-1])[-1])
