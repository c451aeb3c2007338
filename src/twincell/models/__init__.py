"""The counting methods, one folder each. `METHODS[name]` imports a method when it is asked for."""

import importlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from twincell.errors import UserError

if TYPE_CHECKING:
    from twincell.models.base import Method


class _Methods(Mapping[str, "Method"]):
    """Names to methods; a method's package (and torch with it) is imported on first use."""

    def __init__(self, modules: dict[str, str]) -> None:
        self._modules = modules

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
            "spatial_twin",
            "twin_vae",
            "bit",
            "efficientnet",
            "watershed",
            "density_regression",
            "nearest",
        )
    }
)
