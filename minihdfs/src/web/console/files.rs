//! The embedded files, and the header fields with which every response of the console goes out.

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, Response, StatusCode};
use sha2::{Digest, Sha256};

use super::ConsoleFile;
use crate::web::response::{self, WebResponse};

/// The name of the page itself.
const PAGE: &str = "index.html";

/// Embeds a file of `minihdfs/console`.
macro_rules! file {
    ($name:literal) => {
        ConsoleFile {
            name: $name,
            bytes: include_bytes!(concat!("../../../console/", $name)),
        }
    };
}

/// The files that every console has.
static FRAME: [ConsoleFile; 6] = [
    file!("index.html"),
    file!("style.css"),
    file!("icon.svg"),
    file!("main.js"),
    file!("dom.js"),
    file!("api.js"),
];

/// The files that a NameNode adds. The first one is the module that the page loads.
pub(in crate::web) static OF_NAMENODE: [ConsoleFile; 6] = [
    file!("hdfs.js"),
    file!("webhdfs.js"),
    file!("overview.js"),
    file!("datanodes.js"),
    file!("files.js"),
    file!("details.js"),
];

/// What a response must say for the browser to show it as it is meant.
pub(in crate::web) struct Look<'a> {
    /// The entity tags that the client has (`If-None-Match`).
    pub(in crate::web) known: Option<&'a str>,
    /// The origins of the servers to which the page uploads files, separated by blanks.
    pub(in crate::web) origins: &'a str,
}

/// Returns the file of this name, of the frame or of the others; `None` if there is none. The empty
/// name is the page's.
pub(in crate::web) fn found(
    name: &str,
    others: [&'static [ConsoleFile]; 2],
    look: &Look<'_>,
) -> Option<WebResponse> {
    let name = if name.is_empty() { PAGE } else { name };
    let others = others.into_iter().flatten();
    let file = FRAME.iter().chain(others).find(|file| file.name == name)?;
    let tag = tag(file.bytes);
    let known = look.known.unwrap_or_default().split(',');
    let mut is_known = known.map(|tag| tag.trim().trim_start_matches("W/"));
    let mut response = if is_known.any(|known| known == tag) {
        let mut unchanged = Response::new(Bytes::new());
        *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
        unchanged
    } else {
        let mut response = Response::new(Bytes::from_static(file.bytes));
        let content_type = HeaderValue::from_static(file.content_type());
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        response
    };
    response::add(&mut response, ETAG, &tag);
    guarded(&mut response, look.origins);
    // The browser asks each time, and is told that nothing has changed.
    response::add(&mut response, CACHE_CONTROL, "no-cache");
    Some(response)
}

/// Returns the entity tag of a content.
fn tag(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let digits: String = digest[..12].iter().map(|b| format!("{b:02x}")).collect();
    format!("\"{digits}\"")
}

/// Adds what keeps foreign content out of the page, and the page out of foreign frames.
fn guarded(response: &mut WebResponse, origins: &str) {
    let origins = match origins {
        "" => String::new(),
        origins => format!(" {origins}"),
    };
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'{origins}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, &*policy),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // URLs of uploads have tokens in them.
        (REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        response::add(response, name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_one_of_the_files_and_comes_once() {
        let first = Look {
            known: None,
            origins: "http://localhost:9864",
        };
        let page = found("", [&[], &[]], &first).expect("the page");
        assert_eq!(page.status(), StatusCode::OK);
        let text = |name: HeaderName| {
            let value = page.headers().get(name).expect("a field");
            value.to_str().expect("text").to_owned()
        };
        assert_eq!(text(CONTENT_TYPE), "text/html; charset=utf-8");
        let policy = text(CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(
            !policy.contains("unsafe") && !policy.contains('*'),
            "{policy}"
        );
        let tag = text(ETAG);
        let again = Look {
            known: Some(&tag),
            ..first
        };
        let unchanged = found("index.html", [&[], &[]], &again).expect("the page");
        assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
        assert!(unchanged.body().is_empty());
        assert!(found("hdfs.js", [&OF_NAMENODE, &[]], &first).is_some());
        assert!(found("hdfs.js", [&[], &[]], &first).is_none());
        assert!(found("../Cargo.toml", [&OF_NAMENODE, &[]], &again).is_none());
    }

    #[test]
    fn no_file_has_script_or_style_in_a_page_or_loads_anything_from_outside() {
        for file in FRAME.iter().chain(&OF_NAMENODE) {
            let text = str::from_utf8(file.bytes).expect("text");
            assert!(!text.contains("innerHTML"), "{}", file.name);
            let outside = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!outside.contains("http://"), "{}", file.name);
            assert!(!outside.contains("https://"), "{}", file.name);
            if file.name.ends_with(".html") {
                assert!(!text.contains("<style") && !text.contains("style="));
                assert!(!text.contains("<script>") && !text.contains(" on"));
            }
        }
    }
}
