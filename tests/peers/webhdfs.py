"""Drives WebHDFS by the libraries that Python users have.

  webhdfs.py LIBRARY URL [CA]

LIBRARY is hdfs (HdfsCLI), requests_gssapi, fsspec, pywebhdfs, opendal or opendal_native; URL is
http://localhost:PORT or
https://localhost:PORT with the authority's certificate CA. Without KRB5CCNAME the user is alice, who
proves nothing. Prints "done" at the end of the work.
"""

import os
import sys
from urllib.parse import urlsplit

TEXT = b"".join(b"line %d\n" % i for i in range(30000))
HOME = "/user/alice"


def with_hdfs(url, kerberos):
    import requests

    session = requests.Session()
    if kerberos:
        from hdfs.ext.kerberos import KerberosClient

        client = KerberosClient(url, session=session)
    else:
        from hdfs import InsecureClient

        client = InsecureClient(url, user="alice", session=session)
    folder = f"{HOME}/hdfs"
    client.makedirs(folder, permission="750")
    client.write(f"{folder}/f", TEXT)
    client.write(f"{folder}/f", b"more", append=True)
    with client.read(f"{folder}/f", offset=7, length=len(TEXT)) as reader:
        assert reader.read() == (TEXT + b"more")[7 : 7 + len(TEXT)]
    assert client.status(f"{folder}/f")["length"] == len(TEXT) + 4
    assert client.list(folder) == ["f"]
    assert client.content(folder)["fileCount"] == 1
    assert client.checksum(f"{folder}/f")["length"] == 28
    client.set_acl(folder, "user:bob:r-x", clear=False)
    assert "user:bob:r-x" in client.acl_status(folder)["entries"]
    client.rename(f"{folder}/f", f"{folder}/g")
    client.set_permission(f"{folder}/g", "600")
    client.set_replication(f"{folder}/g", 1)
    assert [found for found in client.walk(folder)][0][2] == ["g"]
    assert client.delete(folder, recursive=True)
    assert client.status(folder, strict=False) is None


def with_requests_gssapi(url, kerberos):
    import requests
    from requests_gssapi import HTTPSPNEGOAuth

    session = requests.Session()
    session.auth = HTTPSPNEGOAuth(opportunistic_auth=True)
    base = f"{url}/webhdfs/v1{HOME}/gssapi"
    created = session.put(f"{base}?op=CREATE&overwrite=true", allow_redirects=False)
    assert created.status_code == 307, created.text
    assert session.put(created.headers["Location"], data=TEXT).status_code == 201
    assert session.get(f"{base}?op=OPEN").content == TEXT
    assert session.delete(f"{base}?op=DELETE").json() == {"boolean": True}


def with_fsspec(url, kerberos):
    import fsspec

    parts = urlsplit(url)
    found = fsspec.filesystem(
        "webhdfs",
        host=parts.hostname,
        port=parts.port,
        kerberos=kerberos,
        user=None if kerberos else "alice",
        use_https=parts.scheme == "https",
    )
    folder = f"{HOME}/fsspec"
    found.makedirs(folder)
    with found.open(f"{folder}/f", "wb") as file:
        file.write(TEXT)
    assert found.cat_file(f"{folder}/f") == TEXT
    assert found.info(f"{folder}/f")["size"] == len(TEXT)
    assert [entry["name"] for entry in found.ls(folder, detail=True)] == [f"{folder}/f"]
    assert found.cat_file(f"{folder}/f", start=5, end=105) == TEXT[5:105]
    found.mv(f"{folder}/f", f"{folder}/g")
    found.rm(folder, recursive=True)
    assert not found.exists(folder)


def with_pywebhdfs(url, kerberos):
    from pywebhdfs.webhdfs import PyWebHdfsClient

    parts = urlsplit(url)
    client = PyWebHdfsClient(host=parts.hostname, port=str(parts.port), user_name="alice")
    folder = f"{HOME.lstrip('/')}/pywebhdfs"
    client.make_dir(folder)
    client.create_file(f"{folder}/f", TEXT)
    client.append_file(f"{folder}/f", b"more")
    assert client.read_file(f"{folder}/f") == TEXT + b"more"
    assert client.get_file_dir_status(f"{folder}/f")["FileStatus"]["length"] == len(TEXT) + 4
    listed = client.list_dir(folder)["FileStatuses"]["FileStatus"]
    assert [entry["pathSuffix"] for entry in listed] == ["f"]
    client.rename_file_dir(f"{folder}/f", f"/{folder}/g")
    client.delete_file_dir(folder, recursive=True)


def opendal_work(operator):
    operator.create_dir("d/")
    operator.write("d/f", TEXT)
    assert operator.stat("d/f").content_length == len(TEXT)
    assert bytes(operator.read("d/f")) == TEXT
    with operator.open("d/f", "rb") as file:
        file.seek(7)
        assert file.read(1000) == TEXT[7:1007]
    assert "d/f" in [entry.path for entry in operator.list("d/")]
    operator.delete("d/f")
    assert not operator.exists("d/f")
    operator.remove_all("d/")
    assert not operator.exists("d/")


def with_opendal(url, kerberos):
    import opendal

    who = {"user_name": "alice"}
    if kerberos:
        import requests
        from requests_gssapi import HTTPSPNEGOAuth

        get = f"{url}/webhdfs/v1/?op=GETDELEGATIONTOKEN"
        answer = requests.get(get, auth=HTTPSPNEGOAuth()).json()
        who = {"delegation": answer["Token"]["urlString"]}
    opendal_work(opendal.Operator("webhdfs", endpoint=url, root=f"{HOME}/opendal", **who))


def with_opendal_native(url, kerberos):
    import opendal

    namenode = os.environ["NAMENODE"]
    opendal_work(opendal.Operator("hdfs-native", name_node=namenode, root=f"{HOME}/native"))


library, url, *ca = sys.argv[1:]
if ca:
    os.environ["REQUESTS_CA_BUNDLE"] = ca[0]
globals()[f"with_{library}"](url, "KRB5CCNAME" in os.environ)
print("done")
