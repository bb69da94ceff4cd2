"""The fixtures are those of the system tests."""

import importlib.util
import pathlib

spec = importlib.util.spec_from_file_location(
    "system_conftest", pathlib.Path(__file__).resolve().parents[1] / "system" / "conftest.py"
)
system = importlib.util.module_from_spec(spec)
spec.loader.exec_module(system)
binary, data, run = system.binary, system.data, system.run
kafka, topic = system.kafka, system.topic
