//! The security layer of GSSAPI: each message is a separate Wrap token (RFC 4752, 3.3).

use kerbox_krb5::gss::{GssContext, MessageReceiver, MessageSender};
use rand::rngs::StdRng;

use crate::sasl::layer::{Layer, Unwrap, Wrap};
use crate::sasl::{QualityOfProtection, SaslError};

/// Signs or encrypts messages.
struct GssWrap {
    sender: MessageSender,
    sealed: bool,
    rng: StdRng,
}

/// Verifies and unwraps messages.
struct GssUnwrap {
    receiver: MessageReceiver,
    sealed: bool,
}

/// Creates the layer of an established context.
pub(super) fn layer(context: GssContext, qop: QualityOfProtection, rng: StdRng) -> Layer {
    let sealed = match qop {
        QualityOfProtection::Authentication => return Layer::none(),
        QualityOfProtection::Integrity => false,
        QualityOfProtection::Privacy => true,
    };
    let wrap = GssWrap {
        sender: context.sender,
        sealed,
        rng,
    };
    let unwrap = GssUnwrap {
        receiver: context.receiver,
        sealed,
    };
    Layer::new(wrap, unwrap)
}

impl Wrap for GssWrap {
    fn wrap_into(&mut self, plaintext: &[u8], out: &mut Vec<u8>) {
        self.sender
            .wrap_into(self.sealed, plaintext, &mut self.rng, out);
    }
}

impl Unwrap for GssUnwrap {
    fn unwrap_into(&mut self, token: &[u8], out: &mut Vec<u8>) -> Result<(), SaslError> {
        let start = out.len();
        let sealed = self.receiver.unwrap_into(token, out).map_err(|error| {
            SaslError::sasl(format!("Problems unwrapping SASL buffer: {error}"))
        })?;
        if self.sealed && !sealed {
            out.truncate(start);
            return Err(SaslError::sasl(
                "Problems unwrapping SASL buffer: Privacy not protected",
            ));
        }
        Ok(())
    }
}
