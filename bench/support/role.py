"""What bench/support/role.ts is to modules, for scripts: orders and answers are JSON lines on the descriptor that Node names."""

import json
import os
import socket
import traceback


def play_role(prepare):
    """Makes this process one role of a bench. `prepare(setup)` returns what runs a phase: `run(phase)`, a dict as its result."""
    channel = socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"]))
    run = None
    for line in channel.makefile("r"):
        order = json.loads(line)
        try:
            if "setup" in order:
                run = prepare(order["setup"])
                answer = {"ready": True}
            elif "phase" in order:
                answer = {"result": run(order["phase"])}
            else:
                return
        except Exception:
            answer = {"failed": traceback.format_exc()}
        channel.sendall(json.dumps(answer).encode() + b"\n")
