"""The counting methods, one folder each. `METHODS[name]` imports a method when it is asked for."""

import importlib
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from twincell.errors import UserError

if TYPE_CHECKING:
    from twincell.models.base.method import Method


OLD_NAMES = {"spatial_twin": "density_network"}
"""What methods were called in earlier releases; cards, presets and run folders of those stay readable."""


class _Methods(Mapping[str, "Method"]):
    """Names to methods; a method's package (and torch with it) is imported on first use."""

    def __init__(self, modules: dict[str, str]) -> None:
        self._modules = modules
        self._noticed: set[str] = set()

    def current(self, name: str) -> str:
        """Today's name of a method; an old one is said on stderr, once a process."""
        if name in self._modules or name not in OLD_NAMES:
            return name
        if name not in self._noticed:
            self._noticed.add(name)
            print(f"twincell: method {name} is called {OLD_NAMES[name]} now; read as such", file=sys.stderr)
        return OLD_NAMES[name]

    def __getitem__(self, name: str) -> "Method":
        if name not in self._modules:
            raise UserError(f"method {name!r} is unknown: use one of {', '.join(self._modules)}")
        method: Method = importlib.import_module(self._modules[name]).METHOD
        return method

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def register(self, name: str, module: str) -> None:
        """Adds the method `module.METHOD` under `name`, for methods kept outside this package."""
        self._modules[name] = module


METHODS = _Methods(
    {
        name: f"twincell.models.{name}"
        for name in (
            "density_network",
            "twin_vae",
            "bit",
            "efficientnet",
            "watershed",
            "density_regression",
            "nearest",
        )
    }
)
