"""``twiml-app dev``: the program in a process that is replaced at every save, next to an emulator.

::

    session -> keeper -> processes -> (a socket) -> child
               keeper -> watcher
"""

from .local_twilio import stay_local
from .session import Dev, DevOptions

__all__ = ["Dev", "DevOptions", "stay_local"]
