//! Requests as they arrive.

use std::net::IpAddr;

use http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::HdfsError;

/// The prefix of every path of WebHDFS.
pub(super) const PREFIX: &str = "/webhdfs/v1";

/// The head of a request, and the address that it came from.
#[derive(Clone, Copy, Debug)]
pub struct WebRequest<'a> {
    /// Method, URI and header fields.
    pub head: &'a Parts,
    /// The client's address.
    pub peer: IpAddr,
    /// True if it arrived over TLS.
    pub is_https: bool,
}

impl WebRequest<'_> {
    /// Returns the HDFS path of a WebHDFS request; `None` if it is another request.
    pub(super) fn hdfs_path(&self) -> Option<Result<String, HdfsError>> {
        let path = self.head.uri.path().strip_prefix(PREFIX)?;
        if !path.is_empty() && !path.starts_with('/') {
            return None;
        }
        let decoded = percent_decode_str(path).decode_utf8().map_err(|_| {
            HdfsError::illegal_argument(format!("The path {path} is not percent-encoded UTF-8"))
        });
        Some(decoded.map(|path| match &*path {
            "" => "/".to_owned(),
            path => path.to_owned(),
        }))
    }

    /// Returns the scheme by which it arrived.
    pub(super) fn scheme(&self) -> Scheme {
        if self.is_https {
            Scheme::Https
        } else {
            Scheme::Http
        }
    }

    /// Returns the parameters.
    pub(super) fn query(&self) -> Query {
        Query::parse(self.head.uri.query().unwrap_or_default())
    }

    /// Returns the text of a header field.
    pub(super) fn header(&self, name: http::HeaderName) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// Returns the value of a cookie, without its quotes.
    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        let fields = self.head.headers.get_all(http::header::COOKIE);
        fields
            .iter()
            .filter_map(|field| field.to_str().ok())
            .flat_map(|field| field.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.trim_matches('"'))
    }
}

/// The scheme of a URL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The parameters of a request.
#[derive(Clone, Default, Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(query: &str) -> Self {
        Self(
            form_urlencoded::parse(query.as_bytes())
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// Returns the parameters as they are in a URL.
    pub(super) fn to_text(&self) -> String {
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(&self.0);
        text.finish()
    }

    /// Removes a parameter, whose name may be in any case, and returns its value.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let value = self.get_in_any_case(name).map(str::to_owned);
        self.0.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        value
    }

    /// Adds a parameter.
    pub(super) fn add(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// Returns a parameter. The text `null` stands for its absence, as in Hadoop.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let first = self.0.iter().find(|(key, _)| key == name);
        first
            .map(|(_, value)| value.as_str())
            .filter(|value| *value != "null")
    }

    /// Returns the parameters with their names in lower case, as the NameNode reads those of
    /// operations.
    pub(super) fn in_lower_case(mut self) -> Self {
        for (name, _) in &mut self.0 {
            name.make_ascii_lowercase();
        }
        self
    }

    /// Returns a parameter whose name may be in any case. All servers read those of the caller's
    /// identity so.
    pub(super) fn get_in_any_case(&self, name: &str) -> Option<&str> {
        let mut of_name = self.0.iter();
        of_name
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Takes the user from `ugi`, as the tools of old name it, if no other parameter names one.
    pub(super) fn with_user_of_ugi(mut self) -> Self {
        let named = self.get_in_any_case("user.name").is_some();
        let ugi = self.get("ugi").and_then(|text| text.split(',').next());
        if let (false, Some(user)) = (named, ugi.map(str::to_owned)) {
            self.0.push(("user.name".to_owned(), user));
        }
        self
    }

    /// Returns every value of a parameter that may be repeated.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let of_name = self.0.iter().filter(move |(key, _)| key == name);
        of_name.map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(uri: &str) -> Parts {
        let request = http::Request::builder()
            .uri(uri)
            .header("cookie", "a=b; hadoop.auth=\"u=x\"");
        request.body(()).expect("a request").into_parts().0
    }

    #[test]
    fn a_path_is_what_follows_the_prefix() {
        for (uri, path) in [
            ("/webhdfs/v1", Some("/")),
            ("/webhdfs/v1/", Some("/")),
            ("/webhdfs/v1/a%20b+c?op=OPEN", Some("/a b+c")),
            ("/webhdfs/v1/%C3%A4", Some("/ä")),
            ("/webhdfs/v12", None),
            ("/jmx", None),
        ] {
            let head = head(uri);
            let peer = IpAddr::from([127, 0, 0, 1]);
            let request = WebRequest {
                head: &head,
                peer,
                is_https: false,
            };
            let found = request.hdfs_path().map(|path| path.expect("UTF-8"));
            assert_eq!(found.as_deref(), path, "{uri}");
            assert_eq!(request.cookie("hadoop.auth"), Some("u=x"));
        }
    }

    #[test]
    fn names_of_parameters_are_exact_except_those_of_the_user_and_of_operations() {
        let query = Query::parse("OFFSET=1&op=OPEN&DoAs=bob&length=null&a=1+2&a=%26");
        assert_eq!(query.get("offset"), None);
        assert_eq!(query.get("length"), None);
        assert_eq!(query.get_in_any_case("doas"), Some("bob"));
        assert_eq!(query.all("a").collect::<Vec<_>>(), ["1 2", "&"]);
        assert_eq!(query.in_lower_case().get("offset"), Some("1"));
    }
}
