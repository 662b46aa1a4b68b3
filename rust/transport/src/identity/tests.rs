use super::*;
use crate::testing::TempDir;

#[test]
fn two_new_identities_differ() {
    let (a, b) = (
        Identity::self_signed().unwrap(),
        Identity::self_signed().unwrap(),
    );
    assert_ne!(a.fingerprint(), b.fingerprint());
}

#[test]
fn an_identity_is_made_once_and_found_again() {
    let dir = TempDir::new();
    let nested = dir.path().join("not").join("there yet");
    let made = Identity::load_or_create(&nested).unwrap();
    let found = Identity::load_or_create(&nested).unwrap();
    assert_eq!(made.fingerprint(), found.fingerprint());
}

#[test]
fn nothing_but_the_two_files_is_left_in_the_folder() {
    let dir = TempDir::new();
    Identity::load_or_create(dir.path()).unwrap();
    let mut names: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, [CERTIFICATE_FILE, KEY_FILE]);
}

#[cfg(unix)]
#[test]
fn the_key_can_be_read_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new();
    Identity::load_or_create(dir.path()).unwrap();
    let mode = fs::metadata(dir.path().join(KEY_FILE))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_creation_cut_off_between_the_files_is_completed() {
    let dir = TempDir::new();
    Identity::load_or_create(dir.path()).unwrap();
    let key = read(&dir.path().join(KEY_FILE)).unwrap();
    fs::remove_file(dir.path().join(CERTIFICATE_FILE)).unwrap();
    Identity::load_or_create(dir.path()).unwrap();
    assert_eq!(read(&dir.path().join(KEY_FILE)).unwrap(), key);
}

#[test]
fn the_secrets_of_an_identity_survive_a_restart_and_differ_by_purpose() {
    let (dir, other) = (TempDir::new(), TempDir::new());
    let secret = |dir: &TempDir, purpose| {
        let identity = Identity::load_or_create(dir.path()).unwrap();
        identity.seed().secret(purpose)
    };
    assert_eq!(secret(&dir, "a"), secret(&dir, "a"));
    assert_ne!(secret(&dir, "a"), secret(&dir, "b"));
    assert_ne!(secret(&dir, "a"), secret(&other, "a"));
}

#[test]
fn a_certificate_without_its_key_is_an_error_that_names_both() {
    let dir = TempDir::new();
    Identity::load_or_create(dir.path()).unwrap();
    fs::remove_file(dir.path().join(KEY_FILE)).unwrap();
    let error = Identity::load_or_create(dir.path())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(KEY_FILE) && error.contains(CERTIFICATE_FILE),
        "{error}"
    );
}

#[test]
fn a_corrupt_file_is_an_error_that_names_it() {
    for file in [KEY_FILE, CERTIFICATE_FILE] {
        for content in [
            "",
            "nonsense",
            "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
        ] {
            let dir = TempDir::new();
            Identity::load_or_create(dir.path()).unwrap();
            fs::write(dir.path().join(file), content).unwrap();
            let error = Identity::load_or_create(dir.path())
                .unwrap_err()
                .to_string();
            assert!(error.contains(file), "{content:?} in {file}: {error}");
        }
    }
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let (a, b) = (TempDir::new(), TempDir::new());
    Identity::load_or_create(a.path()).unwrap();
    Identity::load_or_create(b.path()).unwrap();
    let result = Identity::load(&a.path().join(CERTIFICATE_FILE), &b.path().join(KEY_FILE));
    assert!(matches!(result, Err(TransportError::File { .. })));
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_that_names_it() {
    let dir = TempDir::new();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Identity::load_or_create(&file.join("identity"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("identity"), "{error}");
}
