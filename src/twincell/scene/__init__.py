"""What is in a chamber: cells, walls, dirt, and how they change. Knows nothing of images."""

from twincell.scene.sample import sample
from twincell.scene.scene import Chamber, Dirt, Scene
from twincell.scene.settings import SceneSettings, load_scene_settings

__all__ = ["Chamber", "Dirt", "Scene", "SceneSettings", "load_scene_settings", "sample"]
