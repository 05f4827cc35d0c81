"""The store's unit tests, run once more with a MongoDB server."""

import subprocess

import pytest

from harness.process import clean_environment, sanitizer_report


@pytest.mark.threads
@pytest.mark.parametrize("name", ["test_store", "test_store_mongo"])
def test_store_on_mongodb(binaries, mongo, name):
    program = binaries.parent / "unit" / f"message_api_{name}"
    environment = clean_environment({"P2P_TEST_MONGO_URL": mongo.url, "CMOCKA_MESSAGE_OUTPUT": "stdout"})
    done = subprocess.run(
        [program], env=environment, timeout=110, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    output = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0 and not sanitizer_report(done.stdout), output
    assert "SKIPPED" not in output, output
