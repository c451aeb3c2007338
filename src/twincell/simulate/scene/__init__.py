"""What is in a chamber: cells, walls, dirt, and how they change. Knows nothing of images."""

from twincell.simulate.scene.growth import GrowthSettings, growth_settings
from twincell.simulate.scene.sample import sample
from twincell.simulate.scene.scene import Chamber, Dirt, Scene
from twincell.simulate.scene.settings import SceneSettings, load_scene_settings
from twincell.simulate.scene.timelapse import Timelapse, timelapse

__all__ = [
    "Chamber",
    "Dirt",
    "GrowthSettings",
    "Scene",
    "SceneSettings",
    "Timelapse",
    "growth_settings",
    "load_scene_settings",
    "sample",
    "timelapse",
]
