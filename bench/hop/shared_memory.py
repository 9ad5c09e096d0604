"""The limit: slots in a memory map, one copy in, read in place. A unix socket wakes the consumer and names the slot.

There is no store, no recovery, no guard against a slot that is written while it is read, and no more than one producer.
`shared_memory.py producer` or `shared_memory.py consumer`.
"""

import mmap
import os
import socket
import struct
import sys

import frames
from role import play_role

SLOTS = 8
# Which slot, and how many bytes of it.
PLACE = struct.Struct("<II")
NUMBER = struct.Struct("<I")


def map_slots(setup, create):
    stride = -(-setup["maxFrameBytes"] // mmap.PAGESIZE) * mmap.PAGESIZE
    with open(os.path.join(setup["directory"], "slots"), "w+b" if create else "r+b") as file:
        if create:
            file.truncate(SLOTS * stride)
        return memoryview(mmap.mmap(file.fileno(), SLOTS * stride)), stride


def prepare_producer(setup):
    slots, stride = map_slots(setup, create=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(os.path.join(setup["directory"], "wake"))
    listener.listen()
    consumers = {}
    written = 0
    in_flight = 0

    def consumer(index):
        while index not in consumers:
            connection, _ = listener.accept()
            consumers[NUMBER.unpack(connection.recv(NUMBER.size))[0]] = connection
        return consumers[index]

    def write(picture):
        nonlocal written
        slot = written % SLOTS
        written += 1
        slots[slot * stride : slot * stride + len(picture)] = picture
        return PLACE.pack(slot, len(picture))

    def send_newest(audience, meta, picture):
        message = meta + write(picture)
        for index in range(audience):
            consumer(index).send(message)

    def send_every(meta, picture):
        nonlocal in_flight
        while in_flight >= SLOTS:
            in_flight -= NUMBER.unpack(consumer(0).recv(NUMBER.size))[0]
        consumer(0).send(meta + write(picture))
        in_flight += 1

    return frames.producer(setup["maxFrameBytes"], send_newest, send_every)


def prepare_consumer(setup):
    slots, stride = map_slots(setup, create=False)
    wake = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    wake.connect(os.path.join(setup["directory"], "wake"))
    wake.send(NUMBER.pack(setup["consumer"]))
    size = frames.STAMP.size + PLACE.size
    unsettled = 0

    def waiting():
        """Messages that are there, at least one."""
        messages = [wake.recv(size)]
        try:
            while True:
                messages.append(wake.recv(size, socket.MSG_DONTWAIT))
        except BlockingIOError:
            return messages

    def frame(message):
        slot, length = PLACE.unpack_from(message, frames.STAMP.size)
        return message[: frames.STAMP.size], slots[slot * stride : slot * stride + length]

    def latest(_):
        return frame(waiting()[-1])

    def settle():
        nonlocal unsettled
        if unsettled:
            wake.send(NUMBER.pack(unsettled))
            unsettled = 0

    def following(at_most):
        nonlocal unsettled
        settle()
        messages = waiting()
        unsettled = len(messages)
        return [frame(message) for message in messages]

    return frames.consumer(latest, following, settle)


play_role(prepare_producer if sys.argv[1] == "producer" else prepare_consumer)
