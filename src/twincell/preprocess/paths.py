"""Names of chambers and of their crops' files."""


def chamber_name(position: str, number: int) -> str:
    """The manifest's word for a chamber."""
    return f"{position}-ch{number:02}"


def image_path(position: str, number: int, frame: int) -> str:
    """Where a crop lies, relative to the result folder."""
    return f"images/{chamber_name(position, number)}/t{frame:05}.png"
