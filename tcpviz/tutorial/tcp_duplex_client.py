"""The other end: one thread sends what is typed until exit, one prints what comes until the other end closes."""

import socket
import sys
import threading

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
ENCODING = sys.argv[2] if len(sys.argv) > 2 else "utf-8"


def send_what_is_typed(connection: socket.socket) -> None:
    for line in sys.stdin:
        connection.sendall(line.encode(ENCODING))
        if line == "exit\n":
            break
    # not close(): the other thread still receives; this says only that we have no more to say
    connection.shutdown(socket.SHUT_WR)


with socket.socket() as connection:
    connection.connect(("127.0.0.1", PORT))
    print("connected to port", PORT, flush=True)
    sender = threading.Thread(target=send_what_is_typed, args=(connection,))
    sender.start()
    with connection.makefile("r", encoding=ENCODING, newline="\n") as lines:
        for line in lines:
            print("received:", line, end="", flush=True)
    sender.join()
