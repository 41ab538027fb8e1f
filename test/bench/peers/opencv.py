"""OpenCV's FaceDetectorYN (YuNet, boxes and five landmarks) in one thread; speaks as answer-lines.mjs does."""

import json
import os
import sys
import time


def say(value):
    print(json.dumps(value), flush=True)


try:
    import cv2
    import numpy
except ImportError:
    say({"missing": "Python has no cv2"})
    sys.exit()
model = sys.argv[1]
if not os.path.exists(model):
    say({"missing": f"there is no {os.path.basename(model)} (YUNET_MODEL=FILE names another)"})
    sys.exit()

cv2.setNumThreads(1)
detector = cv2.FaceDetectorYN.create(model, "", (320, 320), score_threshold=0.6)
say({"name": "OpenCV FaceDetectorYN", "version": cv2.__version__})
for line in sys.stdin:
    photo = json.loads(line)
    started = time.perf_counter()
    size = (photo["width"], photo["height"])
    image = numpy.fromfile(photo["path"], numpy.uint8).reshape(size[1], size[0], 3)
    detector.setInputSize(size)
    _, faces = detector.detect(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    say({"ms": (time.perf_counter() - started) * 1000, "faces": 0 if faces is None else len(faces)})
