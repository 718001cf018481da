"""gss_accept.py LIBRARY SERVICE@HOST: a client and a service in one process.

Calls MIT's or Heimdal's GSS-API library directly. The client's ticket is in $KRB5CCNAME, the
service's keys are in $KRB5_KTNAME. Prints the client that the service accepted, and the attributes
of its name (RFC 6680), each with whether the library vouches for it. Exit code 1: refused.
"""

import ctypes
import sys
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint32, c_void_p, cast


class Buffer(ctypes.Structure):
    _fields_ = [("length", c_size_t), ("value", c_void_p)]

    def bytes(self):
        return ctypes.string_at(self.value, self.length) if self.length else b""


class Oid(ctypes.Structure):
    _fields_ = [("length", c_uint32), ("elements", c_void_p)]


class BufferSet(ctypes.Structure):
    _fields_ = [("count", c_size_t), ("elements", POINTER(Buffer))]


def oid(*content):
    content = bytes(content)
    kept.append(content)
    return Oid(len(content), cast(c_char_p(content), c_void_p))


kept = []
gss = ctypes.CDLL(sys.argv[1])
krb5 = oid(0x2A, 0x86, 0x48, 0x86, 0xF7, 0x12, 1, 2, 2)
hostbased = oid(0x2A, 0x86, 0x48, 0x86, 0xF7, 0x12, 1, 2, 1, 4)
MUTUAL = 2


def text(buffer):
    return buffer.bytes().decode(errors="replace")


def check(step, major, minor):
    """Exits with the library's own error text if a step has failed."""
    if not major & 0xFFFF0000:
        return major
    words = []
    for kind, code in ((1, major), (2, minor)):
        message, more, said = c_uint32(), c_uint32(0), Buffer()
        gss.gss_display_status(
            byref(message), c_uint32(code), c_int(kind), byref(krb5), byref(more), byref(said)
        )
        words.append(text(said))
    print(step, "refused:", "; ".join(words), file=sys.stderr)
    sys.exit(1)


minor = c_uint32()
target, name = c_void_p(), sys.argv[2].encode()
asked = Buffer(len(name), cast(c_char_p(name), c_void_p))
check(
    "import",
    gss.gss_import_name(byref(minor), byref(asked), byref(hostbased), byref(target)),
    minor.value,
)

initiator, acceptor, client = c_void_p(), c_void_p(), c_void_p()
to_service, to_client = Buffer(), Buffer()
while True:
    major = gss.gss_init_sec_context(
        byref(minor),
        None,
        byref(initiator),
        target,
        byref(krb5),
        c_uint32(MUTUAL),
        c_uint32(0),
        None,
        byref(to_client),
        None,
        byref(to_service),
        None,
        None,
    )
    more = check("initiator", major, minor.value)
    if not to_service.length:
        break
    major = gss.gss_accept_sec_context(
        byref(minor),
        byref(acceptor),
        None,
        byref(to_service),
        None,
        byref(client),
        None,
        byref(to_client),
        None,
        None,
        None,
    )
    check("acceptor", major, minor.value)
    if not more:
        break

shown = Buffer()
check("display", gss.gss_display_name(byref(minor), client, byref(shown), None), minor.value)
print("accepted", text(shown))
if "krb5" in sys.argv[1]:
    attributes, mechanism, is_mechanism = POINTER(BufferSet)(), c_void_p(), c_int()
    check(
        "inquire",
        gss.gss_inquire_name(
            byref(minor), client, byref(is_mechanism), byref(mechanism), byref(attributes)
        ),
        minor.value,
    )
    names = attributes.contents.elements[: attributes.contents.count] if attributes else []
    for attribute in names:
        vouched, complete, value, display, more = c_int(), c_int(), Buffer(), Buffer(), c_int(-1)
        if gss.gss_get_name_attribute(
            byref(minor),
            client,
            byref(attribute),
            byref(vouched),
            byref(complete),
            byref(value),
            byref(display),
            byref(more),
        ):
            # The library lists the attribute but has no value for it, as for a PAC that it could
            # not verify.
            continue
        print(text(attribute), "vouched" if vouched.value else "doubted", value.length)
