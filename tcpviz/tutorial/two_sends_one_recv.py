"""Two calls of send(), one of recv(): a stream carries octets in order, and knows nothing of calls."""

import socket
import sys
import threading
import time

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080


def client() -> None:
    with socket.socket() as connection:
        connection.connect(("127.0.0.1", PORT))
        connection.sendall(b"hello")
        connection.sendall(b"world")
        connection.recv(1024)  # b"", once the server has closed


with socket.socket() as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", PORT))
    listener.listen()
    print("listening on port", PORT, flush=True)
    sender = threading.Thread(target=client)
    sender.start()
    connection, _ = listener.accept()
    with connection:
        time.sleep(0.2)  # a server that is busy with something else
        print("received in one recv():", connection.recv(1024), flush=True)
    sender.join()
