"""Drives the Python packages krb5 and gssapi, configured by KRB5_CONFIG and KRB5CCNAME.

Each command prints its result.

  password PRINCIPAL PASSWORD        krb5: a first ticket, stored in the default cache
  keytab PRINCIPAL KEYTAB            the same
  postdated PRINCIPAL KEYTAB AFTER   a ticket that becomes valid AFTER seconds from now
  armored PRINCIPAL PASSWORD ARMOR   a ticket with mandatory FAST; ARMOR is the armor's cache
  renew | validate                   the ticket in the default cache
  context PRINCIPAL KEYTAB SERVICE KEYTAB
      gssapi: a context, with messages in both directions
  delegate SERVICE KEYTAB USER BACKEND BACKEND_KEYTAB
      gssapi: SERVICE acts at BACKEND in USER's name
  proxy PRINCIPAL KEYTAB SERVICE KEYTAB BACKEND KEYTAB
      gssapi: a context with SERVICE, which acts at BACKEND with the credentials that it was sent

A refusal is printed as "refused CODE TEXT".
"""

import sys

import gssapi
import krb5


def keep(ctx, creds):
    cache = krb5.cc_default(ctx)
    krb5.cc_initialize(ctx, cache, creds.client)
    krb5.cc_store_cred(ctx, cache, creds)
    describe(creds)


def describe(creds):
    times = creds.times
    print(
        f"ticket {creds.client} {creds.server} lives {times.endtime - times.starttime} after {times.starttime - times.authtime}"
    )


def options(ctx):
    opt = krb5.get_init_creds_opt_alloc(ctx)
    krb5.get_init_creds_opt_set_tkt_life(opt, 3600)
    krb5.get_init_creds_opt_set_renew_life(opt, 24 * 3600)
    return opt


def password(principal, secret):
    ctx = krb5.init_context()
    who = krb5.parse_name_flags(ctx, principal.encode())
    keep(ctx, krb5.get_init_creds_password(ctx, who, options(ctx), password=secret.encode()))


def keytab(principal, file, after=0):
    ctx = krb5.init_context()
    who = krb5.parse_name_flags(ctx, principal.encode())
    keys = krb5.kt_resolve(ctx, file.encode())
    keep(
        ctx, krb5.get_init_creds_keytab(ctx, who, options(ctx), keytab=keys, start_time=int(after))
    )


def armored(principal, secret, armor):
    ctx = krb5.init_context()
    who = krb5.parse_name_flags(ctx, principal.encode())
    opt = options(ctx)
    krb5.get_init_creds_opt_set_fast_ccache_name(ctx, opt, armor.encode())
    krb5.get_init_creds_opt_set_fast_flags(ctx, opt, krb5.FastFlags.required)
    keep(ctx, krb5.get_init_creds_password(ctx, who, opt, password=secret.encode()))


def again(get):
    ctx = krb5.init_context()
    cache = krb5.cc_default(ctx)
    keep(ctx, get(ctx, krb5.cc_get_principal(ctx, cache), cache, None))


def logged_in(principal, file, usage):
    name = gssapi.Name(principal, gssapi.NameType.kerberos_principal)
    store = {"client_keytab": file, "keytab": file, "ccache": f"MEMORY:{principal}"}
    return gssapi.Credentials(name=name, usage=usage, store=store)


def talk(initiator, acceptor):
    token = initiator.step()
    while not (initiator.complete and acceptor.complete):
        token = acceptor.step(token)
        if token is not None and not initiator.complete:
            token = initiator.step(token)
    for here, there in ((initiator, acceptor), (acceptor, initiator)):
        assert there.decrypt(here.encrypt(b"between the two of us")) == b"between the two of us"
        there.verify_signature(b"a message", here.get_signature(b"a message"))
    print(f"context of {acceptor.initiator_name} with {initiator.target_name}")


def context(principal, file, service, service_file):
    name = gssapi.Name(service, gssapi.NameType.kerberos_principal)
    initiator = gssapi.SecurityContext(
        name=name, creds=logged_in(principal, file, "initiate"), usage="initiate"
    )
    talk(
        initiator,
        gssapi.SecurityContext(creds=logged_in(service, service_file, "accept"), usage="accept"),
    )


def delegate(service, file, user, backend, backend_file):
    front = logged_in(service, file, "both")
    name = gssapi.Name(user, gssapi.NameType.kerberos_principal)
    theirs = front.impersonate(name)
    target = gssapi.Name(backend, gssapi.NameType.kerberos_principal)
    initiator = gssapi.SecurityContext(name=target, creds=theirs, usage="initiate")
    talk(
        initiator,
        gssapi.SecurityContext(creds=logged_in(backend, backend_file, "accept"), usage="accept"),
    )


def proxy(principal, file, service, service_file, backend, backend_file):
    name = gssapi.Name(service, gssapi.NameType.kerberos_principal)
    initiator = gssapi.SecurityContext(
        name=name, creds=logged_in(principal, file, "initiate"), usage="initiate"
    )
    acceptor = gssapi.SecurityContext(
        creds=logged_in(service, service_file, "both"), usage="accept"
    )
    talk(initiator, acceptor)
    target = gssapi.Name(backend, gssapi.NameType.kerberos_principal)
    onward = gssapi.SecurityContext(name=target, creds=acceptor.delegated_creds, usage="initiate")
    talk(
        onward,
        gssapi.SecurityContext(creds=logged_in(backend, backend_file, "accept"), usage="accept"),
    )


COMMANDS = {
    "password": password,
    "keytab": keytab,
    "postdated": keytab,
    "armored": armored,
    "renew": lambda: again(krb5.get_renewed_creds),
    "validate": lambda: again(krb5.get_validated_creds),
    "context": context,
    "delegate": delegate,
    "proxy": proxy,
}

try:
    COMMANDS[sys.argv[1]](*sys.argv[2:])
except krb5.Krb5Error as error:
    print("refused", error.err_code, error)
except gssapi.exceptions.GSSError as error:
    # The library's own number, which GSS returns as unsigned.
    print("refused", error.min_code - 2**32, " ".join(str(error).split()))
