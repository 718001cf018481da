//! `/jmx` (Hadoop's `JMXJsonServlet`): beans by a pattern of their names (`qry`), or one attribute
//! of them (`get`).

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::Page;
use super::beans::{Bean, beans};
use crate::web::request::Query;
use crate::web::response::{self, WebResponse};

/// Returns the NameNode's beans that the request wants.
pub(super) fn answer(page: &Page<'_>) -> WebResponse {
    select(&beans(page), page.query)
}

/// Returns the beans that a request wants.
pub(super) fn select(beans: &[Bean], query: &Query) -> WebResponse {
    if let Some(get) = query.get("get") {
        return attribute(beans, get);
    }
    let pattern = query.get("qry").unwrap_or("*:*");
    let Some(pattern) = Pattern::parse(pattern) else {
        return response::pretty_json(StatusCode::BAD_REQUEST, &json!({}));
    };
    let wanted = beans.iter().filter(|bean| pattern.matches(bean.name));
    let wanted: Vec<Value> = wanted.map(Bean::to_json).collect();
    response::pretty_json(StatusCode::OK, &json!({ "beans": wanted }))
}

/// Returns one attribute of the beans that match: `NAME::ATTRIBUTE`.
fn attribute(beans: &[Bean], get: &str) -> WebResponse {
    let mut parts = get.split("::");
    let (Some(name), Some(attribute), None) = (parts.next(), parts.next(), parts.next()) else {
        let error = json!({ "result": "ERROR", "message": "query format is not as expected." });
        return response::pretty_json(StatusCode::BAD_REQUEST, &error);
    };
    let Some(pattern) = Pattern::parse(name) else {
        return response::pretty_json(StatusCode::BAD_REQUEST, &json!({}));
    };
    let mut status = StatusCode::OK;
    let mut found = Vec::new();
    for bean in beans.iter().filter(|bean| pattern.matches(bean.name)) {
        let mut fields = bean.head();
        match bean.attributes.iter().find(|(key, _)| key == attribute) {
            Some((key, value)) => {
                fields.insert(key.clone(), value.clone());
            }
            None => {
                status = StatusCode::NOT_FOUND;
                let message = format!("No attribute with name {attribute} was found.");
                fields.insert("result".to_owned(), "ERROR".into());
                fields.insert("message".to_owned(), message.into());
            }
        }
        found.push(Value::Object(fields));
        if status != StatusCode::OK {
            break;
        }
    }
    response::pretty_json(status, &json!({ "beans": found }))
}

impl Bean {
    fn head(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("name".to_owned(), self.name.into());
        fields.insert("modelerType".to_owned(), self.kind.into());
        fields
    }

    fn to_json(&self) -> Value {
        let mut fields = self.head();
        fields.extend(self.attributes.iter().cloned());
        Value::Object(fields)
    }
}

/// A pattern of names (`javax.management.ObjectName`): a domain, and properties in any order.
struct Pattern<'a> {
    domain: &'a str,
    properties: Vec<(&'a str, &'a str)>,
    /// True if further properties may follow.
    is_open: bool,
}

impl<'a> Pattern<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (domain, list) = text.split_once(':')?;
        let mut pattern = Self {
            domain,
            properties: Vec::new(),
            is_open: false,
        };
        for property in list.split(',') {
            if property == "*" {
                pattern.is_open = true;
            } else {
                pattern.properties.push(property.split_once('=')?);
            }
        }
        Some(pattern)
    }

    fn matches(&self, name: &str) -> bool {
        let Some(name) = Pattern::parse(name) else {
            return false;
        };
        let has = |(key, value): &(&str, &str)| {
            let mut named = name.properties.iter();
            named.any(|(other, text)| other == key && is_like(text, value))
        };
        is_like(name.domain, self.domain)
            && self.properties.iter().all(has)
            && (self.is_open || self.properties.len() == name.properties.len())
    }
}

/// Returns true if a text fits a pattern with `*` for any characters and `?` for one.
fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) =
        (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut of) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(of) {
            Some('*') => {
                star = Some((at, of));
                of += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == text[at] => {
                at += 1;
                of += 1;
            }
            _ => {
                // Lets the last star take one more character.
                let Some((from, star_at)) = star else {
                    return false;
                };
                star = Some((from + 1, star_at));
                (at, of) = (from + 1, star_at + 1);
            }
        }
    }
    pattern[of..].iter().all(|wanted| *wanted == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_object_names() {
        let name = "Hadoop:service=NameNode,name=FSNamesystem";
        for (pattern, fits) in [
            ("*:*", true),
            ("Hadoop:*", true),
            ("Hadoop:service=NameNode,*", true),
            ("Hadoop:name=FSNamesystem,service=NameNode", true),
            ("Hadoop:service=NameNode,name=FSNamesystem*", true),
            ("Hadoop:service=NameNode,name=FS*m", true),
            ("Hadoop:service=NameNode", false),
            ("Hadoop:service=DataNode,*", false),
            ("java.lang:*", false),
        ] {
            let pattern = Pattern::parse(pattern).expect("a pattern");
            assert_eq!(pattern.matches(name), fits);
        }
        assert!(Pattern::parse("nothing").is_none());
        assert!(!is_like("abc", "a*d") && is_like("abcd", "a*?d") && is_like("", "*"));
    }
}
