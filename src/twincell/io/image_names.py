"""Which image a table means by a name: people write whole paths, parts of them, names or stems."""

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath


class ImageNames:
    """Finds images by what a table calls them, in the same time for ten and for a million.

    Args:
        images: paths as they are known, relative or absolute, with forward slashes.
    """

    def __init__(self, images: Sequence[str]) -> None:
        self.images = list(dict.fromkeys(images))
        self._by_path: defaultdict[str, list[str]] = defaultdict(list)
        self._by_name: defaultdict[str, list[str]] = defaultdict(list)
        self._by_stem: defaultdict[str, list[str]] = defaultdict(list)
        for image in self.images:
            path = PurePosixPath(image)
            self._by_path[os.path.normpath(image)].append(image)
            self._by_name[path.name].append(image)
            self._by_stem[path.stem].append(image)

    def meant(self, asked: str) -> list[str]:
        """The images that a name may mean: none, one, or several that it cannot tell apart.

        The whole path counts first, then the file name (of several, those whose path ends as the name
        does), then the name without its suffix.
        """
        wanted = PurePosixPath(asked.replace("\\", "/"))
        if found := self._by_path.get(os.path.normpath(str(wanted))):
            return found
        found = self._by_name.get(wanted.name, [])
        if len(found) > 1 and len(wanted.parts) > 1:
            return [
                image for image in found if PurePosixPath(image).parts[-len(wanted.parts) :] == wanted.parts
            ]
        return found or self._by_stem.get(wanted.name) or self._by_stem.get(wanted.stem) or []
