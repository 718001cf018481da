"""Lists the root over WebHDFS with Kerberos each time that it reads a line, as a long-lived service
with HdfsCLI does. Prints "listed", or "refused" and why, in one line each.

  listings.py http://localhost:PORT
"""

import logging
import sys

from hdfs.ext.kerberos import KerberosClient


class Kept(logging.Handler):
    """Keeps what requests_kerberos logs: what GSSAPI said is nowhere else."""

    def __init__(self):
        super().__init__()
        self.said = []

    def emit(self, record):
        text = self.format(record).splitlines()
        self.said += text[:1] + text[-1:]


kept = Kept()
logging.getLogger("requests_kerberos").addHandler(kept)
client = KerberosClient(sys.argv[1])
for _ in sys.stdin:
    kept.said.clear()
    try:
        client.list("/")
        print("listed", flush=True)
    except Exception as error:
        print("refused", *kept.said, repr(error), sep="; ", flush=True)
