"""What a program calls to have work done after the answer; it imports neither Flask nor a database driver."""

from .arguments import Arguments, decode_arguments
from .enqueue import EnqueuedWork, Piece, WorkStore, enqueue, enqueue_at, enqueue_in, enqueue_piece, enqueue_reply
from .functions import extra_arguments, find_function, function_name, require_importable, work_parameters

__all__ = [
    "Arguments",
    "EnqueuedWork",
    "Piece",
    "WorkStore",
    "decode_arguments",
    "enqueue",
    "enqueue_at",
    "enqueue_in",
    "enqueue_piece",
    "enqueue_reply",
    "extra_arguments",
    "find_function",
    "function_name",
    "require_importable",
    "work_parameters",
]
