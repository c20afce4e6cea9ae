"""Runs a command and keeps what passes, both ways: tap.py DIRECTORY SIDE COMMAND…

The files are called by the process that stands nearest to the client, so that the tap
on the other side of a proxy finds the same name.
"""

import os
import subprocess
import sys
import threading

directory, side, *command = sys.argv[1:]
name = os.environ.setdefault("AUDIT_TAP", str(os.getpid()))
server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)


def pump(source, target, direction):
    with open(f"{directory}/{name}.{side}.{direction}", "wb", buffering=0) as kept:
        while piece := os.read(source, 65536):
            kept.write(piece)
            while piece:
                piece = piece[os.write(target, piece) :]


def requests():
    try:
        pump(0, server.stdin.fileno(), "c2s")
    except BrokenPipeError:
        pass
    server.stdin.close()


threading.Thread(target=requests, daemon=True).start()
pump(server.stdout.fileno(), 1, "s2c")
code = server.wait()
os._exit(code if code >= 0 else 128 - code)
