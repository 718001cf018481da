//! `/conf` (Hadoop's `ConfServlet`): the configuration as XML or JSON, or one property of it.

use http::StatusCode;
use serde_json::{Value, json};

use super::Page;
use crate::web::response::{self, WebResponse};

/// The file that all keys are said to come from.
const RESOURCE: &str = "hdfs-site.xml";
/// The word that stands for a value which must not be shown.
const HIDDEN: &str = "<redacted>";

/// Returns the configuration in the type that the client accepts.
pub(super) fn answer(page: &Page<'_>) -> WebResponse {
    let name = page.query.get("name").filter(|name| !name.is_empty());
    let wanted = page.configuration.iter();
    let wanted: Vec<(&str, &str)> = wanted
        .filter(|(key, _)| name.is_none_or(|name| name == key))
        .map(|(key, value)| (key.as_str(), shown(key, value)))
        .collect();
    if let (Some(name), true) = (name, wanted.is_empty()) {
        let reason = format!("Property {name} not found");
        return response::page(StatusCode::NOT_FOUND, &reason);
    }
    if page.accept.contains("json") {
        return as_json(&wanted, name.is_some());
    }
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?><configuration>\n",
    );
    for (key, value) in wanted {
        let (key, value) = (response::escaped(key), response::escaped(value));
        xml.push_str(&format!(
            "<property><name>{key}</name><value>{value}</value><final>false</final>\
             <source>{RESOURCE}</source></property>\n"
        ));
    }
    xml.push_str("</configuration>\n");
    response::typed("text/xml; charset=utf-8", xml)
}

fn as_json(wanted: &[(&str, &str)], is_one: bool) -> WebResponse {
    let property = |(key, value): &(&str, &str)| json!({ "key": key, "value": value, "isFinal": false, "resource": RESOURCE });
    let value = match wanted {
        [one] if is_one => json!({ "property": property(one) }),
        all => json!({ "properties": all.iter().map(property).collect::<Vec<Value>>() }),
    };
    response::typed("application/json; charset=utf-8", value.to_string())
}

/// Returns a value, unless its key is one of secrets
/// (`hadoop.security.sensitive-config-keys`).
fn shown<'a>(key: &str, value: &'a str) -> &'a str {
    let is_secret = ["secret$", "password$", "ssl.keystore.pass$"]
        .iter()
        .any(|end| {
            let end = end.trim_end_matches('$');
            key.ends_with(end)
        });
    if is_secret { HIDDEN } else { value }
}
