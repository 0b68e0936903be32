"""The server, second way: at most two clients at once. A third is connected all the same, by the kernel, and waits."""

import socket
import sys
import threading

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
ENCODING = sys.argv[2] if len(sys.argv) > 2 else "utf-8"
CLIENTS = int(sys.argv[3]) if len(sys.argv) > 3 else 10**9

places = threading.Semaphore(2)


def serve(connection: socket.socket) -> None:
    with connection, connection.makefile("r", encoding=ENCODING, newline="\n") as lines:
        for line in lines:
            if line != "exit\n":
                connection.sendall(f"you said {line}".encode(ENCODING))
    places.release()


with socket.socket() as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", PORT))
    listener.listen()
    print("listening on port", PORT, flush=True)
    for _ in range(CLIENTS):
        places.acquire()
        connection, address = listener.accept()
        threading.Thread(target=serve, args=(connection,)).start()
