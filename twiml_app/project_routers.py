"""The routers that the handlers module of a project lists."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

from .errors import ConfigurationError
from .logs import logger
from .routing import Router


def load_router(module_name: str, root: str | Path) -> Router:
    """Import the module that lists a project's routers, and merge them.

    Raises: ConfigurationError, if it does not exist or lists none; RegistrationError.
    """
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name.partition(".")[0] and error.name != module_name:
            raise
        raise ConfigurationError("TWIML_HANDLERS", f"there is no module {module_name} in {root}") from error
    routers = getattr(module, "routers", ())
    listed = routers if isinstance(routers, list | tuple) else ()
    if not listed:
        raise ConfigurationError("TWIML_HANDLERS", f"the module {module_name} has no list of routers: routers = [...]")
    if strangers := [type(router).__name__ for router in listed if not isinstance(router, Router)]:
        problem = f"the routers of {module_name} hold a {strangers[0]}: list routers, such as hello.router"
        raise ConfigurationError("TWIML_HANDLERS", problem)
    for name in _unlisted(module, listed):
        logger.warning("%s defines a router that is not listed in %s.routers, so it never runs", name, module_name)
    return Router(*listed)


def _unlisted(package: ModuleType, listed: Sequence[Router]) -> Iterator[str]:
    """Yield the modules of a handlers package whose router is not listed, so that it never runs."""
    for folder in getattr(package, "__path__", []):
        for file in sorted(Path(folder).glob("[!_]*.py")):
            name = f"{package.__name__}.{file.stem}"
            router = getattr(sys.modules.get(name), "router", None)
            imported = name in sys.modules
            if (imported and isinstance(router, Router) and router not in listed) or (
                not imported and "Router(" in file.read_text(encoding="utf-8", errors="replace")
            ):
                yield name
