//! The API described for people: one page, made from the description for programs, without any outside request.

use std::fmt::Write;

use axum::response::{Html, IntoResponse};
use http::{
    HeaderMap,
    header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST},
};
use serde_json::Value;

use super::openapi::openapi;

const STYLE: &str = include_str!("page.css");
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) async fn page(headers: HeaderMap) -> impl IntoResponse {
    let described = serde_json::to_value(openapi()).unwrap_or_default();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1:8080");
    ([(CONTENT_SECURITY_POLICY, POLICY)], Html(written(&described, host)))
}

pub(super) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}

/// The page, with lines for curl that reach this host.
fn written(described: &Value, host: &str) -> String {
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Secure Messaging: REST API</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <link rel=\"stylesheet\" href=\"/api/docs.css\"></head><body><main>",
    );
    let info = &described["info"];
    // Writing to a string does not fail, here and below.
    let _ = write!(
        page,
        "<h1>{} <small>REST API, version {}</small></h1><p>{}</p><p>The same for programs: \
         <a href=\"/api/openapi.json\">openapi.json</a>.</p>",
        escaped(&info["title"]),
        escaped(&info["version"]),
        escaped(&info["description"])
    );
    for (tag, operations) in by_tag(described) {
        let _ = write!(page, "<h2>{}</h2>", escape(&tag));
        for (method, path, operation) in operations {
            let _ = write!(page, "<section><h3><code>{method} {}</code></h3>", escape(&path));
            write_operation(&mut page, operation, described);
            let line = curl(&method, &path, operation, described, host);
            let _ = write!(page, "<pre><code>{}</code></pre></section>", escape(&line));
        }
    }
    page.push_str("</main></body></html>");
    page
}

type Operation<'a> = (String, String, &'a Value);

/// In the order in which the description names the tags.
fn by_tag(described: &Value) -> Vec<(String, Vec<Operation<'_>>)> {
    let names = described["tags"].as_array().into_iter().flatten();
    let mut tags: Vec<(String, Vec<Operation<'_>>)> =
        names.map(|tag| (text(&tag["name"]), Vec::new())).collect();
    for (path, item) in described["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let tag = operation["tags"][0].as_str().unwrap_or_default().to_owned();
            let operation = (method.to_uppercase(), path.clone(), operation);
            match tags.iter_mut().find(|(known, _)| *known == tag) {
                Some((_, operations)) => operations.push(operation),
                None => tags.push((tag, vec![operation])),
            }
        }
    }
    tags
}

fn write_operation(page: &mut String, operation: &Value, described: &Value) {
    let _ = write!(
        page,
        "<p><strong>{}</strong> {}</p>",
        prose(&text(&operation["summary"])),
        prose(&text(&operation["description"]))
    );
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let parameters: Vec<Field> = parameters
        .iter()
        .map(|parameter| Field {
            name: text(&parameter["name"]),
            note: format!("{} (in the {})", text(&parameter["description"]), text(&parameter["in"])),
            is_optional: parameter["required"] != true,
            example: Value::Null,
        })
        .collect();
    write_fields(page, "Parameters", &parameters);
    write_fields(page, "Body", &fields(body(operation), described));
    let answer = &operation["responses"]["200"]["content"]["application/json"]["schema"];
    let item = if answer["type"] == "array" { &answer["items"] } else { answer };
    let title = if answer["type"] == "array" { "Answer: a list of" } else { "Answer" };
    write_fields(page, title, &fields(item, described));
}

fn body(operation: &Value) -> &Value {
    &operation["requestBody"]["content"]["application/json"]["schema"]
}

/// A line that can be copied, with the examples of the description.
fn curl(method: &str, path: &str, operation: &Value, described: &Value, host: &str) -> String {
    let mut line = String::from("curl");
    if operation["security"].is_array() {
        line.push_str(" -b cookies.txt");
    } else if path == "/api/login" {
        line.push_str(" -c cookies.txt");
    }
    if method != "GET" {
        let _ = write!(line, " -X {method}");
    }
    let path = path.replace("{username}", "bob").replace("{id}", "1");
    let _ = write!(line, " http://{host}{path}");
    let fields = fields(body(operation), described);
    if !fields.is_empty() {
        let wanted = fields.into_iter().filter(|field| !field.is_optional);
        let form: serde_json::Map<String, Value> = wanted.map(|field| (field.name, field.example)).collect();
        let _ =
            write!(line, " \\\n  -H \"Content-Type: application/json\" \\\n  -d '{}'", Value::Object(form));
    }
    line
}

struct Field {
    name: String,
    note: String,
    is_optional: bool,
    /// What the description gives as an example.
    example: Value,
}

fn write_fields(page: &mut String, title: &str, fields: &[Field]) {
    if fields.is_empty() {
        return;
    }
    let _ = write!(page, "<h4>{title}</h4><dl>");
    for Field { name, note, is_optional, example: _ } in fields {
        let optional = if *is_optional { " <small>optional</small>" } else { "" };
        let _ = write!(page, "<dt><code>{}</code>{optional}</dt><dd>{}</dd>", escape(name), prose(note));
    }
    page.push_str("</dl>");
}

/// The fields of a schema: its own, or those of all that it is made of.
fn fields(schema: &Value, described: &Value) -> Vec<Field> {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return fields(&described["components"]["schemas"][name], described);
    }
    let parts = ["allOf", "oneOf", "anyOf"].iter().filter_map(|of| schema[of].as_array()).flatten();
    let mut all: Vec<Field> = parts.flat_map(|part| fields(part, described)).collect();
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        all.push(Field {
            name: name.clone(),
            note: text(&field["description"]),
            is_optional: !required.contains(&name.as_str()),
            example: if field["example"].is_null() { "…".into() } else { field["example"].clone() },
        });
    }
    all
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn escaped(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

/// What stands between backticks is code.
fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(|(at, part)| if at % 2 == 1 { format!("<code>{}</code>", escape(part)) } else { escape(part) })
        .collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_and_every_field_stands_on_the_page() {
        let described = serde_json::to_value(openapi()).unwrap();
        let page = written(&described, "127.0.0.1:8080");
        for path in described["paths"].as_object().unwrap().keys() {
            assert!(page.contains(&escape(path)), "{path}");
        }
        for field in [
            "recipient",
            "requires_totp",
            "recovery_key",
            "signature_valid",
            "expires_in_days",
            "wait",
            "seconds",
            "for",
        ] {
            assert!(page.contains(&format!("<code>{field}</code>")), "{field}");
        }
        let sent = r#"-d '{"message":"Hello Bob! This is a secret message.","recipient":"bob"}'"#;
        assert!(page.contains(&escape(sent)), "lines that can be copied");
        for outside in ["src=", "url(", "@import", "href=\"http"] {
            assert!(!page.contains(outside), "it asks nobody else");
        }
    }
}
