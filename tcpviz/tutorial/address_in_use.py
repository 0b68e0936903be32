"""A server that closes first, ends, and is started again: with "reuse" as its argument that works at once."""

import socket
import sys
import threading
import time

PORT = 8080
REUSE = "reuse" in sys.argv


def client() -> None:
    with socket.socket() as connection:
        connection.connect(("127.0.0.1", PORT))
        connection.recv(1024)  # b"": the server closes first


def server() -> None:
    with socket.socket() as listener:
        if REUSE:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", PORT))
        listener.listen()
        print("listening on port", PORT, flush=True)
        visitor = threading.Thread(target=client)
        visitor.start()
        connection, _ = listener.accept()
        connection.close()
        visitor.join()


server()
time.sleep(0.2)  # the last acknowledgement has come: the server's end is in TIME-WAIT
try:
    server()
except OSError as error:
    print("started again:", error, flush=True)
