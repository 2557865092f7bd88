//! As much of JSON Schema as the schemas in docs use. A keyword that is not known here fails the test, so that
//! nothing in the schema is silently without effect.
#![allow(dead_code)] // each test uses its part

use serde_json::Value;

/// The same for one of the schema's definitions.
pub(crate) fn faults_of(schema: &Value, name: &str, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let definition = schema["$defs"].get(name).unwrap_or_else(|| panic!("the schema has no {name}"));
    check(schema, definition, value, name, &mut faults);
    faults
}

/// Every place where the value does not keep the schema, as path and reason.
pub(crate) fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check(schema, schema, value, "$", &mut faults);
    faults
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    for (keyword, wanted) in schema.as_object().expect("a schema is an object") {
        let number = || value.as_f64();
        let length = || value.as_str().map(|text| text.chars().count() as u64);
        let holds = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" => true,
            "$ref" => {
                let path = wanted.as_str().unwrap().strip_prefix('#').expect("a reference inside");
                check(root, root.pointer(path).expect("what is referred to"), value, at, faults);
                true
            }
            "type" => match wanted {
                Value::Array(types) => types.iter().any(|one| is_of(one, value)),
                one => is_of(one, value),
            },
            "const" => value == wanted,
            "enum" => wanted.as_array().unwrap().contains(value),
            "anyOf" => {
                let fits = |one: &Value| {
                    let mut faults = Vec::new();
                    check(root, one, value, at, &mut faults);
                    faults.is_empty()
                };
                wanted.as_array().unwrap().iter().any(fits)
            }
            "minLength" => length().is_none_or(|length| length >= wanted.as_u64().unwrap()),
            "maxLength" => length().is_none_or(|length| length <= wanted.as_u64().unwrap()),
            "additionalProperties" => {
                let named = schema.get("properties").unwrap_or(&Value::Null);
                for (name, field) in value.as_object().into_iter().flatten() {
                    if named.get(name).is_none() {
                        check(root, wanted, field, &format!("{at}.{name}"), faults);
                    }
                }
                true
            }
            "minimum" => number().is_none_or(|number| number >= wanted.as_f64().unwrap()),
            "maximum" => number().is_none_or(|number| number <= wanted.as_f64().unwrap()),
            "exclusiveMinimum" => number().is_none_or(|number| number > wanted.as_f64().unwrap()),
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= wanted.as_u64().unwrap()),
            "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= wanted.as_u64().unwrap()),
            "required" => value.as_object().is_none_or(|object| {
                wanted.as_array().unwrap().iter().all(|name| object.contains_key(name.as_str().unwrap()))
            }),
            "properties" => {
                // Whoever adds a field describes it, unless the schema says what all others are.
                for name in value.as_object().into_iter().flat_map(|object| object.keys()) {
                    let is_known = wanted.get(name).is_some() || schema.get("additionalProperties").is_some();
                    if !is_known {
                        faults.push(format!("{at}.{name}: the schema does not know this field"));
                    }
                }
                for (name, inner) in wanted.as_object().unwrap() {
                    if let Some(field) = value.get(name) {
                        check(root, inner, field, &format!("{at}.{name}"), faults);
                    }
                }
                true
            }
            "items" => {
                for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, wanted, item, &format!("{at}[{number}]"), faults);
                }
                true
            }
            other => panic!("the schema uses {other}, which this test does not know"),
        };
        if !holds {
            faults.push(format!("{at}: {keyword} {wanted} does not hold for {value}"));
        }
    }
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no such type: {other}"),
    }
}
