"""By hand on redis-py: SET and XADD, XREVRANGE or XREAD and GET. `redis_py.py producer` or `redis_py.py consumer`."""

import sys
import time

import frames
import redis
from role import play_role

# Newest frames that are kept for who is about to read one of them.
KEPT_NEWEST = 8
# What may wait for a slow consumer: as much as EdgeFlow's brokers keep by default.
MAX_BYTES = 256 * 1024 * 1024


def newest_topic(audience):
    return f"newest-{audience}"


def connect(setup):
    addresses = (setup["redis"]["control"], setup["redis"]["data"])
    return [redis.Redis(host=address["host"], port=address["port"]) for address in addresses]


def prepare_producer(setup):
    control, data = connect(setup)
    kept = []
    count = 0

    def send(topic, meta, picture):
        nonlocal count
        key = f"{topic}:{count}"
        count += 1
        # The frame first, so that an id never points to nothing.
        data.set(key, picture)
        control.xadd(topic, {"meta": meta, "value": key})
        return key

    def send_newest(audience, meta, picture):
        kept.append(send(newest_topic(audience), meta, picture))
        if len(kept) > KEPT_NEWEST:
            data.unlink(kept.pop(0))
        control.xtrim(newest_topic(audience), maxlen=KEPT_NEWEST, approximate=False)

    def send_every(meta, picture):
        send(setup["everyTopic"], meta, picture)
        while control.xlen(setup["everyTopic"]) * len(picture) > MAX_BYTES:
            time.sleep(0.001)

    return frames.producer(setup["maxFrameBytes"], send_newest, send_every)


def prepare_consumer(setup):
    control, data = connect(setup)
    seen = {}
    unsettled = []

    def read(topic, at_most):
        reply = control.xread({topic: seen.get(topic, "0")}, count=at_most, block=1000)
        return reply[0][1] if reply else []

    def latest(audience):
        topic = newest_topic(audience)
        entries = control.xrevrange(topic, count=1)
        if not entries or entries[0][0] == seen.get(topic):
            entries = read(topic, KEPT_NEWEST)
        if not entries:
            return None
        seen[topic], fields = entries[-1]
        picture = data.get(fields[b"value"])
        return picture and (fields[b"meta"], picture)

    def settle():
        if unsettled:
            data.unlink(*[fields[b"value"] for _, fields in unsettled])
            control.xdel(setup["everyTopic"], *[entry for entry, _ in unsettled])
            unsettled.clear()

    def following(at_most):
        settle()
        unsettled.extend(read(setup["everyTopic"], at_most))
        if unsettled:
            seen[setup["everyTopic"]] = unsettled[-1][0]
        return [(fields[b"meta"], data.get(fields[b"value"])) for _, fields in unsettled]

    return frames.consumer(latest, following, settle)


play_role(prepare_producer if sys.argv[1] == "producer" else prepare_consumer)
