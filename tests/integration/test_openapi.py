"""The message API does what its own description says, whatever it is asked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
CHECKS += ",response_headers_conformance,negative_data_rejection"


def examples(binaries: Path) -> int:
    """Few where a sanitizer makes the program slow; what they add there is little."""
    program = (binaries / "p2p-message-api").read_bytes()
    return 5 if b"__asan_init" in program or b"__tsan_init" in program else 40


@pytest.mark.parametrize("store", ["sqlite", "mongodb"])
def test_description_is_true(request, store, binaries, tmp_path):
    api = request.getfixturevalue("api" if store == "sqlite" else "mongo_api")
    program = Path(sys.executable).parent / "schemathesis"
    arguments = [program, "run", f"{api.url}/openapi.json", "--checks", CHECKS, "--seed", "20261122"]
    arguments += ["--max-examples", examples(binaries), "--phases", "examples,coverage,fuzzing", "--workers", "1"]
    arguments += ["--request-timeout", "30", "--suppress-health-check", "all", "--warnings", "off"]
    environment = {**os.environ, "NO_PROXY": "127.0.0.1", "HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path / "hypothesis")}
    run = subprocess.run(
        [str(part) for part in arguments],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=150,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-20000:]
    assert "Tested: 8" in run.stdout, run.stdout  # all but the description itself
