"""The soak tests stand on the stage of the end-to-end tests."""
import importlib.util
import pathlib
import sys

E2E = pathlib.Path(__file__).resolve().parents[1] / "e2e"
sys.path.insert(0, str(E2E))
_spec = importlib.util.spec_from_file_location("e2e_stage", E2E / "conftest.py")
_stage = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_stage)
stage, usher, origin = _stage.stage, _stage.usher, _stage.origin
