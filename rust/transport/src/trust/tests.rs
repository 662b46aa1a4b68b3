use std::fs;

use super::*;
use crate::{Identity, testing::TempDir};

fn accepts(policy: &Policy, ip: &str) -> Accepts {
    Arc::into_inner(policy.verifier(ip.parse().unwrap()).unwrap())
        .unwrap()
        .accepts
}

fn verify(policy: &Policy, identity: &Identity) -> Result<(), String> {
    verify_chain(policy, &identity.certified_key().cert, "localhost")
}

#[test]
fn by_default_any_certificate_is_accepted_from_this_machine_and_from_nowhere_else() {
    let policy = Policy::new(&Trust::default(), None).unwrap();
    for local in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
        assert!(matches!(accepts(&policy, local), Accepts::Any), "{local}");
    }
    for remote in ["192.0.2.1", "0.0.0.0", "2001:db8::1", "::ffff:192.0.2.1"] {
        assert!(
            !matches!(accepts(&policy, remote), Accepts::Any),
            "{remote}"
        );
    }
}

#[test]
fn a_fingerprint_in_the_address_comes_before_any_other_trust() {
    let (identity, other) = (
        Identity::self_signed().unwrap(),
        Identity::self_signed().unwrap(),
    );
    let policy = Policy::new(&Trust::LoopbackOrSystem, Some(identity.fingerprint())).unwrap();
    assert_eq!(verify(&policy, &identity), Ok(()));
    assert!(verify(&policy, &other).is_err());
}

#[test]
fn a_refusal_of_a_pinned_certificate_shows_both_fingerprints() {
    let (expected, presented) = (
        Identity::self_signed().unwrap(),
        Identity::self_signed().unwrap(),
    );
    let policy = Policy::new(&Trust::Fingerprint(expected.fingerprint()), None).unwrap();
    let text = verify(&policy, &presented).unwrap_err();
    for fingerprint in [expected.fingerprint(), presented.fingerprint()] {
        assert!(text.contains(&fingerprint.to_string()), "{text}");
    }
}

#[test]
fn a_refusal_by_roots_shows_the_fingerprint_and_how_to_pin_it() {
    let identity = Identity::self_signed().unwrap();
    let policy = Policy::new(&Trust::SystemRoots, None).unwrap();
    let text = verify(&policy, &identity).unwrap_err();
    assert!(
        text.contains(&format!("#sha256={}", identity.fingerprint())),
        "{text}"
    );
}

#[test]
fn a_certificate_that_leads_to_a_given_root_is_accepted_and_another_is_not() {
    let dir = TempDir::new();
    let rooted = Identity::load_or_create(dir.path()).unwrap();
    let roots = dir.path().join(identity::CERTIFICATE_FILE);
    let policy = Policy::new(&Trust::Roots(roots), None).unwrap();
    assert_eq!(verify(&policy, &rooted), Ok(()));
    assert!(verify(&policy, &Identity::self_signed().unwrap()).is_err());
}

#[test]
fn a_root_file_that_cannot_be_used_is_an_error_that_names_it() {
    let dir = TempDir::new();
    let path = dir.path().join("roots.pem");
    let wrong = |path: &PathBuf| {
        Policy::new(&Trust::Roots(path.clone()), None)
            .unwrap_err()
            .to_string()
    };
    assert!(wrong(&path).contains("roots.pem"));
    fs::write(&path, "").unwrap();
    assert!(wrong(&path).contains("holds no certificate"));
}
