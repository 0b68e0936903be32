"""Prints each datagram that comes, until one says quit."""

import socket
import sys

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
ENCODING = sys.argv[2] if len(sys.argv) > 2 else "utf-8"

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
    receiver.bind(("127.0.0.1", PORT))
    print("listening on port", PORT, flush=True)
    text = ""
    while text != "quit":
        # one sendto() is one recvfrom(): a datagram has an end, a stream has none
        data, address = receiver.recvfrom(65535)
        text = data.decode(ENCODING)
        print(f"received from {address[0]}:{address[1]}: {text}", flush=True)
