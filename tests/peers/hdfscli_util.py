"""What the tests of HdfsCLI share; its source distribution leaves the module out."""

import os

import pytest

from hdfs import InsecureClient


def save_config(config):
    """Writes a configuration to the file that it was read from."""
    with open(config.path, "w") as writer:
        config.write(writer)


class _IntegrationTest(object):
    """Begins each test with an empty folder, on the cluster at HDFSCLI_TEST_URL."""

    client = None

    @classmethod
    def setup_class(cls):
        url = os.environ["HDFSCLI_TEST_URL"]
        cls.client = InsecureClient(url, user="hdfs", root="/tmp/hdfscli")
        cls._remove()

    @classmethod
    def teardown_class(cls):
        if cls.client:
            cls._remove()

    def setup_method(self):
        if not self.client:
            pytest.skip("the cluster lacks what these tests are about")
        self._remove()

    @classmethod
    def _remove(cls):
        """Removes the folder, with the snapshots that an earlier test left in it."""
        client = cls.client
        if client.status("", strict=False) is None:
            return
        for name, status in client.list("", status=True):
            if status["type"] != "DIRECTORY":
                continue
            for snapshot in (
                client.list(f"{name}/.snapshot") if status.get("snapshotEnabled") else []
            ):
                client.delete_snapshot(name, snapshot)
        client.delete("", recursive=True)

    def _read(self, path, encoding=None):
        with self.client.read(path, encoding=encoding) as reader:
            return reader.read()

    def _write(self, path, data, encoding=None):
        self.client.write(path, data, encoding=encoding)

    def _exists(self, path):
        return self.client.status(path, strict=False) is not None
