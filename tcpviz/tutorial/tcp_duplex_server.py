"""Both ends may speak at any time: one thread sends what is typed, one prints what comes, until exit comes."""

import socket
import sys
import threading

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
ENCODING = sys.argv[2] if len(sys.argv) > 2 else "utf-8"


def send_what_is_typed(connection: socket.socket) -> None:
    for line in sys.stdin:
        connection.sendall(line.encode(ENCODING))


with socket.socket() as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", PORT))
    listener.listen()
    print("listening on port", PORT, flush=True)
    connection, address = listener.accept()
    # a daemon: it waits for the keyboard, and must not keep the program alive
    threading.Thread(target=send_what_is_typed, args=(connection,), daemon=True).start()
    with connection, connection.makefile("r", encoding=ENCODING, newline="\n") as lines:
        for line in lines:
            print("received:", line, end="", flush=True)
