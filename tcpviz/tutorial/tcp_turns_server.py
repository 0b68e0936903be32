"""Answers each message of one client, until it says exit."""

import socket
import sys

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
ENCODING = sys.argv[2] if len(sys.argv) > 2 else "utf-8"

with socket.socket() as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", PORT))
    listener.listen()
    print("listening on port", PORT, flush=True)
    connection, address = listener.accept()
    # a line is a message: without an end that both agree on, nobody knows where one stops
    with connection, connection.makefile("r", encoding=ENCODING, newline="\n") as lines:
        for line in lines:
            print("received:", line, end="", flush=True)
            if line != "exit\n":
                connection.sendall(f"you said {line}".encode(ENCODING))
        # here recv() has returned b"": the client has closed first, so that TIME-WAIT is the client's, not ours
