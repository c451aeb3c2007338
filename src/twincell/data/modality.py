"""Words for how images were taken: bf and pc by any of their usual names, every other word as it is."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from twincell.errors import UserError

NAMES = {
    "bf": ("bf", "bright field", "brightfield microscopy", "hellfeld", "transmitted light"),
    "pc": ("pc", "ph", "ph1", "ph2", "ph3", "phc", "phase", "phase contrast", "phasenkontrast"),
}
"""Each modality and what people call it; case, spaces, dashes and underscores do not matter."""
ALIKE = 0.85  # share of letters in common above which a word is a known one misspelt


def _bare(word: str) -> str:
    return re.sub(r"[\s_-]+", "", word).casefold()


_KNOWN = {_bare(name): modality for modality, names in NAMES.items() for name in names}


def modality_of(word: str) -> str:
    """Give the manifest's word for a modality: bf, pc, or the word itself without spaces around it."""
    return _KNOWN.get(_bare(word), word.strip())


def misspelt(word: str) -> str | None:
    """The known name that a word is likely meant as; None where it is known, or a word of its own."""
    bare = _bare(word)
    if bare in _KNOWN or not bare.isalpha():
        return None
    near = get_close_matches(bare, [name for name in _KNOWN if len(name) > 3], 1, ALIKE)
    return _KNOWN[near[0]] if near else None


def asked_modality(word: str | None, option: str = "--modality") -> str | None:
    """The modality that a user names; None where none is.

    Raises:
        UserError: blank, or a known name misspelt, with the nearest.
    """
    if word is None:
        return None
    if not word.strip():
        raise UserError(f"{option} is blank; write bf, pc or a word of your own")
    if meant := misspelt(word):
        raise UserError(
            f"{option} {word!r} is not known; write {meant} ({NAMES[meant][-1]}), or a word of your own "
            "that resembles no other"
        )
    return modality_of(word)


def others(words: Iterable[str], known: Iterable[str]) -> list[str]:
    """The modalities among `words` that are none of `known`, whatever they are called in either."""
    return sorted(set(map(modality_of, words)) - set(map(modality_of, known)) - {""})
