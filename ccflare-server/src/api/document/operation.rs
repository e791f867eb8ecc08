//! One operation of the API as the document tells it, and how it becomes OpenAPI.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

type Shape = fn(&mut SchemaGenerator) -> Schema;

/// What can be asked: a method, a path, what goes in and what comes out.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) about: &'static str,
    query: Option<Shape>,
    body: Option<Shape>,
    /// By status, with the type of what comes.
    answers: Vec<(u16, &'static str, Option<Shape>)>,
    pub(super) is_open: bool,
    is_versioned: bool,
}

/// What the names of shapes that go in end with.
const INPUT: &str = "Input";

const JSON: &str = "application/json";

/// How an operation begins: `of("GET", "/api/accounts", "all accounts")`.
pub(super) fn of(method: &'static str, path: &'static str, about: &'static str) -> Operation {
    Operation { method, path, about, query: None, body: None, answers: Vec::new(), is_open: false, is_versioned: false }
}

fn shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

impl Operation {
    /// The query is read as this.
    pub(super) fn asks<T: JsonSchema>(self) -> Self {
        Self { query: Some(shape::<T>), ..self }
    }

    /// The body is read as this.
    pub(super) fn takes<T: JsonSchema>(self) -> Self {
        Self { body: Some(shape::<T>), ..self }
    }

    /// It answers with this, as JSON.
    pub(super) fn gives<T: JsonSchema>(self) -> Self {
        self.answers(200, JSON, Some(shape::<T>))
    }

    /// It answers with something else than JSON.
    pub(super) fn gives_other(self, kind: &'static str) -> Self {
        self.answers(200, kind, None)
    }

    /// It answers with a status alone.
    pub(super) fn gives_nothing(self) -> Self {
        self.answers(204, "", None)
    }

    /// It may answer with this and another status, too.
    pub(super) fn also<T: JsonSchema>(self, status: u16) -> Self {
        self.answers(status, JSON, Some(shape::<T>))
    }

    pub(super) fn answers(mut self, status: u16, kind: &'static str, shape: Option<Shape>) -> Self {
        self.answers.push((status, kind, shape));
        self
    }

    /// It becomes another protocol.
    pub(super) fn upgrades(self) -> Self {
        self.answers(101, "", None)
    }

    /// It needs no token.
    pub(super) fn open(self) -> Self {
        Self { is_open: true, ..self }
    }

    /// Its answer tells the version of the settings; a change may be bound to it.
    pub(super) fn versioned(self) -> Self {
        Self { is_versioned: true, ..self }
    }

    /// The noun it belongs to.
    pub(super) fn group(&self) -> &'static str {
        let path = self.path.strip_prefix("/api/").unwrap_or("probes");
        path.split('/').next().unwrap_or_default()
    }

    fn is_change(&self) -> bool {
        self.method != "GET"
    }

    /// Reads like a name in code: `getAccounts`, `postAccountsAccountPause`.
    fn id(&self) -> String {
        let words = self.path.split(['/', '{', '}', '-', '.']).filter(|word| !word.is_empty() && *word != "api");
        let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
        self.method.to_lowercase() + &words.map(capital).collect::<String>()
    }
}

/// Collects the shapes that operations share. What goes in and what comes out are described differently: a field that
/// may be left out on the way in is always there on the way out.
pub(super) struct Book {
    inward: SchemaGenerator,
    outward: SchemaGenerator,
}

impl Book {
    pub(super) fn new() -> Self {
        let settings = || SchemaSettings::draft2020_12().with(|it| it.definitions_path = "/components/schemas".into());
        Self {
            inward: settings().for_deserialize().into_generator(),
            outward: settings().for_serialize().into_generator(),
        }
    }

    /// An operation in OpenAPI's words.
    pub(super) fn write(&mut self, operation: &Operation) -> Value {
        let mut written = json!({
            "operationId": operation.id(),
            "summary": operation.about,
            "tags": [operation.group()],
            "parameters": self.parameters(operation),
            "responses": self.responses(operation),
        });
        if let Some(shape) = operation.body {
            let mut schema = shape(&mut self.inward).to_value();
            as_input(&mut schema);
            written["requestBody"] = json!({ "required": true, "content": { JSON: { "schema": schema } } });
        }
        if operation.is_open {
            written["security"] = json!([]);
        }
        written
    }

    fn parameters(&mut self, operation: &Operation) -> Vec<Value> {
        let names = operation.path.split(['{', '}']).skip(1).step_by(2);
        let mut parameters: Vec<_> = names
            .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } }))
            .collect();
        if let Some(query) = operation.query {
            parameters.extend(self.query(query));
        }
        if operation.is_versioned && operation.is_change() {
            let about = "the version of the settings that the change is meant for, as `ETag` told it";
            parameters.push(header(
                "If-Match",
                about,
                json!({ "type": "string", "pattern": "^(\\*|\"[0-9a-f]{16}\")$" }),
            ));
        }
        if operation.method == "POST" && !operation.is_open {
            let about = "makes a change once that is sent twice: the second gets the answer of the first";
            let shape = json!({ "type": "string", "pattern": "^[!-~]{1,255}$" });
            parameters.push(header("Idempotency-Key", about, shape));
        }
        parameters
    }

    fn query(&mut self, shape: Shape) -> Vec<Value> {
        // Told field by field, so it must not become a reference.
        let mut inline =
            SchemaSettings::draft2020_12().for_deserialize().with(|it| it.inline_subschemas = true).into_generator();
        let schema = shape(&mut inline).to_value();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let fields = schema["properties"].as_object().cloned().unwrap_or_default();
        let parameter = |(name, mut field): (String, Value)| {
            let about = field.as_object_mut().and_then(|field| field.remove("description"));
            let field = without_null(field);
            let mut parameter =
                json!({ "name": name, "in": "query", "required": required.contains(&json!(name)), "schema": field });
            if let Some(about) = about {
                parameter["description"] = about;
            }
            parameter
        };
        fields.into_iter().map(parameter).collect()
    }

    fn responses(&mut self, operation: &Operation) -> Value {
        let mut responses = Map::new();
        for (status, kind, shape) in &operation.answers {
            let mut answer = json!({ "description": reason(*status) });
            let schema = shape.map_or_else(|| json!({ "type": "string" }), |shape| shape(&mut self.outward).to_value());
            if !kind.is_empty() {
                answer["content"] = json!({ *kind: { "schema": schema } });
            }
            if operation.is_versioned && *status == 200 {
                let schema = json!({ "type": "string" });
                answer["headers"] = json!({ "ETag": { "description": "the settings' version", "schema": schema } });
            }
            match responses.get_mut(&status.to_string()) {
                // The same in another form.
                Some(known) => known["content"][*kind] = answer["content"][*kind].take(),
                None => drop(responses.insert(status.to_string(), answer)),
            }
        }
        // Whoever wants a token may refuse, too.
        if operation.path.starts_with("/api/") || !operation.is_open {
            let content = json!({ JSON: { "schema": { "$ref": "#/components/schemas/Error" } } });
            responses.insert("default".to_owned(), json!({ "description": "What went wrong", "content": content }));
        }
        responses.into()
    }

    /// All shapes that were used.
    pub(super) fn shapes(mut self) -> Value {
        let mut shapes = self.outward.take_definitions(true);
        for (name, mut shape) in self.inward.take_definitions(true) {
            as_input(&mut shape);
            shapes.insert(name + INPUT, shape);
        }
        shapes.insert(
            "Error".to_owned(),
            json!({
                "type": "object",
                "required": ["error", "code"],
                "properties": {
                    "error": { "type": "string", "description": "what is wrong, and what would be right" },
                    "code": { "type": "string", "description": "the same for programs" },
                    "details": { "type": "object" },
                },
            }),
        );
        shapes.into()
    }
}

/// What goes in has names of its own: a shape may be another one there.
fn as_input(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(reference) if name == "$ref" => reference.push_str(INPUT),
                    other => as_input(other),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(as_input),
        _ => {}
    }
}

fn header(name: &str, about: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "header", "required": false, "description": about, "schema": schema })
}

/// In a query what is not given is left out.
fn without_null(mut field: Value) -> Value {
    if let Some(kinds) = field["type"].as_array_mut() {
        kinds.retain(|kind| kind != "null");
        if let [kind] = kinds.as_slice() {
            field["type"] = kind.clone();
        }
    }
    field
}

fn reason(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default()
}
