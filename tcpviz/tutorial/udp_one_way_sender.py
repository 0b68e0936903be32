"""Sends each line as a datagram, quit last. Nobody tells whether it arrives, nor even whether anybody is there."""

import socket
import sys

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
ENCODING = sys.argv[2] if len(sys.argv) > 2 else "utf-8"

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    text = ""
    while text != "quit":
        text = input("message: ")
        sender.sendto(text.encode(ENCODING), ("127.0.0.1", PORT))
