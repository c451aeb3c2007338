"""Moving a trained network to another microscope: schemes over its named parts.

The public function `twincell.transfer(model, manifest, out, scheme)` bears the name of this room, and Python
puts the room in the function's place once one of its modules is imported. So the room can be called too.
"""

import sys
from types import ModuleType
from typing import Any


class _Room(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """`twincell.api.transfer`."""
        from twincell.api import transfer

        return transfer(*arguments, **options)


sys.modules[__name__].__class__ = _Room
