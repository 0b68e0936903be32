"""Takes one connection, prints what comes until its end, and closes."""

import socket
import sys

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
ENCODING = sys.argv[2] if len(sys.argv) > 2 else "utf-8"

with socket.socket() as listener:
    # a server that is started again would else meet its own TIME-WAIT: "Address already in use"
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", PORT))
    listener.listen()
    print("listening on port", PORT, flush=True)
    connection, address = listener.accept()
    with connection:
        data = b""
        # one send() need not arrive as one recv(): only b"" says that there is no more
        while part := connection.recv(1024):
            data += part
        print("received:", data.decode(ENCODING), flush=True)
