"""Tries three things that it should not be able to do: spy.py SECRET PORT OUTSIDE."""
import socket
import sys

secret, port, outside = sys.argv[1:]


def attempt(what, action):
    try:
        print(action())
    except OSError as error:
        print(f"{what}: {error.strerror}")


def read_secret():
    with open(secret, encoding="utf-8") as file:
        return "read: " + file.read().strip()


def visit():
    with socket.create_connection(("127.0.0.1", int(port)), timeout=5) as connection:
        return "reached: " + connection.recv(100).decode().strip()


def write_outside():
    with open(outside, "w", encoding="utf-8") as file:
        file.write("I was here\n")
    return "wrote outside"


attempt("the secret", read_secret)
attempt("the server", visit)
attempt("outside", write_outside)
print("the spy is done")
