"""The camera and its consumers in Python: pacing, stamps and checks are those of producer.ts, consumer.ts and stamp.ts."""

import os
import struct
import time

STAMP = struct.Struct("<IIId")
NUMBER = struct.Struct("<I")


def clock_ms():
    """The clock of `process.hrtime`."""
    return time.monotonic_ns() / 1e6


def producer(max_frame_bytes, send_newest, send_every):
    """Runs phases. `send_newest(audience, meta, picture)` and `send_every(meta, picture)` return when the bytes may be written again."""
    random = bytearray(os.urandom(max_frame_bytes))

    def run(phase):
        picture = memoryview(random)[: phase["frameBytes"]]
        fps = phase.get("fps")
        push_ms = []
        start_ms = clock_ms()
        index, last = 0, False
        while not last:
            if fps:
                early = start_ms + index * 1000 / fps - clock_ms()
                if early > 0:
                    time.sleep(early / 1000)
                last = index + 1 >= fps * phase["ms"] / 1000
            else:
                last = clock_ms() - start_ms >= phase["ms"]
            NUMBER.pack_into(picture, 0, index)
            NUMBER.pack_into(picture, len(picture) - 4, index)
            pushed_ms = clock_ms()
            meta = STAMP.pack(phase["phase"], index, last, pushed_ms)
            if phase["read"] == "newest":
                send_newest(phase["audience"], meta, picture)
            else:
                send_every(meta, picture)
            push_ms.append(clock_ms() - pushed_ms)
            index += 1
        return {"frames": index, "startMs": start_ms, "pushMs": push_ms}

    return run


def consumer(latest, following, settle):
    """Runs phases. `latest(audience)` returns (meta, picture) of the newest frame or None, `following(at_most)` a list of the next."""

    def check(picture, phase, index):
        size = len(picture)
        whole = size == phase["frameBytes"]
        if not whole or NUMBER.unpack_from(picture, 0)[0] != index or NUMBER.unpack_from(picture, size - 4)[0] != index:
            raise ValueError(f"frame {index} came damaged: {size} bytes of {phase['frameBytes']}")

    def run(phase):
        newest = phase["read"] == "newest"
        latencies = []
        last = False
        while not last:
            frames = [latest(phase["audience"])] if newest else following(16)
            now_ms = clock_ms()
            for frame in frames:
                if frame is None:
                    continue
                number, index, last, pushed_ms = STAMP.unpack(frame[0])
                if number != phase["phase"]:
                    last = False
                    continue
                if not newest and index != len(latencies):
                    raise ValueError(f"got frame {index} in place of {len(latencies)}")
                check(frame[1], phase, index)
                latencies.append(now_ms - pushed_ms)
                if phase.get("workMs") and not last:
                    time.sleep(phase["workMs"] / 1000)
        settle()
        return {"latencies": latencies, "endMs": clock_ms()}

    return run
