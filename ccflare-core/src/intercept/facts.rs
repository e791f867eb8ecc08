//! Reads facts from a request, without copying or keeping its body.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use http::{Request, header::CONTENT_ENCODING};
use serde::{
    Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};

use crate::domain::RequestFacts;

/// The facts of a request. A body that is no JSON object, or odd in any other way, has none.
pub(super) fn read(request: &Request<Bytes>) -> RequestFacts {
    let body = request.body();
    if body.is_empty() || request.headers().contains_key(CONTENT_ENCODING) {
        return RequestFacts::default();
    }
    RequestFacts { model: model(body).map(Into::into), ..Default::default() }
}

/// The same where the model decides whether the request may be sent: a body that is not wholly understood, or that names
/// the model twice (who says which one the upstream takes?), has no model.
pub(super) fn read_strictly(request: &Request<Bytes>) -> RequestFacts {
    if request.headers().contains_key(CONTENT_ENCODING) {
        return RequestFacts::default();
    }
    let only = serde_json::from_slice::<OnlyModel<'_>>(request.body()).ok();
    RequestFacts { model: only.and_then(|OnlyModel(model)| model).map(Into::into), ..Default::default() }
}

struct OnlyModel<'de>(Option<Cow<'de, str>>);

impl<'de> serde::Deserialize<'de> for OnlyModel<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut found = None;
        deserializer.deserialize_map(WholeObject(&mut found))?;
        Ok(Self(found))
    }
}

struct WholeObject<'a, 'de>(&'a mut Option<Cow<'de, str>>);

impl<'de> Visitor<'de> for WholeObject<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with one model")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Text<'de>>()? {
            // Some parsers take no notice of case.
            if !key.0.eq_ignore_ascii_case("model") {
                map.next_value::<IgnoredAny>()?;
            } else if self.0.replace(map.next_value::<Text<'de>>()?.0).is_some() {
                return Err(A::Error::duplicate_field("model"));
            }
        }
        Ok(())
    }
}

/// The top-level `model`. Parsing stops there: Claude Code sends it first, in front of up to megabytes of messages.
fn model(body: &[u8]) -> Option<Cow<'_, str>> {
    let mut found = None;
    // The visitor breaks off with an error once it has what it wants, so the result says nothing.
    let _ = serde_json::Deserializer::from_slice(body).deserialize_map(UntilModel(&mut found));
    found
}

struct UntilModel<'a, 'de>(&'a mut Option<Cow<'de, str>>);

impl<'de> Visitor<'de> for UntilModel<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a model")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Text<'de>>()? {
            if key.0 == "model" {
                *self.0 = Some(map.next_value::<Text<'de>>()?.0);
                return Err(A::Error::custom("found"));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// Text that is borrowed where it has no escapes; serde's own `Cow` always copies.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn model_of(body: &'static str) -> Option<std::sync::Arc<str>> {
        read(&Request::new(Bytes::from_static(body.as_bytes()))).model
    }

    #[test]
    fn the_top_level_model_is_found_wherever_it_stands_and_nowhere_else() {
        for (body, model) in [
            (r#"{"model":"a","messages":[]}"#, Some("a")),
            (r#"{"messages":[{"model":"inner"}],"model":"a"}"#, Some("a")),
            (r#" { "model" : "a\u002db" } "#, Some("a-b")),
            (r#"{"model":"a" and then it breaks"#, Some("a")),
            (r#"{"messages":[{"model":"inner"}]}"#, None),
            (r#"{"model":7}"#, None),
            (r#"["model","a"]"#, None),
            ("not json", None),
            ("", None),
        ] {
            assert_eq!(model_of(body).as_deref(), model, "{body}");
        }
    }

    #[test]
    fn read_strictly_a_model_counts_only_if_there_can_be_no_other_one() {
        for (body, model) in [
            (r#"{"model":"a","messages":[{"model":"inner"}]}"#, Some("a")),
            (r#"{"\u006dodel":"a"}"#, Some("a")),
            (r#"{"model":"a","model":"b"}"#, None),
            (r#"{"model":"a","Model":"b"}"#, None),
            (r#"{"model":"a"} {"model":"b"}"#, None),
            (r#"{"model":"a" and then it breaks"#, None),
            (r#"{"requests":[{"params":{"model":"a"}}]}"#, None),
            ("", None),
        ] {
            let request = Request::new(Bytes::from_static(body.as_bytes()));
            assert_eq!(read_strictly(&request).model.as_deref(), model, "{body}");
        }
    }

    #[test]
    fn a_compressed_body_is_not_guessed_at() {
        let mut request = Request::new(Bytes::from_static(br#"{"model":"a"}"#));
        request.headers_mut().insert(CONTENT_ENCODING, http::HeaderValue::from_static("gzip"));
        assert_eq!(read(&request), RequestFacts::default());
    }
}
