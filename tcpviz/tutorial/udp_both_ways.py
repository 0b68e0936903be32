"""Two of these talk to each other; each sends what is typed in one thread and prints what comes in another.

python -m tcpviz.tutorial.udp_both_ways 8080 8888      and in the other terminal
python -m tcpviz.tutorial.udp_both_ways 8888 8080
"""

import socket
import sys
import threading

OURS = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
THEIRS = int(sys.argv[2]) if len(sys.argv) > 2 else 8888
ENCODING = sys.argv[3] if len(sys.argv) > 3 else "utf-8"


def print_what_comes(sock: socket.socket) -> None:
    text = ""
    while text != "quit":
        data, address = sock.recvfrom(65535)
        text = data.decode(ENCODING)
        print(f"received from {address[0]}:{address[1]}: {text}", flush=True)


with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.bind(("127.0.0.1", OURS))
    print("listening on port", OURS, flush=True)
    receiver = threading.Thread(target=print_what_comes, args=(sock,))
    receiver.start()
    text = ""
    while text != "quit":
        text = input("message: ")
        sock.sendto(text.encode(ENCODING), ("127.0.0.1", THEIRS))
    receiver.join()
