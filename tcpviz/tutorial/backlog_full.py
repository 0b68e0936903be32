"""listen(0) and a server that takes its time: one connection may wait for accept(), the next gets no answer."""

import socket
import sys
import threading
import time

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080


def client(name: str) -> None:
    with socket.socket() as connection:
        began = time.monotonic()
        connection.connect(("127.0.0.1", PORT))
        print(f"{name} connected after {time.monotonic() - began:.1f} s", flush=True)
        connection.recv(1024)


with socket.socket() as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", PORT))
    # not the number of clients: how many may wait, beyond the first, for accept() to take them
    listener.listen(0)
    print("listening on port", PORT, flush=True)
    visitors = [threading.Thread(target=client, args=(name,)) for name in ("first", "second")]
    for visitor in visitors:
        visitor.start()
        time.sleep(0.1)
    time.sleep(0.3)
    for _ in visitors:
        listener.accept()[0].close()
    for visitor in visitors:
        visitor.join()
