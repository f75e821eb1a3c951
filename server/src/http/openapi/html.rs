//! The API's description for people: the OpenAPI document as one page of HTML, without script.

use crate::http::error::KINDS;
use leptos::prelude::*;
use serde_json::{Map, Value};

/// Methods in the order in which they are shown.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// One operation, as it stands under its path in the document.
struct Operation<'a> {
    method: &'static str,
    path: &'a str,
    tag: &'a str,
    value: &'a Value,
}

impl Operation<'_> {
    fn text(&self, key: &str) -> String {
        text(self.value, key)
    }
}

pub(super) fn body(document: &Value) -> impl IntoView + use<> {
    let operations = operations(document);
    let tags: Vec<&str> =
        document["tags"].as_array().into_iter().flatten().filter_map(|tag| tag["name"].as_str()).collect();
    let contents = tags
        .iter()
        .map(|tag| view! { <li><a href=format!("#{}", slug(tag))>{tag.to_string()}</a></li> })
        .collect_view();
    let sections = tags
        .iter()
        .map(|tag| {
            let of_tag = operations.iter().filter(|operation| operation.tag == *tag).map(operation_view).collect_view();
            view! { <section id=slug(tag)><h2>{tag.to_string()}</h2>{of_tag}</section> }
        })
        .collect_view();
    view! {
        <main class="api-docs" id="main">
            <header>
                <p><a href="/">"Atelier"</a></p>
                <h1>"API"</h1>
                <p>{prose(&document["info"])}</p>
                <p>"For programs: "<a href="/api/openapi.json">"openapi.json"</a></p>
            </header>
            <nav aria-label="Contents">
                <ul>
                    {contents}
                    <li><a href="#schemas">"Types"</a></li>
                    <li><a href="#problems">"Problems"</a></li>
                </ul>
            </nav>
            {sections}
            {schemas_view(document)}
            {problems_view()}
        </main>
    }
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let Some(paths) = document["paths"].as_object() else { return Vec::new() };
    let mut operations = Vec::new();
    for (path, item) in paths {
        for method in METHODS {
            let value = &item[method];
            if value.is_object() {
                operations.push(Operation { method, path, tag: value["tags"][0].as_str().unwrap_or("Other"), value });
            }
        }
    }
    operations
}

fn operation_view(operation: &Operation<'_>) -> impl IntoView + use<> {
    let id = operation.text("operationId");
    let parameters = operation.value["parameters"].as_array().filter(|all| !all.is_empty()).map(|all| {
        let rows = all.iter().map(parameter_row).collect_view();
        view! { <h4>"Parameters"</h4><dl>{rows}</dl> }
    });
    let body = operation.value["requestBody"]["content"].as_object().map(|content| {
        view! { <h4>"Body"</h4>{content_view(content)} }
    });
    let responses = operation.value["responses"].as_object().map(|all| {
        let rows = all.iter().filter(|(status, _)| *status != "default").map(response_row).collect_view();
        view! { <h4>"Answers"</h4><dl>{rows}</dl> }
    });
    view! {
        <article id=id.clone() aria-labelledby=format!("{id}-title")>
            <h3 id=format!("{id}-title")>{operation.text("summary")}</h3>
            <p><code><b class="method">{operation.method.to_uppercase()}</b>" "{operation.path.to_owned()}</code></p>
            <p>{prose(operation.value)}</p>
            {parameters}
            {body}
            {responses}
        </article>
    }
}

fn parameter_row(parameter: &Value) -> impl IntoView + use<> {
    let place = text(parameter, "in");
    view! {
        <dt><code>{text(parameter, "name")}</code></dt>
        <dd>{format!("in the {place}: ")}{type_view(&parameter["schema"])}". "{prose(parameter)}</dd>
    }
}

fn response_row((status, response): (&String, &Value)) -> impl IntoView + use<> {
    let content = response["content"].as_object().map(content_view);
    view! { <dt>{status.clone()}</dt><dd>{prose(response)}{content}</dd> }
}

fn content_view(content: &Map<String, Value>) -> impl IntoView + use<> {
    content
        .iter()
        .map(|(media_type, value)| {
            view! { <p><code>{media_type.clone()}</code>": "{type_view(&value["schema"])}</p> }
        })
        .collect_view()
}

fn schemas_view(document: &Value) -> impl IntoView + use<> {
    let schemas = document["components"]["schemas"].as_object().map(|schemas| {
        schemas
            .iter()
            .map(|(name, schema)| {
                view! {
                    <article id=schema_anchor(name)>
                        <h3>{name.clone()}</h3>
                        <p>{prose(schema)}</p>
                        {schema_view(schema)}
                    </article>
                }
            })
            .collect_view()
    });
    view! { <section id="schemas"><h2>"Types"</h2>{schemas}</section> }
}

fn schema_view(schema: &Value) -> AnyView {
    if let Some(properties) = schema["properties"].as_object() {
        let required = schema["required"].as_array();
        let rows = properties
            .iter()
            .map(|(name, property)| {
                let optional = !required.is_some_and(|required| required.iter().any(|field| field == name));
                view! {
                    <dt><code>{name.clone()}</code>{optional.then_some(" (optional)")}</dt>
                    <dd>{type_view(property)}". "{prose(property)}</dd>
                }
            })
            .collect_view();
        return view! { <dl>{rows}</dl> }.into_any();
    }
    if let Some(variants) = schema["oneOf"].as_array() {
        let variants =
            variants.iter().map(|variant| view! { <li>{prose(variant)}" "{schema_view(variant)}</li> }).collect_view();
        return view! { <ul>{variants}</ul> }.into_any();
    }
    view! { <p>{type_view(schema)}</p> }.into_any()
}

/// A type in a few words, linked to where it is described.
fn type_view(schema: &Value) -> AnyView {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or(reference).to_owned();
        return view! { <a href=format!("#{}", schema_anchor(&name))>{name.clone()}</a> }.into_any();
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        return values.join(" or ").into_any();
    }
    if let Some(variants) = schema["oneOf"].as_array().or(schema["allOf"].as_array()) {
        let variants = variants
            .iter()
            .enumerate()
            .map(|(n, variant)| view! { {(n > 0).then_some(" or ")}{type_view(variant)} })
            .collect_view();
        return variants.into_any();
    }
    let names = match &schema["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "any value".to_owned(),
    };
    let format = schema["format"].as_str().map(|format| format!(" ({format})")).unwrap_or_default();
    if schema["items"].is_object() {
        return view! { "list of "{type_view(&schema["items"])} }.into_any();
    }
    format!("{names}{format}").into_any()
}

fn problems_view() -> impl IntoView {
    let rows = KINDS
        .iter()
        .map(|(status, fragment, title)| {
            view! {
                <dt id=format!("problem-{fragment}")><code>{format!("#problem-{fragment}")}</code></dt>
                <dd>{format!("{}: {title}.", status.as_u16())}</dd>
            }
        })
        .collect_view();
    view! {
        <section id="problems">
            <h2>"Problems"</h2>
            <p>
                "Every failure is an object of the type " <a href=format!("#{}", schema_anchor("Problem"))>"Problem"</a>
                " (RFC 9457). Its " <code>"detail"</code> " is a sentence for people; its " <code>"type"</code>
                " ends in one of these, for programs:"
            </p>
            <dl>{rows}</dl>
        </section>
    }
}

/// The description, with what stands between backticks as code.
fn prose(value: &Value) -> impl IntoView + use<> {
    let pieces: Vec<String> = text(value, "description").split('`').map(str::to_owned).collect();
    let view = |(n, piece): (usize, String)| {
        if n % 2 == 1 { view! { <code>{piece}</code> }.into_any() } else { piece.into_any() }
    };
    pieces.into_iter().enumerate().map(view).collect_view()
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn slug(tag: &str) -> String {
    format!("tag-{}", tag.to_lowercase().replace(' ', "-"))
}

fn schema_anchor(name: &str) -> String {
    format!("type-{name}")
}
