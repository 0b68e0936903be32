"""Connects, sends one message, and closes."""

import socket
import sys

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
ENCODING = sys.argv[2] if len(sys.argv) > 2 else "utf-8"

with socket.socket() as connection:
    connection.connect(("127.0.0.1", PORT))
    print("connected to port", PORT, flush=True)
    # sockets carry bytes: a text must be encoded, and decoded alike at the other end
    connection.sendall(input("message: ").encode(ENCODING))
