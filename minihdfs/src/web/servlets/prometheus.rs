//! `/prom` (Hadoop's `PrometheusServlet`): figures for Prometheus, if
//! `hadoop.prometheus.endpoint.enabled` wants them.

use std::fmt::Write;

use http::StatusCode;
use serde_json::Value;

use super::Page;
use super::beans::beans;
use crate::web::response::{self, WebResponse};

/// Returns all figures of the beans.
pub(super) fn answer(page: &Page<'_>) -> WebResponse {
    if !page.namenode.config().web.prometheus {
        return response::page(StatusCode::NOT_FOUND, "Not Found");
    }
    let mut text = String::new();
    for bean in beans(page) {
        let Some(record) = bean.name.rsplit_once("name=").map(|(_, name)| name) else {
            continue;
        };
        for (name, value) in &bean.attributes {
            let Value::Number(value) = value else {
                continue;
            };
            let name = snake(&format!("{record}{name}"));
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "# TYPE {name} gauge\n{name}{{context=\"dfs\"}} {value}\n"
            );
        }
    }
    response::text(&text)
}

/// Returns a name in lower case with underscores, as Hadoop derives them.
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at + 1);
        let begins = letter.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || (before.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
            });
        if begins {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::snake;

    #[test]
    fn names_are_as_hadoop_derives_them() {
        assert_eq!(
            snake("FSNamesystemBlocksTotal"),
            "fs_namesystem_blocks_total"
        );
        assert_eq!(
            snake("RpcAuthenticationFailures"),
            "rpc_authentication_failures"
        );
    }
}
