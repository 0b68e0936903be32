"""Sends a line, waits for the answer, and so on, until the line is exit."""

import socket
import sys

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
ENCODING = sys.argv[2] if len(sys.argv) > 2 else "utf-8"

with socket.socket() as connection:
    connection.connect(("127.0.0.1", PORT))
    print("connected to port", PORT, flush=True)
    with connection.makefile("r", encoding=ENCODING, newline="\n") as lines:
        line = ""
        while line != "exit":
            line = input("message: ")
            connection.sendall(f"{line}\n".encode(ENCODING))
            if line != "exit":
                print("answer:", lines.readline(), end="", flush=True)
