use std::{
    fs,
    time::{Duration, SystemTime},
};

use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use super::*;
use crate::{
    Fingerprint, Identity, Trust,
    testing::TempDir,
    trust::{Policy, verify_chain},
};
use synced_protocol::id::ServerId;

const HOUR: Duration = Duration::from_secs(3600);

fn past() -> SystemTime {
    SystemTime::now() - HOUR
}

fn authority(cluster: &str) -> Authority {
    Authority::new(&cluster.parse().unwrap()).unwrap()
}

fn server(authority: &Authority) -> Issued {
    authority
        .server(ServerId(3), &["game.example.org".to_owned()])
        .unwrap()
}

/// What a client that pins `pin` says of a server that shows `issued`.
fn pinned(pin: Fingerprint, issued: &Issued) -> Result<(), String> {
    let identity = Identity::from_pem(&issued.certificates_pem, &issued.key_pem).unwrap();
    let policy = Policy::new(&Trust::Fingerprint(pin), None).unwrap();
    verify_chain(&policy, &identity.certified_key().cert, "elsewhere.example")
}

fn certificates(pem: &str) -> impl Iterator<Item = &str> {
    pem.split_inclusive("-----END CERTIFICATE-----\n")
}

fn authority_pem(authority: &Authority) -> String {
    let chain = server(authority).certificates_pem;
    certificates(&chain).last().unwrap().to_owned()
}

/// The same certificate with another authority after it.
fn shown_with(issued: &Issued, authority: &Authority) -> Issued {
    let own = certificates(&issued.certificates_pem).next().unwrap();
    Issued {
        certificates_pem: own.to_owned() + &authority_pem(authority),
        key_pem: issued.key_pem.clone(),
    }
}

/// A certificate of somebody who belongs to no cluster.
fn stranger() -> Issued {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    Issued {
        certificates_pem: params.self_signed(&key).unwrap().pem(),
        key_pem: key.serialize_pem(),
    }
}

#[test]
fn a_pinned_authority_stands_for_its_servers_under_whatever_name_they_are_reached() {
    let authority = authority("cups");
    assert_eq!(pinned(authority.fingerprint(), &server(&authority)), Ok(()));
}

#[test]
fn a_pinned_certificate_of_one_server_still_counts_and_stands_for_no_other() {
    let authority = authority("cups");
    let (one, other) = (server(&authority), server(&authority));
    let pin = Credentials::issued(&one).unwrap().identity().fingerprint();
    assert_eq!(pinned(pin, &one), Ok(()));
    assert!(pinned(pin, &other).unwrap_err().contains(&pin.to_string()));
}

#[test]
fn a_server_of_another_authority_is_untrusted_also_when_it_shows_the_pinned_one_in_its_chain() {
    let (mine, other) = (authority("cups"), authority("cups"));
    let foreign = server(&other);
    assert!(pinned(mine.fingerprint(), &foreign).is_err());
    let disguised = shown_with(&foreign, &mine);
    let refusal = pinned(mine.fingerprint(), &disguised).unwrap_err();
    assert!(refusal.contains("not one that the authority"), "{refusal}");
}

#[test]
fn an_expired_certificate_is_untrusted_however_well_its_authority_is_pinned() {
    let authority = authority("cups");
    let expired = authority
        .issue(Holder::Server(ServerId(1)), &[], past())
        .unwrap();
    let refusal = pinned(authority.fingerprint(), &expired).unwrap_err();
    assert!(refusal.contains("expired"), "{refusal}");
}

#[test]
fn an_operator_cannot_pose_as_a_server_to_a_player() {
    let authority = authority("cups");
    assert!(pinned(authority.fingerprint(), &authority.operator().unwrap()).is_err());
}

#[test]
fn a_cluster_of_files_reads_back() {
    let dir = TempDir::new();
    let made = Authority::create(dir.path(), &"cups".parse().unwrap()).unwrap();
    let authority = Authority::load(dir.path()).unwrap();
    assert_eq!(authority.fingerprint(), made.fingerprint());
    assert_eq!(authority.cluster().as_str(), "cups");
    let folder = dir.path().join("server-3");
    server(&authority).write(&folder, SERVER_FILES).unwrap();
    authority
        .operator()
        .unwrap()
        .write(dir.path(), OPERATOR_FILES)
        .unwrap();
    let credentials = Credentials::load(&folder, SERVER_FILES).unwrap();
    assert_eq!(credentials.holder(), Holder::Server(ServerId(3)));
    assert_eq!(credentials.cluster(), made.cluster());
    assert_eq!(credentials.authority_fingerprint(), made.fingerprint());
    let operator = Credentials::load(dir.path(), OPERATOR_FILES).unwrap();
    assert_eq!(operator.holder(), Holder::Operator);
}

#[test]
fn where_players_trust_the_authoritys_file_the_hosts_of_a_server_count() {
    let dir = TempDir::new();
    let authority = Authority::create(dir.path(), &"cups".parse().unwrap()).unwrap();
    let roots = Trust::Roots(dir.path().join(AUTHORITY_FILE));
    let policy = Policy::new(&roots, None).unwrap();
    let shown = server(&authority);
    let identity = Identity::from_pem(&shown.certificates_pem, &shown.key_pem).unwrap();
    let chain = &identity.certified_key().cert;
    assert_eq!(verify_chain(&policy, chain, "game.example.org"), Ok(()));
    assert!(verify_chain(&policy, chain, "other.example.org").is_err());
}

#[test]
fn nothing_that_is_there_is_overwritten() {
    let dir = TempDir::new();
    let authority = Authority::create(dir.path(), &"cups".parse().unwrap()).unwrap();
    let again = Authority::create(dir.path(), authority.cluster()).unwrap_err();
    assert!(again.to_string().contains(AUTHORITY_FILE), "{again}");
    server(&authority).write(dir.path(), SERVER_FILES).unwrap();
    let again = server(&authority)
        .write(dir.path(), SERVER_FILES)
        .unwrap_err();
    assert!(
        again.to_string().contains(SERVER_FILES.certificate),
        "{again}"
    );
}

#[cfg(unix)]
#[test]
fn the_keys_can_be_read_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new();
    let authority = Authority::create(dir.path(), &"cups".parse().unwrap()).unwrap();
    server(&authority).write(dir.path(), SERVER_FILES).unwrap();
    for file in [AUTHORITY_KEY_FILE, SERVER_FILES.key] {
        let mode = fs::metadata(dir.path().join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn a_file_that_does_not_hold_what_it_should_is_named() {
    for (file, content) in [
        (AUTHORITY_FILE, "nonsense"),
        (AUTHORITY_FILE, &stranger().certificates_pem),
        (AUTHORITY_FILE, &authority_pem(&authority("cups"))),
        (AUTHORITY_KEY_FILE, "nonsense"),
    ] {
        let dir = TempDir::new();
        Authority::create(dir.path(), &"cups".parse().unwrap()).unwrap();
        fs::write(dir.path().join(file), content).unwrap();
        let error = Authority::load(dir.path()).unwrap_err().to_string();
        assert!(error.contains(file), "{error}");
    }
}

#[test]
fn credentials_that_no_cluster_would_take_are_an_error_that_names_the_file() {
    let authority = authority("cups");
    let (alone, mut nobody) = (stranger(), stranger());
    nobody.certificates_pem += &authority_pem(&authority);
    let expired = authority.issue(Holder::Operator, &[], past()).unwrap();
    let foreign = shown_with(&server(&authority), &self::authority("cups"));
    for (issued, saying) in [
        (alone, "two certificates"),
        (nobody, "neither a server nor an operator"),
        (expired, "expired"),
        (foreign, "cannot be used"),
    ] {
        let dir = TempDir::new();
        issued.write(dir.path(), SERVER_FILES).unwrap();
        let error = Credentials::load(dir.path(), SERVER_FILES)
            .unwrap_err()
            .to_string();
        assert!(error.contains(SERVER_FILES.certificate), "{error}");
        assert!(
            error.to_lowercase().contains(&saying.to_lowercase()),
            "{error}"
        );
    }
}

#[test]
fn a_host_that_is_none_is_an_error() {
    let hosts = ["a b\u{e4}".to_owned()];
    assert!(authority("cups").server(ServerId(1), &hosts).is_err());
}

fn judged(wanted: Option<ServerId>, mine: &Authority, shown: &Issued) -> Result<(), String> {
    use rustls::client::danger::ServerCertVerifier;
    let me = Credentials::issued(&mine.operator().unwrap()).unwrap();
    let verifier = ClusterVerifier::new(&me, wanted);
    let chain: Vec<CertificateDer<'static>> =
        Identity::from_pem(&shown.certificates_pem, &shown.key_pem)
            .unwrap()
            .certified_key()
            .cert
            .clone();
    let name = ServerName::try_from("any").unwrap();
    verifier
        .verify_server_cert(&chain[0], &chain[1..], &name, &[], UnixTime::now())
        .map(drop)
        .map_err(|_| verifier.refusal().unwrap().to_owned())
}

#[test]
fn within_a_cluster_a_server_is_known_by_its_number_and_an_operator_is_none() {
    let authority = authority("cups");
    let shown = server(&authority);
    assert_eq!(judged(Some(ServerId(3)), &authority, &shown), Ok(()));
    assert_eq!(judged(None, &authority, &shown), Ok(()));
    let another = judged(Some(ServerId(2)), &authority, &shown).unwrap_err();
    assert!(
        another.contains("it is server 3, not server 2"),
        "{another}"
    );
    assert!(judged(None, &authority, &authority.operator().unwrap()).is_err());
}

#[test]
fn a_server_of_another_cluster_is_none_of_this_one() {
    let (mine, namesake) = (authority("cups"), authority("cups"));
    assert!(judged(None, &mine, &server(&namesake)).is_err());
    assert!(judged(None, &mine, &shown_with(&server(&namesake), &mine)).is_err());
    let expired = mine
        .issue(Holder::Server(ServerId(1)), &[], past())
        .unwrap();
    assert!(
        judged(None, &mine, &expired)
            .unwrap_err()
            .contains("expired")
    );
    assert_eq!(
        judged(
            None,
            &mine,
            &mine
                .issue(Holder::Server(ServerId(1)), &[], SystemTime::now() + HOUR)
                .unwrap()
        ),
        Ok(())
    );
}
