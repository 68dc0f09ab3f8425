//! Who a session acts for, in a form STS accepts and CloudTrail keeps.

use sha2::{Digest, Sha256};

/// STS takes 2 to 64 characters of this class (`[\w+=,.@-]`, ASCII), and nothing that begins with
/// `aws:`, which the class excludes by its colon.
fn is_legal(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

/// The `SourceIdentity` of a person: the lower-cased address itself where STS takes it; otherwise its
/// illegal characters become `-`, it is cut to 55, and `=` plus eight hex digits of the SHA-256 of
/// the address are appended, so that two addresses do not meet in one identity. Stable for ever: old
/// audit records are matched with it.
pub fn source_identity(email: &str) -> String {
    let email = email.trim().to_lowercase();
    if (2..=64).contains(&email.len()) && email.chars().all(is_legal) {
        return email;
    }
    let mut text: String = email.chars().take(55).map(|c| if is_legal(c) { c } else { '-' }).collect();
    text.push('=');
    let digest = Sha256::digest(email.as_bytes());
    text.extend(digest.iter().take(4).map(|byte| format!("{byte:02x}")));
    text
}

/// A `RoleSessionName` obeys the same class and length; ids of requests fit as they are.
pub(super) fn session_name(name: &str) -> String {
    source_identity(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn legal_addresses_stay_as_they_are() {
        assert_eq!(source_identity("Ana.Lima+ops@Example.com"), "ana.lima+ops@example.com");
        assert_eq!(source_identity("a@"), "a@");
    }

    #[test]
    fn the_others_are_replaced_and_told_apart() {
        let quoted = source_identity("o'hara@example.com");
        assert!(quoted.starts_with("o-hara@example.com="), "{quoted}");
        assert_ne!(quoted, source_identity("o`hara@example.com"));
        assert_ne!(source_identity("ü@x.de"), source_identity("ö@x.de"));
        let long = format!("{}@example.com", "a".repeat(80));
        assert_eq!(source_identity(&long).len(), 64);
        assert_eq!(source_identity("").len(), 9);
        assert_eq!(source_identity("aws:root"), "aws-root=".to_owned() + &source_identity("aws:root")[9..]);
    }

    #[test]
    fn it_never_changes() {
        assert_eq!(source_identity("o'hara@example.com"), "o-hara@example.com=7701f8a2");
    }

    proptest! {
        #[test]
        fn sts_takes_every_result(email in "\\PC{0,90}") {
            let identity = source_identity(&email);
            prop_assert!((2..=64).contains(&identity.len()), "{}", identity);
            prop_assert!(identity.chars().all(is_legal), "{}", identity);
            prop_assert_eq!(source_identity(&email.to_lowercase()), identity);
        }
    }
}
