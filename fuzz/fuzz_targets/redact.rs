//! What is kept of a whole JSON text is JSON, and what is kept of its beginning is the beginning of that.

#![no_main]

use ccflare_core::record::Redaction;
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

fuzz_target!(|input: (&str, u16, &[u8])| {
    let (paths, end, body) = input;
    let Ok(redaction) = Redaction::parse(paths.split(',')) else { return };
    let _ = redaction.body("text/event-stream", body);
    let whole = redaction.body("application/json", body);
    let cut = redaction.body("application/json", &body[..usize::from(end).min(body.len())]);
    // Without recursion in the parser, so that depth is no matter of its own.
    if serde_json::from_slice::<&RawValue>(body).is_ok() && body.iter().filter(|byte| b"[{".contains(byte)).count() < 100 {
        serde_json::from_slice::<&RawValue>(&whole).expect("JSON");
        if !body.windows(7).any(|word| word == b"sk-ant-") {
            assert!(whole.starts_with(&cut));
        }
    }
});
