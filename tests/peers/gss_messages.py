"""gss_messages.py KEYTAB: a service with MIT's library, for clients without mutual authentication.

Reads lines of hexadecimal: the client's first token, a signed and a sealed Wrap token, a MIC token.
Prints the client's name and the text of both messages, then its own tokens for the sealed message:
signed, sealed, MIC. A refusal is printed as "refused TEXT".
"""

import sys

import gssapi

store = {"keytab": sys.argv[1]}
token, signed, sealed, mic = (bytes.fromhex(line) for line in sys.stdin)
try:
    context = gssapi.SecurityContext(
        creds=gssapi.Credentials(usage="accept", store=store), usage="accept"
    )
    answer = context.step(token)
    assert answer is None and context.complete
    print(context.initiator_name)
    for sent, encrypted in ((signed, False), (sealed, True)):
        read = context.unwrap(sent)
        assert read.encrypted == encrypted
        print(read.message.decode())
    message = read.message
    context.verify_signature(message, mic)
    for token in (
        context.wrap(message, False).message,
        context.wrap(message, True).message,
        context.get_signature(message),
    ):
        print(token.hex())
except gssapi.exceptions.GSSError as error:
    print("refused", " ".join(str(error).split()))
