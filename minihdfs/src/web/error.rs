//! Exceptions as WebHDFS shows them (Hadoop's `ExceptionHandler`).

use http::StatusCode;
use serde_json::json;

use super::response::{self, WebResponse};
use crate::HdfsError;
use crate::error::Class;

/// The class of a request whose user cannot be determined, or may not act for another.
const SECURITY: &str = "java.lang.SecurityException";

/// The class of a token that does not count.
const AUTHENTICATION: &str =
    "org.apache.hadoop.security.authentication.client.AuthenticationException";
/// The class of a user who may not act for another.
const AUTHORIZATION: &str = "org.apache.hadoop.security.authorize.AuthorizationException";

/// The services whose statuses for exceptions differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Dialect {
    /// A NameNode's and DataNodes' WebHDFS.
    #[default]
    WebHdfs,
    /// HttpFS (`HttpFSExceptionProvider`).
    HttpFs,
}

impl Dialect {
    /// Returns the response for an exception.
    pub(super) fn failure(self, error: &HdfsError) -> WebResponse {
        let mut response = failure(error);
        if self == Self::HttpFs && response.status() == StatusCode::FORBIDDEN {
            *response.status_mut() = match error.class() {
                SECURITY | "java.security.AccessControlException" => StatusCode::UNAUTHORIZED,
                // Its filter refuses these.
                AUTHENTICATION | AUTHORIZATION => StatusCode::FORBIDDEN,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            };
        }
        response
    }
}

/// Returns the response for an exception.
pub(super) fn failure(error: &HdfsError) -> WebResponse {
    let class = error.class();
    let simple = class.rsplit(['.', '$']).next().unwrap_or(class);
    // Java's own exceptions, and those of HTTP, may have no text.
    let may_be_mute = class.starts_with("java.lang.") || class.starts_with("javax.");
    let message = Some(error.message()).filter(|text| !text.is_empty() || !may_be_mute);
    let body = json!({
        "RemoteException": {
            "exception": simple,
            "javaClassName": class,
            "message": message,
        }
    });
    response::of_failure(status(error), &body)
}

/// Converts the reason why there is no user into what `UserProvider` throws.
pub(super) fn no_user(error: &HdfsError) -> HdfsError {
    HdfsError::new(
        SECURITY,
        format!("Failed to obtain user group information: {error}"),
    )
}

/// Returns the status for a class. Hadoop asks for the first of these that the class extends:
/// FileNotFoundException, IOException, UnsupportedOperationException, IllegalArgumentException.
pub(super) fn status(error: &HdfsError) -> StatusCode {
    match error.kind() {
        Class::FileNotFound => StatusCode::NOT_FOUND,
        Class::IllegalArgument
        | Class::HadoopIllegalArgument
        | Class::InvalidPath
        | Class::UnsupportedOperation => StatusCode::BAD_REQUEST,
        Class::Runtime | Class::Assertion => StatusCode::INTERNAL_SERVER_ERROR,
        Class::Other(name) if **name == *SECURITY => StatusCode::FORBIDDEN,
        Class::Other(name) if name.starts_with("java.lang.") => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::FORBIDDEN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_have_hadoops_status_and_names() {
        for (error, status, body) in [
            (
                HdfsError::file_not_found("File does not exist: /foo"),
                404,
                r#"{"RemoteException":{"exception":"FileNotFoundException","javaClassName":"java.io.FileNotFoundException","message":"File does not exist: /foo"}}"#,
            ),
            (
                HdfsError::invalid_token("no"),
                403,
                r#"{"RemoteException":{"exception":"InvalidToken","javaClassName":"org.apache.hadoop.security.token.SecretManager$InvalidToken","message":"no"}}"#,
            ),
            (
                no_user(&HdfsError::io("x")),
                403,
                r#"{"RemoteException":{"exception":"SecurityException","javaClassName":"java.lang.SecurityException","message":"Failed to obtain user group information: java.io.IOException: x"}}"#,
            ),
            (
                HdfsError::unsupported_operation("u"),
                400,
                r#"{"RemoteException":{"exception":"UnsupportedOperationException","javaClassName":"java.lang.UnsupportedOperationException","message":"u"}}"#,
            ),
            (
                HdfsError::runtime("r"),
                500,
                r#"{"RemoteException":{"exception":"RuntimeException","javaClassName":"java.lang.RuntimeException","message":"r"}}"#,
            ),
        ] {
            let response = failure(&error);
            assert_eq!(response.status(), status);
            assert_eq!(&**response.body(), body.as_bytes());
        }
    }

    #[test]
    fn httpfs_has_other_statuses() {
        for (error, status) in [
            (HdfsError::file_not_found("f"), 404),
            (HdfsError::illegal_argument("i"), 400),
            (HdfsError::io("x"), 500),
            (no_user(&HdfsError::io("x")), 401),
        ] {
            assert_eq!(Dialect::HttpFs.failure(&error).status(), status);
        }
    }
}
