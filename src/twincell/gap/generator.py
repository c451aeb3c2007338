"""Drawn images with any of their differences to the real ones closed, all else as it was."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import yaml
from pydantic import TypeAdapter, ValidationError

from twincell.documents import read_json
from twincell.errors import UserError
from twincell.gap.shapley import DISTRIBUTION, PHOTOREALISM, Closed
from twincell.simulate.preset_files import is_file
from twincell.simulate.presets import Preset, load_preset
from twincell.simulate.render.settings import EllipseLook, Look, OpticsLook
from twincell.simulate.scene.settings import SceneSettings
from twincell.simulate.write import write_images


class Generator(Protocol):
    """Whatever draws counted images."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    def key(self, closed: Closed) -> str:
        """What decides the images, as text: the same key, n and seed are the same images."""
        ...

    def write(self, out: Path, closed: Closed, n: int, seed: int) -> None:
        """Writes n images with their counts into a new folder, as `twincell synth` does.

        Args:
            out: the folder.
            closed: of distribution and photorealism, what is made like the real images; whatever else is
                closed or open, the same seed draws the same scenes.
            n: images, >= 1.
            seed: of drawing.
        """
        ...


@dataclass(frozen=True)
class Redrawn:
    """Scenes and looks of the simulator.

    Attributes:
        given: what draws the images whose gap is asked for.
        fitted: what `twincell match` found to make images like the real ones.
    """

    given: Preset
    fitted: Preset

    @property
    def name(self) -> str:
        """That of the preset."""
        return self.given.name

    def preset(self, closed: Closed) -> Preset:
        """What draws the images with these differences closed."""
        scene = self.fitted.scene if DISTRIBUTION in closed else self.given.scene
        look = self.fitted.look if PHOTOREALISM in closed else self.given.look
        lamp = self.fitted.look if DISTRIBUTION in closed else self.given.look
        return Preset("drawn", scene, in_the_light_of(look, lamp))

    def key(self, closed: Closed) -> str:
        """As `Generator.key`."""
        return preset_text(self.preset(closed), "")

    def write(self, out: Path, closed: Closed, n: int, seed: int) -> None:
        """As `Generator.write`."""
        write_images(out, self.preset(closed), n, seed, progress=False)


def in_the_light_of(
    look: EllipseLook | OpticsLook, lamp: EllipseLook | OpticsLook
) -> EllipseLook | OpticsLook:
    """A look whose images are as bright, and as rich in contrast, as those of another.

    How bright images are belongs to what is in them, not to how cells look. `walls.level` is left where it
    is, since cells' grey levels are set against it, and the image is made brighter as a whole.
    """
    if lamp == look:
        return look
    middle = sum(look.walls.level) / 2
    low, high = (
        level - middle + offset for level, offset in zip(lamp.walls.level, lamp.camera.offset, strict=True)
    )
    light = {"gain": lamp.camera.gain, "shading": lamp.camera.shading, "offset": (low, high)}
    walls = look.walls.model_copy(update={"level": (middle, middle)})
    camera = look.camera.model_copy(update=light)
    return look.model_copy(update={"walls": walls, "camera": camera})


def given_preset(synthetic: str) -> Preset:
    """The preset that is named, a file of one, or what a folder of `twincell synth` was drawn from.

    Raises:
        UserError: it is none of these.
    """
    settings = Path(synthetic) / "settings.json"
    if is_file(synthetic) or not Path(synthetic).is_dir():
        return load_preset(synthetic)
    if not settings.exists():
        raise UserError(
            f"{synthetic}: has no settings.json, so nobody knows what its images were drawn from; name a "
            "preset, or a folder that `twincell synth` wrote"
        )
    cure = "draw the folder again with `twincell synth`, or name a preset"
    tree = read_json(settings, cure)
    try:
        look: OpticsLook | EllipseLook = TypeAdapter(Look).validate_python(tree["look"])
        return Preset(str(tree["preset"]), SceneSettings.model_validate(tree["scene"]), look)
    except (KeyError, TypeError, ValidationError) as error:
        raise UserError(f"{settings}: holds no scene and look that twincell can draw; {cure}") from error


def preset_text(preset: Preset, head: str) -> str:
    """A preset as a file that `twincell synth` takes; head: what it is, behind a #."""
    parts = {
        name: getattr(preset, name).model_dump(mode="json", exclude_none=True) for name in ("scene", "look")
    }
    return f"# {head}\n" + yaml.safe_dump(parts, sort_keys=False, default_flow_style=None, width=110)
