"""cv2Loop.py MODEL FRAMES SECONDS: the same as bareLoop.ts, by OpenCV on one thread. Prints a LoopResult."""
import json
import resource
import sys
import time

import cv2
import numpy as np

WIDTH, HEIGHT, SIDE = 640, 480, 416
model, film, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
cv2.setNumThreads(1)
net = cv2.dnn.readNetFromONNX(model)
frames = np.fromfile(film, np.uint8).reshape(-1, HEIGHT, WIDTH, 3)
grids, strides = [], []
for stride in (8, 16, 32):
    cells = SIDE // stride
    y, x = np.mgrid[:cells, :cells]
    grids.append(np.stack((x, y), 2).reshape(-1, 2))
    strides.append(np.full((cells * cells, 1), stride))
grid, stride = np.concatenate(grids), np.concatenate(strides)
scale = min(SIDE / WIDTH, SIDE / HEIGHT)
scaled = (round(WIDTH * scale), round(HEIGHT * scale))


def detect(frame):
    box = np.full((SIDE, SIDE, 3), 114, np.uint8)
    box[: scaled[1], : scaled[0]] = cv2.resize(frame, scaled, interpolation=cv2.INTER_LINEAR)
    net.setInput(cv2.dnn.blobFromImage(box, swapRB=True))
    start = time.perf_counter()
    out = net.forward()[0]
    model_s = time.perf_counter() - start
    scores = out[:, 5:] * out[:, 4:5]
    classes = scores.argmax(1)
    best = scores[np.arange(len(classes)), classes]
    taken = best >= 0.5
    centre = (out[taken, :2] + grid[taken]) * stride[taken] / scale
    size = np.exp(out[taken, 2:4]) * stride[taken] / scale
    found = 0
    for each in np.unique(classes[taken]):
        one = classes[taken] == each
        boxes = np.concatenate((centre[one] - size[one] / 2, size[one]), 1)
        found += len(cv2.dnn.NMSBoxes(boxes.tolist(), best[taken][one].tolist(), 0.5, 0.45))
    return found, model_s


objects = sum(detect(frame)[0] for frame in frames)
turns, model_s = 0, 0.0
before = resource.getrusage(resource.RUSAGE_SELF)
start = time.perf_counter()
while time.perf_counter() - start < seconds:
    for frame in frames:
        model_s += detect(frame)[1]
        turns += 1
total = time.perf_counter() - start
after = resource.getrusage(resource.RUSAGE_SELF)
cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
print(
    json.dumps(
        {
            "framesPerSecond": turns / total,
            "modelMs": model_s / turns * 1000,
            "aroundMs": (total - model_s) / turns * 1000,
            "cpuMs": cpu / turns * 1000,
            "objects": int(objects),
        }
    )
)
