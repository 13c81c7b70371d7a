"""Train frame_labeller on series with a class per step, evaluate and save it, and label a series.

python recipes/frame_labeller.py                          # generated movements, a minute
python recipes/frame_labeller.py gesture_phase            # phases of gestures in a video, a minute
"""

import sys

from rnnkit import datasets
from rnnkit.recipes import frame_labeller

data = datasets.load(sys.argv[1] if len(sys.argv) > 1 else "frames_sample")
# Movement around a step instead of its values: the position of a person is not a gesture.
model = frame_labeller(features="slope,spread", classes=data.classes)
model.fit(data.train.x, data.train.y, validation_data=(data.valid.x, data.valid.y))
print(model.evaluate(data.test.x, data.test.y, return_dict=True))
model.save("frame_labeller.keras")
print(model.predict(data.test.x[0])[:3], model.predict_labels(data.test.x[0])[:3])
