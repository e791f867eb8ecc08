//! Puts another model in the place of the one that a body asks for, and changes nothing else of it.

use std::{borrow::Cow, fmt};

use bytes::{Bytes, BytesMut};
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// `body` with `model` in the place of the value of its top-level `model`; `None` if there is no such value, or if it is
/// not certain that it is the only one that the upstream could take.
pub(super) fn splice(body: &Bytes, model: &str) -> Option<Bytes> {
    let found = only_model_value(body)?;
    let start = found.as_ptr() as usize - body.as_ptr() as usize;
    let model = serde_json::to_string(model).ok()?;
    let mut spliced = BytesMut::with_capacity(body.len() - found.len() + model.len());
    spliced.extend_from_slice(&body[..start]);
    spliced.extend_from_slice(model.as_bytes());
    spliced.extend_from_slice(&body[start + found.len()..]);
    Some(Bytes::from_owner(Spliced { bytes: spliced.freeze(), _of: body.clone() }))
}

/// A body with another model. The room that is set aside for bodies is held by the one that was collected, so that one stays as
/// long as this.
struct Spliced {
    bytes: Bytes,
    _of: Bytes,
}

impl AsRef<[u8]> for Spliced {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The model that `body` asks for, where it must be certain: a body that is not wholly understood, or that names the
/// model twice (who says which one the upstream takes?), has no model.
pub(super) fn only_model(body: &[u8]) -> Option<String> {
    serde_json::from_str(only_model_value(body)?).ok()
}

/// The same as it stands.
fn only_model_value(body: &[u8]) -> Option<&str> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let found = json.deserialize_map(OnlyModel).ok()??;
    json.end().ok()?;
    Some(found)
}

/// A key, borrowed where it has no escapes; serde's own `Cow` always copies.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// The value of the only `model`, as it stands.
struct OnlyModel;

impl<'a> Visitor<'a> for OnlyModel {
    type Value = Option<&'a str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with one model")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<Key<'a>>()? {
            // Some parsers take no notice of case.
            if !key.0.eq_ignore_ascii_case("model") {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value::<&'a RawValue>()?.get();
            if found.replace(value).is_some() || !value.starts_with('"') {
                return Err(A::Error::custom("which model is meant?"));
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    fn spliced(body: &str) -> Option<String> {
        splice(&Bytes::copy_from_slice(body.as_bytes()), "new")
            .map(|body| String::from_utf8(body.to_vec()).expect("UTF-8"))
    }

    #[test]
    fn the_body_that_was_collected_is_given_back_with_the_new_one() {
        struct Collected(Arc<[u8]>);

        impl AsRef<[u8]> for Collected {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        let bytes: Arc<[u8]> = br#"{"model":"a"}"#.as_slice().into();
        let body = splice(&Bytes::from_owner(Collected(Arc::clone(&bytes))), "new").expect("a model");
        assert_eq!(Arc::strong_count(&bytes), 2);
        drop(body);
        assert_eq!(Arc::strong_count(&bytes), 1);
    }

    #[test]
    fn the_bytes_of_the_model_are_replaced_and_no_others() {
        for (body, after) in [
            (r#"{"model":"a","x":1}"#, Some(r#"{"model":"new","x":1}"#)),
            (r#" {"x":{"model":"b"} , "model" : "a\u002db" } "#, Some(r#" {"x":{"model":"b"} , "model" : "new" } "#)),
            (r#"{"\u006dodel":"a"}"#, Some(r#"{"\u006dodel":"new"}"#)),
            (r#"{"model":"a","model":"b"}"#, None),
            (r#"{"model":"a","Model":"b"}"#, None),
            (r#"{"model":null}"#, None),
            (r#"{"model":{"a":1}}"#, None),
            (r#"{"model":"a"} {}"#, None),
            (r#"{"model":"a""#, None),
            (r#"{"x":1}"#, None),
            ("[]", None),
        ] {
            assert_eq!(spliced(body).as_deref(), after, "{body}");
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
            assert_eq!(only_model(body.as_bytes()).as_deref(), model, "{body}");
        }
    }

    proptest! {
        #[test]
        fn whatever_stands_around_it_stays(before in "[ -~é]{0,30}", after in "[ -~é]{0,30}", model in "[a-z\"\\\\]{1,9}") {
            let quote = |text: &str| serde_json::to_string(text).expect("JSON");
            let around = |model: &str| format!("{{{}:1,\"model\":{},\"z\":{}}}", quote(&format!("k{before}")), quote(model), quote(&after));
            let body = Bytes::from(around("old"));
            let expected = around(&model);
            prop_assert_eq!(splice(&body, &model), Some(Bytes::from(expected)));
        }
    }
}
