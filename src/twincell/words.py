"""Numbers in sentences, singular and plural right."""


def number(n: int, name: str, plural: str | None = None) -> str:
    """ "1 cell", "0 cells", "1,200 cells"; `plural` where it is not the name with an s."""
    return f"{n:,} {name if n == 1 else plural or name + 's'}"
