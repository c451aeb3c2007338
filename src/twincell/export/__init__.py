"""Models for other engines: ONNX and OpenVINO, checked against the package before they are written."""

from twincell.export.export import Exported, export
from twincell.export.options import ExportOptions

__all__ = ["ExportOptions", "Exported", "export"]
