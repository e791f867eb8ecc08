//! What was just done, in words. The address carries a code only, so nobody can put words into the page's mouth.

/// The words for a code.
pub(crate) fn text(code: &str) -> Option<&'static str> {
    Some(match code {
        "added" => "The account is added and serves from now on.",
        "logged-in" => "The account is logged in.",
        "paused" => "The account is paused: new requests go elsewhere; those under way end where they are.",
        "resumed" => "The account serves again.",
        "renamed" => "The account has its new name.",
        "priority" => "The account has its new priority.",
        "tier" => "The account has its new size.",
        "removed" => "The account is removed. What it did stays in the records.",
        "key-revoked" => "The key is revoked: it opens nothing from now on.",
        "strategy" => "The strategy decides from the next request on; those under way are not touched.",
        "saved" => "Saved.",
        "reset" => "Done: counting begins anew.",
        "begun" => "It has begun; how far it is stands below.",
        "reloaded" => "The configuration was read again.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn only_known_codes_say_anything() {
        assert!(text("added").is_some());
        assert_eq!(text("<b>pay here</b>"), None);
    }
}
