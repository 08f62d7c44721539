//! A plugin's own configuration, checked against the JSON Schema of its manifest. The subset: `type`, `properties`,
//! `required`, `enum`, `items`, `minimum`, `maximum`, `default`, `additionalProperties` as a schema, `secret`, and
//! `format: "path"`. Anything else in a schema is for people and is not looked at.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value as Json};

use super::error::Place;
use super::reader::Context;
use super::tree::{Node, Table, Value};
use super::values::did_you_mean;

/// The plugin's configuration as it will be handed over.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) value: Json,
    /// JSON pointers of what must never be shown.
    pub(super) secrets: BTreeSet<String>,
}

struct Check<'a> {
    cx: &'a Context<'a>,
    /// Folder that relative paths start at.
    base: &'a Path,
    secrets: BTreeSet<String>,
}

/// `node` is the connector's `config`, when it has one; `place` is where something missing is reported.
pub(super) fn check(
    cx: &Context<'_>,
    base: &Path,
    schema: &Json,
    node: Option<&Node>,
    place: &Place,
) -> Checked {
    let mut check = Check { cx, base, secrets: BTreeSet::new() };
    let empty = Table::default();
    let value = match node {
        Some(node) => check.node(schema, node, "", "config"),
        None => check.table(schema, &empty, place, "", "config"),
    };
    Checked { value, secrets: check.secrets }
}

/// The node a JSON pointer names, or the nearest one above it.
pub(super) fn at_pointer<'a>(node: &'a Node, pointer: &str) -> &'a Node {
    let mut here = node;
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        let below = match &here.value {
            Value::Table(table) => table.get(&part).map(|e| &e.node),
            Value::Array(items) => part.parse::<usize>().ok().and_then(|at| items.get(at)),
            _ => None,
        };
        match below {
            Some(node) => here = node,
            None => return here,
        }
    }
    here
}

impl Check<'_> {
    fn node(&mut self, schema: &Json, node: &Node, pointer: &str, key: &str) -> Json {
        let hidden = node.secret || schema["secret"] == true;
        if hidden {
            self.secrets.insert(pointer.to_owned());
        }
        if node.unresolved {
            return Json::Null;
        }
        if !fits(schema, &node.value) {
            let message = format!("`{key}` must be {}, not {}", wanted(schema), node.value.noun());
            match hidden {
                true => self.cx.findings.add_hidden(self.cx.files, &node.place, "RJ-C016", message),
                false => self.cx.error(&node.place, "RJ-C016", message, None),
            }
            return Json::Null;
        }
        let value = match &node.value {
            Value::Table(table) => self.table(schema, table, &node.place, pointer, key),
            Value::Array(items) => self.items(schema, items, pointer, key),
            Value::Text(text) if schema["format"] == "path" && !text.is_empty() => {
                Json::from(self.base.join(text).to_string_lossy().into_owned())
            }
            Value::Text(text) => Json::from(text.as_str()),
            Value::Datetime(text) => Json::from(text.as_str()),
            Value::Integer(number) => Json::from(*number),
            Value::Float(number) => Json::from(*number),
            Value::Bool(flag) => Json::from(*flag),
        };
        if let Some((why, hint)) = outside(schema, &value) {
            if hidden {
                let message = format!("`{key}`: the value is not one it can take");
                self.cx.findings.add_hidden(self.cx.files, &node.place, "RJ-C016", message);
            } else {
                self.cx.error(&node.place, "RJ-C016", format!("`{key}`: {why}"), hint);
            }
        }
        value
    }

    fn items(&mut self, schema: &Json, items: &[Node], pointer: &str, key: &str) -> Json {
        let each = &schema["items"];
        items
            .iter()
            .enumerate()
            .map(|(at, item)| self.node(each, item, &format!("{pointer}/{at}"), key))
            .collect()
    }

    fn table(&mut self, schema: &Json, table: &Table, place: &Place, pointer: &str, label: &str) -> Json {
        let none = Map::new();
        let known = schema["properties"].as_object();
        let properties = known.unwrap_or(&none);
        let rest = &schema["additionalProperties"];
        let mut made = Map::new();
        for entry in &table.entries {
            let below = format!("{pointer}/{}", entry.key.replace('~', "~0").replace('/', "~1"));
            let schema = match properties.get(&entry.key) {
                Some(schema) => schema,
                None if rest.is_object() || known.is_none() => rest,
                None => {
                    self.unknown(&entry.key, &entry.key_place, properties, label);
                    continue;
                }
            };
            made.insert(entry.key.clone(), self.node(schema, &entry.node, &below, &entry.key));
        }
        self.fill(schema, properties, table, place, label, &mut made);
        Json::Object(made)
    }

    fn unknown(&self, key: &str, place: &Place, properties: &Map<String, Json>, label: &str) {
        let names: Vec<&str> = properties.keys().map(String::as_str).collect();
        let hint = did_you_mean(key, names.iter().copied()).unwrap_or_else(|| match names.len() {
            0 => "leave it out: there is nothing to set here".to_owned(),
            _ => format!("the plugin knows {}", names.join(", ")),
        });
        self.cx.error(
            place,
            "RJ-C004",
            format!("unknown key `{key}` in `{label}` of this plugin"),
            Some(hint),
        );
    }

    /// Defaults of what is not there, and complaints about what must be.
    fn fill(
        &self,
        schema: &Json,
        properties: &Map<String, Json>,
        table: &Table,
        place: &Place,
        label: &str,
        made: &mut Map<String, Json>,
    ) {
        for (name, property) in properties.iter().filter(|(name, _)| table.get(name).is_none()) {
            if let Some(default) = property.get("default") {
                made.insert(name.clone(), default.clone());
            }
        }
        let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
        for name in required.iter().filter_map(Json::as_str).filter(|name| table.get(name).is_none()) {
            let property = properties.get(name).unwrap_or(&Json::Null);
            let hint = property["description"].as_str().map(|text| format!("{name}: {text}"));
            let message = format!("`{label}` needs `{name}`, {}", wanted(property));
            self.cx.error(place, "RJ-C006", message, hint);
        }
    }
}

/// The types a schema takes; none named means any.
fn types(schema: &Json) -> Vec<&str> {
    match &schema["type"] {
        Json::String(one) => vec![one],
        Json::Array(several) => several.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

fn fits(schema: &Json, value: &Value) -> bool {
    let types = types(schema);
    types.is_empty()
        || types.iter().any(|wanted| {
            matches!(
                (*wanted, value),
                ("string", Value::Text(_) | Value::Datetime(_))
                    | ("integer", Value::Integer(_))
                    | ("number", Value::Integer(_) | Value::Float(_))
                    | ("boolean", Value::Bool(_))
                    | ("array", Value::Array(_))
                    | ("object", Value::Table(_))
            )
        })
}

fn wanted(schema: &Json) -> String {
    let noun = |name: &&str| match *name {
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a table",
        _ => "something else",
    };
    let nouns: Vec<_> = types(schema).iter().map(noun).collect();
    if nouns.is_empty() { "a value".to_owned() } else { nouns.join(" or ") }
}

/// Why a value of the right type is still not allowed.
fn outside(schema: &Json, value: &Json) -> Option<(String, Option<String>)> {
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        let names: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        let words = allowed.iter().filter_map(Json::as_str);
        let hint = value.as_str().and_then(|text| did_you_mean(text, words));
        return Some((format!("{value} is not one of {}", names.join(", ")), hint));
    }
    let number = value.as_f64()?;
    if let Some(min) = schema["minimum"].as_f64().filter(|min| number < *min) {
        return Some((format!("{value} is less than {min}"), None));
    }
    schema["maximum"]
        .as_f64()
        .filter(|max| number > *max)
        .map(|max| (format!("{value} is more than {max}"), None))
}
