"""A server on the host's loopback that notes each visit in a file, then greets: listener.py FILE. Prints its port."""
import socket
import sys

with socket.create_server(("127.0.0.1", 0)) as server, open(sys.argv[1], "w", encoding="utf-8", buffering=1) as visits:
    print(server.getsockname()[1])
    while True:
        connection, address = server.accept()
        visits.write(f"{address}\n")
        with connection:
            connection.sendall(b"hello from the host\n")
