"""Put on a Python program's path, keeps it on this machine: names inside 127.0.0.1 resolve, every other name fails and
is written to the file that `LOOPBACK_REFUSED` names. (boto3 puts an account in front of an endpoint's host.)"""

import os
import socket

resolve = socket.getaddrinfo


def loopback_only(host, *args, **more):
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "localhost", "::1", "127.0.0.1") or name.endswith(".127.0.0.1"):
        return resolve("127.0.0.1" if name and name.endswith(".127.0.0.1") else host, *args, **more)
    with open(os.environ["LOOPBACK_REFUSED"], "a") as log:
        log.write(f"{name}\n")
    raise socket.gaierror(socket.EAI_NONAME, f"`{name}` is not on this machine")


socket.getaddrinfo = loopback_only
