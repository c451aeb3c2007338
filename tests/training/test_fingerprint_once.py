"""A run hashes the images of its manifest once: reading them twice would double the wait before step one."""

import json
from pathlib import Path

import pytest

from helpers.training_toys import toy_settings, write_toy_data
from twincell.data.manifest import Manifest
from twincell.training import fit


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_hashes_its_manifest_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resume: bool
) -> None:
    manifest = Manifest.read(write_toy_data(tmp_path / "data", chambers=2, frames=4))
    calls = []
    real = Manifest.fingerprint

    def fingerprint(self: Manifest) -> str:
        calls.append(self)
        return real(self)

    monkeypatch.setattr(Manifest, "fingerprint", fingerprint)
    settings = toy_settings(training__steps=2, training__validation="none")
    run = fit(settings, manifest, tmp_path / "run", resume=resume, progress=False)
    assert len(calls) == 1
    held = json.loads((run / "run.json").read_text())["fingerprint"]
    assert held == json.loads((run / "model.json").read_text())["data"]["fingerprint"] == real(manifest)
