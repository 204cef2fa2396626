"""The handlers, in the order in which they are tried."""

from . import hello

routers = [hello.router]
