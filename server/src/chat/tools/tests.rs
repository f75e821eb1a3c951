#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::config::tools::WebSearch;
use serde_json::json;

fn tools(with_web: bool) -> Tools {
    let web_search = with_web
        .then(|| WebSearch { base_url: "http://127.0.0.1:1".parse().unwrap(), api_key: "tvly-test".to_owned().into() });
    Tools::from_config(&config::tools::Tools { max_iterations: 8, web_search }).unwrap()
}

fn names(offers: &[ToolOffer]) -> Vec<&str> {
    offers.iter().map(|offer| offer.name).collect()
}

#[test]
fn a_viewer_is_offered_what_reads_and_the_web_only_where_it_is_set_up() {
    let reading = ["search_documents", "read_document"];
    assert_eq!(names(&tools(false).offers(Role::Viewer)), reading);
    let all = [reading.as_slice(), &["create_document", "edit_document", "trash_document", "web_search"]].concat();
    assert_eq!(names(&tools(true).offers(Role::Member)), all);
    assert!(!format!("{:?}", tools(true)).contains("tvly"));
}

#[test]
fn every_schema_stands_for_itself() {
    for offer in tools(true).offers(Role::Owner) {
        let schema = offer.parameters;
        assert_eq!(schema["type"], "object", "{}", offer.name);
        assert!(!schema.to_string().contains("$ref"), "{schema}");
        for (name, argument) in schema["properties"].as_object().unwrap() {
            assert!(argument["description"].is_string(), "{}.{name}", offer.name);
        }
    }
    let edit = tools(false).find("edit_document").unwrap().offer().parameters;
    assert_eq!(edit["required"], json!(["id", "revision", "text"]));
}
